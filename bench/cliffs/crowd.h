/* SPDX-License-Identifier: MIT */
/*
 * crowd.h: threads that used something once, and are idle, or have ended.
 *
 * All are alive before the first may end, so that each has a slot of its own.
 */
#ifndef PORTER_BENCH_CLIFFS_CROWD_H
#define PORTER_BENCH_CLIFFS_CROWD_H

#include <portermem/portermem.h>

#include <functional>

enum fate { IDLE, ENDED };

/* use(i) is called in thread i. Returns when all have come so far. */
void add_crowd(int threads, fate what, const std::function<void(int)> &use);

/* Uses an allocator a few times. */
void use_a_little(porter_allocator *a);

#endif /* PORTER_BENCH_CLIFFS_CROWD_H */
