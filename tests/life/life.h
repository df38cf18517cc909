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

/*
 * Whether a child of a process with several threads can start threads: not
 * under a sanitizer, whose list of threads may be locked in it, and not in
 * qemu-user, which ends itself (PORTER_TEST_EMULATOR, set by check-cross.sh).
 */
bool children_start_threads(void);

/* An allocator whose blocks nobody may touch: no memory, and no lock. */
extern porter_allocator nothing;

#endif /* TESTS_LIFE_H */
