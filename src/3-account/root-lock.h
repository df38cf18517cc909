/* SPDX-License-Identifier: MIT */
/*
 * root-lock.h: the lock of a hierarchy, its root's.
 *
 * One compare-and-exchange to take it, a plain store to give it back: half of
 * what a mutex costs, and it lies on the line of what it guards, so that both
 * travel together. A thread that has to wait spins for a moment, yields for a
 * while, then sleeps, so that a holder that was interrupted gets to run.
 *
 * Nothing is done while it is held but to go through the levels and the holders,
 * and no other lock is held when it is waited for. It is waited for with the
 * caller's signal mask: a program may stop all its threads by a signal, the
 * holder first, and expect the others to arrive in their handlers.
 *
 * fork() does not take it. The lock holds the fork generation (fork.h) of its
 * holder, so a lock that another thread held is free in the child by itself,
 * and what it guards is made anew (rebuild.h). A thread that forks in a signal
 * handler, in the middle of its own critical section, goes on with that in the
 * child; its slot tells which lock it holds, and the child's handler gives it
 * the new generation.
 *
 * A signal handler must not operate on a hierarchy that the thread which it has
 * interrupted may be operating on.
 */
#ifndef PORTER_ROOT_LOCK_H
#define PORTER_ROOT_LOCK_H

#include "0-machine/fork.h"
#include "0-machine/lock-order.h"
#include "3-account/account.h"

static inline bool root_lock_try(struct root_lock *lock)
{
	uint32_t generation = load_relaxed(&porter__fork_generation);
	uint32_t now = load_relaxed(&lock->held_by);

	return now != generation &&
	       compare_exchange(&lock->held_by, &now, generation);
}

SLOW_PATH void porter__root_lock_wait(struct root_lock *lock);

/* Threads without a slot look at one that is empty, and shared: not written. */
static inline void say_what_is_held(struct root_lock *lock)
{
	if (likely(porter__self->blocks[0]))
		porter__self->holding = lock;
}

static inline void root_lock(struct account *a)
{
	struct root_lock *lock = &a->root->lock;

	porter__lock_order_take(lock, RANK_HIERARCHY);
	if (unlikely(!root_lock_try(lock)))
		porter__root_lock_wait(lock);
	say_what_is_held(lock);
}

static inline void root_unlock(struct account *a)
{
	struct root_lock *lock = &a->root->lock;

	say_what_is_held(NULL);
	store_release(&lock->held_by, 0);
	porter__lock_order_give(lock);
}

#endif /* PORTER_ROOT_LOCK_H */
