/* SPDX-License-Identifier: MIT */
/*
 * spin.h: a lock for a few dozen instructions.
 *
 * One atomic exchange to take it, a plain store to give it back: half of what
 * a mutex costs, and what it guards can lie on its own line, so that both
 * travel together. Who waits spins for a moment, yields for a while, then
 * sleeps, so that a holder that was interrupted gets to run, whatever the
 * priorities are.
 *
 * Not for signal handlers: they may have interrupted the holder.
 */
#ifndef PORTER_SPIN_H
#define PORTER_SPIN_H

#include "0-machine/atomic.h"
#include "0-machine/fork.h"
#include "0-machine/lock-order.h"

#include <stdbool.h>

struct spin {
	uint32_t held;
};

SLOW_PATH void porter__spin_wait(struct spin *lock);

static inline bool spin_try_alone(struct spin *lock)
{
	return exchange(&lock->held, 1) == 0;
}

/* Takes it unless somebody has it. All of them are families': see fork.h. */
static inline bool spin_try(struct spin *lock)
{
	bool taken = spin_try_alone(lock);

	if (taken)
		porter__lock_order_take(lock, RANK_FAMILY);
	return taken;
}

static inline void spin_lock(struct spin *lock)
{
	porter__lock_order_take(lock, RANK_FAMILY);
	if (unlikely(!spin_try_alone(lock)))
		porter__spin_wait(lock);
}

static inline void spin_unlock(struct spin *lock)
{
	publish(&lock->held, 0);
	porter__lock_order_give(lock);
}

/* One step of waiting for anything; counts the steps, from 0. */
void porter__wait_a_little(unsigned *steps);

#endif /* PORTER_SPIN_H */
