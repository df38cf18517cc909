/* SPDX-License-Identifier: MIT */
/*
 * fork.h: what must hold still while the process forks.
 *
 * Only the thread that forks lives on in the child. A lock that another thread
 * held would stay locked there for ever; so every lock of the library joins a
 * list, and fork() takes them all, forks, and lets go of them on both sides.
 * A module may have something done beside: right after its lock was taken; and
 * after the fork, in the parent or in the child, right before it lets go.
 */
#ifndef PORTER_FORK_H
#define PORTER_FORK_H

#include "0-machine/platform.h"

/*
 * All locks, in the order in which fork() takes them, and who else holds two.
 * A thread that registers with liburcu holds the first, and liburcu takes its
 * own, the second. Who gives a tracker its centre holds RANK_CENTRING, and who
 * sets or reads a watch RANK_WATCHING; both take a family's. (lock-order.h)
 *
 * Those of liburcu come before all of ours that an update may take: a thread
 * may take them inside a read-side critical section of the program, for which
 * another one waits in synchronize_rcu(), with liburcu's locks held. The other
 * way round that is a deadlock. (tests/models/locks.pml)
 */
enum fork_rank {
	RANK_UNKNOWN = -1,
	RANK_REGISTERING,
	RANK_LIBURCU,
	RANK_CENTRING,
	RANK_TRACKERS,
	RANK_COUNTERS,
	RANK_IDS,
	RANK_SLOTS,
	RANK_STORE,
	RANK_ENDING,
	RANK_RETIRED,
	RANK_WATCHING,
	RANK_WATCHES,
	RANK_CENTRES,
	RANK_FAMILY, /* of each family; held by way of the one before */
	RANK_LAST,   /* no lock: what is done when all are free again */
};

struct fork_hold {
	enum fork_rank rank;
	struct porter__lock *lock; /* or NULL */
	void (*before)(void);	   /* or NULL, as the others */
	void (*parent)(void);
	void (*child)(void);
	struct fork_hold *next;
};

/* At load time, from a constructor. */
void porter__fork_join(struct fork_hold *hold);

/* What its hold says, or RANK_UNKNOWN. */
int porter__fork_rank(const struct porter__lock *lock);

#endif /* PORTER_FORK_H */
