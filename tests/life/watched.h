/* SPDX-License-Identifier: MIT */
/*
 * watched.h: a process of its own for a test that might hang.
 *
 *	test  ------ ends_well(run) ------>  child: run(), and in it
 *	  |                                    progress(), progress(), ...
 *	  `-- looks on: no progress for long? the whole group is killed
 *
 * The time is counted from the last progress, so a slow machine fails no test;
 * and the end is SIGKILL, since what hangs may have all signals blocked.
 */
#ifndef TESTS_LIFE_WATCHED_H
#define TESTS_LIFE_WATCHED_H

#include "life.h"

/* True: run() has come to its end, and nothing was wrong in it. */
bool ends_well(void (*run)(void *arg), void *arg);

/* From run(), in any of its threads, handlers and children. */
void progress(void);

/* A child of run() that ends with its group, and with whoever made it. */
pid_t fork_watched(void);

/* Waits for it, in a handler as well. True: it ended by _exit(0). */
bool child_ended_well(pid_t child);

#endif /* TESTS_LIFE_WATCHED_H */
