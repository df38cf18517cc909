/* SPDX-License-Identifier: MIT */
/*
 * state.h: what a watch is made of, and the way from a watermark that is crossed
 * to somebody who knows of it.
 *
 *	crossing.c, in the thread that crosses, with the hierarchy's lock:
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
 * A watch counts its crossings, modulo 2 its state. The number that was told
 * last is remembered; if they differ, there is something to tell, and the
 * difference says how many were suppressed. So nothing is ever queued that could
 * be lost, or told twice: what travels is the hint to look.
 *
 * A watch is on the stack, or it has been looked at after its last crossing: a
 * crossing counts first, then puts it there unless it is there; whoever takes it
 * says first that it is not there any more, then looks at the count.
 *
 * The list of an account's watches changes with both locks held, the
 * hierarchy's and, taken inside it, `watching`: either is enough to read it.
 */
#ifndef PORTER_WATCH_STATE_H
#define PORTER_WATCH_STATE_H

#include "0-machine/pool.h"
#include "3-account/rebuild.h"
#include "5-watch/own-file.h"

#include <portermem/watch.h>

struct watch {
	struct pool_element element;
	/* ---- constant while the watch lives ---- */
	struct account *account; /* or NULL: it is no watch */
	int number;
	int64_t high, low;
	bool per_mille;
	uint64_t min_interval;
	porter_on_crossing callback;
	void *context;

	struct watch *next; /* of the same account: with both locks */

	/* ---- with the hierarchy's lock ---- */
	int64_t at_high, at_low; /* in bytes */
	/* Read without it: what was charged at the crossing of that parity. */
	int64_t bytes[2];
	uint64_t crossings;

	/* ---- on the way from there ---- */
	struct watch *next_crossed;
	uint32_t is_crossed; /* it is on the stack */

	/* ---- under `watching` ---- */
	uint64_t called, noted; /* the crossing told to the callback, by read */
	uint64_t due;		/* not to be told before; 0: at once */
	struct watch *next_waiting;
	bool is_waiting;
	bool ending; /* somebody waits to remove it: not to be called */
	struct own_file file;
};

static inline bool wants_notifier(const struct watch *w)
{
	return w->callback || w->min_interval;
}

/*
 * The last crossing; suppressed is left open. As in peak.h: the bytes of a
 * crossing are stored before its number, and the number is looked at again.
 */
static inline struct porter_watch_event last_crossing(const struct watch *w)
{
	struct porter_watch_event event = { .size = sizeof(event) };

	do {
		event.crossing = load_acquire(&w->crossings);
		event.bytes = load_acquire(&w->bytes[event.crossing % 2]);
	} while (load_acquire(&w->crossings) != event.crossing);
	event.mark = event.crossing % 2 ? PORTER_WATCH_HIGH : PORTER_WATCH_LOW;
	return event;
}

#endif /* PORTER_WATCH_STATE_H */
