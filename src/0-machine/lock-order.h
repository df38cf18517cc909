/* SPDX-License-Identifier: MIT */
/*
 * lock-order.h: whether locks are taken in the order of their ranks (fork.h).
 *
 * Two threads that take the same two locks in different orders may wait for
 * each other for ever; but seldom, so that tests do not meet it. That one
 * thread takes a lock below one that it holds is seen at once. In the library
 * that tests link, each thread has a list of what it holds, and ends the
 * program with both names when the order is wrong. In the one that is
 * installed, all of this is nothing.
 */
#ifndef PORTER_LOCK_ORDER_H
#define PORTER_LOCK_ORDER_H

#ifdef PORTER_TEST_POINTS

/* Right before a lock is waited for, and after it was given back. */
void porter__lock_order_take(const void *lock, int rank);
void porter__lock_order_give(const void *lock);

/* How many the calling thread holds. */
int porter__locks_held(void);

#else

static inline void porter__lock_order_take(const void *lock, int rank)
{
	(void)lock;
	(void)rank;
}

static inline void porter__lock_order_give(const void *lock)
{
	(void)lock;
}

static inline int porter__locks_held(void)
{
	return 0;
}

#endif

#endif /* PORTER_LOCK_ORDER_H */
