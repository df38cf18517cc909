/* SPDX-License-Identifier: MIT */
/*
 * root-lock.h: the lock of a hierarchy, its root's.
 *
 * One compare-and-exchange takes it, and a plain store gives it back. It lies on
 * the line of what it guards, so that both travel together. A thread that has to
 * wait spins for a moment, yields for a while, then sleeps, so that the thread
 * that has the lock gets to run if it was interrupted.
 *
 * While it is held, the thread goes through levels and holders, and nothing else
 * (but see rebuild.h). A thread that waits for it holds no other lock, and has not
 * blocked signals. Some programs stop all their threads by a signal and wait until
 * all are in its handler. If the thread that has the lock is in the handler, those
 * that wait for the lock must still be able to enter it.
 *
 * fork() does not take it. While a thread has the lock, the word is the fork
 * generation (fork.h) of its process. So a lock that another thread had is free
 * in the child by itself, and what it guards is made anew (rebuild.h). A thread
 * that forks in a signal handler, in the middle of its own critical section,
 * goes on with that in the child: its slot tells which lock it has, and the
 * child's fork handler gives the word the new generation.
 *
 * A signal handler must not operate on a hierarchy: it may have interrupted a
 * thread that has its lock.
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

/* A thread without a slot looks at an empty one, which nobody may write. */
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
