/* SPDX-License-Identifier: MIT */
/*
 * rebuild.h: an account in a child of fork().
 *
 * The child has all cells as they were at one instant (fork.h), but other threads
 * may have been in the middle of operations, with the lock or without, and live
 * no more. So quotas, reserved and holders are worked out anew from what the cells
 * have counted. The first thread of the child that takes the lock of a hierarchy does
 * that, for the whole hierarchy. A child that takes no such lock (most call exec at
 * once) pays nothing. Until then threads may use the stock that their cells have:
 * that is reserved.
 */
#ifndef PORTER_REBUILD_H
#define PORTER_REBUILD_H

#include "3-account/root-lock.h"
#include "3-account/atomic-mode.h"

/* With the lock of that root. */
SLOW_PATH void porter__rebuild(struct account *root);

/*
 * Takes the lock; everything that needs the lock begins with this. Afterwards the
 * hierarchy has been rebuilt if this is a child of fork(), and atomic mode has ended.
 */
static inline void account_enter(struct account *a)
{
	struct account *root = a->root;

	root_lock(a);
	/* Again, if a signal handler has forked in the middle of that. */
	while (unlikely(root->generation !=
			load_relaxed(&porter__fork_generation)))
		porter__rebuild(root);
	atomic_end(root);
}

static inline void account_leave(struct account *a)
{
	root_unlock(a);
}

#endif /* PORTER_REBUILD_H */
