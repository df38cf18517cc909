/* SPDX-License-Identifier: MIT */
/*
 * delivery.h: from the stack of watches that were crossed to those who are told.
 */
#ifndef PORTER_DELIVERY_H
#define PORTER_DELIVERY_H

#include "5-watch/state.h"

#include <portermem/tracked.h>

/* All under its lock. */
struct delivery {
	struct porter__lock lock; /* `watching` */
	struct watch *waiting;	  /* for the notifier, oldest first */
	unsigned users;		  /* watches that want a notifier */
	int numbers;		  /* the next watch has this one */
	bool started, serving;	  /* a thread is on its way, is there */
	uint64_t not_before;	  /* no thread was to be had: try then */
	bool has_bell;		  /* the condition is made */
	pthread_t thread;	  /* while serving */
	struct watch *running;	  /* whose callback runs, or NULL: removed */
	porter_tracked *running_for;
	uint64_t called_before; /* of that watch */
	pthread_cond_t bell;	/* something for the notifier */
	pthread_cond_t over;	/* a callback */
};
extern struct delivery porter__delivery;

extern struct pool porter__watches;

/*
 * No signals, and no cancellation either: writing to an eventfd is a point where
 * a thread may be cancelled, and so is waiting.
 */
struct watching_saved {
	sigset_t signals;
	int cancel_state;
};
void porter__watching_lock(struct watching_saved *saved);
void porter__watching_unlock(const struct watching_saved *saved);

/* ---- Under `watching` ---- */

/* Takes what was crossed, and tells or has it told. */
void porter__deliver_crossed(void);
/* Readable, if there is something that was not noted. Whether it was so. */
bool porter__watch_signal(struct watch *w);
void porter__watch_wait(struct watch *w);
void porter__watch_unwait(struct watch *w);

#endif /* PORTER_DELIVERY_H */
