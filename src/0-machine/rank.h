/* SPDX-License-Identifier: MIT */
/*
 * rank.h: all locks of the library, in the order in which a thread may take
 * them.
 *
 * A thread that holds a lock takes only locks of higher ranks. So no two
 * threads can wait for each other. fork() takes all of them but the lock of a
 * hierarchy, in this order.
 *
 * Why it begins as it does. A thread may update inside a read-side critical
 * section of the program, and take there what an update needs: from
 * RANK_HIERARCHY on. Another thread that holds liburcu's locks, in
 * synchronize_rcu(), waits for the first one to leave its section. So a thread
 * must not wait for liburcu's locks while it holds one that an update may want:
 * those of liburcu come first. (tests/models/locks.pml)
 */
#ifndef PORTER_RANK_H
#define PORTER_RANK_H

enum porter__rank {
	RANK_FORKING,	  /* one fork at a time */
	RANK_REGISTERING, /* a thread registers with liburcu, which then takes */
	RANK_LIBURCU,	  /* its own */
	RANK_HIERARCHY,	  /* of each hierarchy; a thread holds one at most */
	RANK_STRUCTURE,	  /* which tracker is whose child */
	RANK_TRACKERS,	  /* pools */
	RANK_COUNTERS,
	RANK_IDS,
	RANK_SLOTS,
	RANK_STORE,  /* memory for blocks of cells */
	RANK_ENDING, /* the key whose destructor hands a slot on */
	RANK_RETIRED,
	RANK_WATCHING, /* watches are set and taken away */
	RANK_WATCHES,
	RANK_LAST, /* no lock: what fork() does last of all */
};

#endif /* PORTER_RANK_H */
