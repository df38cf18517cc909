/* SPDX-License-Identifier: MIT */
/*
 * life.h: what the tests of threads, forks and signals share, beside support.h.
 */
#ifndef TESTS_LIFE_H
#define TESTS_LIFE_H

#include "support.h"

#include <portermem/allocator.h>

void pause_for(long microseconds);

/*
 * Runs it in a child that lasts a minute at most. True: it ended well. (No
 * pipe, unlike in_child(): other threads may fork at the same time.)
 */
bool child_does(void (*run)(void *arg), void *arg);

/* An allocator whose blocks nobody may touch: no memory, and no lock. */
extern porter_allocator nothing;

#endif /* TESTS_LIFE_H */
