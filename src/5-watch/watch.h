/* SPDX-License-Identifier: MIT */
/*
 * watch.h: from a mark that is crossed to somebody who knows of it.
 *
 *	crossing.c, in the thread that crosses, with the family's lock:
 *	    the watch goes to its other state, and onto the stack `crossed`
 *	        |
 *	        v  the same thread, with no other lock than `watching`
 *	delivery.c: each watch is taken from the stack
 *	        |-----------> its eventfd is written
 *	        v
 *	    `waiting`, until its interval is over
 *	        |
 *	        v
 *	notifier.c, in its own thread, with no lock: the callback
 *
 * A watch counts its crossings, modulo 2 its state. Who is to be told remembers
 * the number that it was told last; if they differ, there is something to tell,
 * and the difference says how many were suppressed. So nothing is ever queued
 * that could be lost, or told twice: what travels is the hint to look.
 *
 * A watch is on the stack, or it has been looked at after its last crossing:
 * who crosses counts first, then puts it there unless it is there; who takes it
 * says first that it is not there any more, then looks at the count.
 */
#ifndef PORTER_WATCH_PRIVATE_H
#define PORTER_WATCH_PRIVATE_H

#include "0-machine/pool.h"
#include "4-allocator/tracked.h"

#include <portermem/watch.h>

struct watch {
	struct pool_element element;
	/* ---- under `watching`; what follows is constant from then on ---- */
	struct centre *centre; /* or NULL: it is no watch */
	int number;	       /* not the next one's in this place */
	int64_t high, low;
	bool per_mille;
	uint64_t min_interval;
	porter_on_crossing callback;
	void *context;

	/* ---- under the family's lock ---- */
	struct watch *next;	 /* of the same centre */
	int64_t at_high, at_low; /* in bytes */
	int64_t bytes;		 /* at the last crossing */
	uint64_t crossings;	 /* read without the lock, too */

	/* ---- on the way from there ---- */
	struct watch *next_crossed;
	uint32_t is_crossed; /* it is on the stack */

	/* ---- under `watching` again ---- */
	uint64_t called, noted; /* the crossing told to the callback, by read */
	uint64_t due;		/* not to be told before; 0: at once */
	struct watch *next_waiting;
	bool is_waiting;
	bool ending; /* somebody waits to remove it: not to be called */
	int fd;	     /* or -1 */
};

/* ---- crossing.c: with the family's lock, but for the last two ---- */

/* In a watch that is in the list of its centre, or was just taken out. */
void porter__watch_resolve(struct watch *w);
/* Notes what is crossed; sets both marks anew. Whether to wake anybody. */
bool porter__watches_look(struct centre *c);

/* All that were crossed, since the last call; by next_crossed. */
struct watch *porter__watch_take_crossed(void);
/* Takes the lock. The crossing, suppressed left open. */
struct porter_watch_event porter__watch_event(struct watch *w);

/* ---- delivery.c ---- */

/* All under its lock, but for what says otherwise. */
struct delivery {
	struct porter__lock lock; /* `watching`; rank: fork.h */
	struct watch *waiting;	  /* for the notifier, oldest first */
	unsigned users;		  /* watches that want a notifier */
	bool started, serving;	  /* a thread is on its way, is there */
	pthread_t thread;	  /* while serving */
	struct watch *running;	  /* whose callback runs, or NULL: removed */
	porter_tracked *running_for;
	uint64_t called_before; /* of that watch */
	pthread_cond_t bell;	/* something for the notifier */
	pthread_cond_t over;	/* a callback */
	bool forked;		/* without the lock: wake anyway */
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

/* Takes what was crossed, and tells or has it told. */
void porter__deliver_crossed(void);
/* Readable, if there is something that was not noted. Whether it was so. */
bool porter__watch_signal(struct watch *w);
void porter__watch_wait(struct watch *w);
void porter__watch_unwait(struct watch *w);
/* The number of w is free again, once it was given back to its pool. */
void porter__watch_end(struct watch *w);

/* ---- notifier.c ---- */

/* Takes the lock. One more wants a notifier; or -1 with errno EAGAIN. */
int porter__notifier_join(void);
/* With the lock. */
void porter__notifier_leave(void);
/* With the lock: whether the calling thread is the notifier. */
bool porter__is_notifier(void);
/* With the lock: whether there is something to do and nobody who does it. */
bool porter__notifier_is_missing(void);
/* With no lock. */
void porter__notifier_revive(void);

static inline bool wants_notifier(const struct watch *w)
{
	return w->callback || w->min_interval;
}

#endif /* PORTER_WATCH_PRIVATE_H */
