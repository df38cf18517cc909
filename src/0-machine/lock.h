/* SPDX-License-Identifier: MIT */
/*
 * lock.h: a mutex that a signal handler may wait for.
 *
 * All signals are blocked while a thread holds it. So a handler never waits
 * for the thread that it interrupted. What is done under a lock is short.
 */
#ifndef PORTER_LOCK_H
#define PORTER_LOCK_H

#include "0-machine/rank.h"

#include <pthread.h>
#include <signal.h>

struct porter__lock {
	pthread_mutex_t mutex;
	enum porter__rank rank;
};

#define PORTER__LOCK_INIT(its_rank)                                     \
	{                                                               \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (its_rank), \
	}

void porter__lock(struct porter__lock *lock, sigset_t *saved);
void porter__unlock(struct porter__lock *lock, const sigset_t *saved);

#endif /* PORTER_LOCK_H */
