/* SPDX-License-Identifier: MIT */
/*
 * root-lock.c: waiting for the lock, and what the child of a fork does with it.
 */
#include "3-account/root-lock.h"

#include "0-machine/wait.h"

/*
 * Looks before it tries, so that threads that wait do not take the line from each
 * other. The generation is read each time: the thread may fork in a signal
 * handler while it waits, and in the child nobody has the lock.
 */
void porter__root_lock_wait(struct root_lock *lock)
{
	unsigned steps = 0;

	do {
		while (load_relaxed(&lock->held_by) ==
		       load_relaxed(&porter__fork_generation))
			porter__wait_a_little(&steps);
	} while (!root_lock_try(lock));
}

static void in_child(void)
{
	struct root_lock *held = porter__self->holding;

	if (held)
		store_relaxed(&held->held_by, porter__fork_generation);
}

FORK_HOLD(hold_hierarchy, .rank = RANK_HIERARCHY, .child = in_child);
