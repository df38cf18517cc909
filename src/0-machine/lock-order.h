/* SPDX-License-Identifier: MIT */
/*
 * lock-order.h: whether threads take locks in the order of their ranks.
 *
 * Two threads that take the same two locks in different orders may wait for
 * each other for ever; but seldom, so that tests do not meet it. That one
 * thread takes a lock of a rank below one that it holds is seen at once. In the
 * library that tests link, each thread has a list of what it holds, and ends
 * the program with both ranks when the order is wrong. In the one that is
 * installed, all of this is nothing.
 */
#ifndef PORTER_LOCK_ORDER_H
#define PORTER_LOCK_ORDER_H

#include "0-machine/rank.h"

#ifdef PORTER_TEST_POINTS

/* Right before a thread waits for a lock, and after it has given it back. */
void porter__lock_order_take(const void *lock, enum porter__rank rank);
void porter__lock_order_give(const void *lock);

/*
 * The same for a lock that fork() takes. A signal handler that forks may have
 * interrupted its thread while that held the lock of a hierarchy, which fork()
 * does not take. That one does not count.
 */
void porter__lock_order_take_to_fork(const void *lock, enum porter__rank rank);

/* How many the calling thread holds. */
int porter__locks_held(void);

#else

static inline void porter__lock_order_take(const void *lock,
					   enum porter__rank rank)
{
	(void)lock;
	(void)rank;
}

static inline void porter__lock_order_give(const void *lock)
{
	(void)lock;
}

static inline void porter__lock_order_take_to_fork(const void *lock,
						   enum porter__rank rank)
{
	(void)lock;
	(void)rank;
}

static inline int porter__locks_held(void)
{
	return 0;
}

#endif

#endif /* PORTER_LOCK_ORDER_H */
