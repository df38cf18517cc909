/* SPDX-License-Identifier: MIT */
/*
 * worker.h: threads that allocate, resize and free, and tell the ledger.
 *
 *	careful		takes credits first: it is never refused, whatever the
 *			others do; makes trackers of its own for a while; asks,
 *			now and then, for more than there can ever be
 *	greedy		asks for what it likes, below a limit of its own: each
 *			refusal must have been right
 *
 * Blocks stand on shelves that all can reach, so most are freed by another
 * thread than has allocated them. A worker ends after a while, when another
 * has taken its seat.
 */
#ifndef TESTS_STRESS_WORKER_H
#define TESTS_STRESS_WORKER_H

#include "ledger.h"

enum { MOST_TARGETS = 8, SHELF = 4096 };

/* Where they work. */
struct job {
	struct level *root;
	struct level *careful[MOST_TARGETS], *greedy[MOST_TARGETS];
	int careful_targets, greedy_targets;
	size_t largest; /* block */
	bool trackers_come_and_go;
};

extern struct job job;

/* ---- Running ---- */

extern atomic_size_t shelf_width; /* of the careful ones' that is in use */
extern atomic_ulong *steps;	  /* shared: so that a hang is seen */

/* They block all signals but while they work. */
void workers_start(int careful, int greedy);
void workers_stop(void);
/* What is left on the shelves. */
void shelves_clear(void);

/* For porter_tracked_options: who is careful is never refused. */
int worker_refused(porter_tracked *t, size_t size, void *context);
/* The next request of this thread. */
extern _Thread_local bool may_be_refused;

porter_tracked *make_tracker(struct level *l);
/* The bytes that it still had, or -1. */
int64_t destroy(porter_tracked *t);

#endif /* TESTS_STRESS_WORKER_H */
