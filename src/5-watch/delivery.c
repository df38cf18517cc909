/* SPDX-License-Identifier: MIT */
/*
 * delivery.c: whom a crossing is told to, and when.
 *
 * An event loop is told by the thread that crossed, a callback by the notifier; and
 * where an interval has to pass first, the notifier tells both. Each finds out
 * by itself whether there is something new: see state.h.
 */
#include "5-watch/delivery.h"

#include "5-watch/crossing.h"

#include <sys/eventfd.h>
#include <unistd.h>

enum { FIRST_WATCHES = 16 };

struct pool porter__watches =
	POOL_INIT(struct watch, FIRST_WATCHES, RANK_WATCHES);

struct delivery porter__delivery = {
	.lock = PORTER__LOCK_INIT(RANK_WATCHING),
	.bell = PTHREAD_COND_INITIALIZER,
	.over = PTHREAD_COND_INITIALIZER,
};

/* ---- The lock ---- */

void porter__watching_lock(struct watching_saved *saved)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved->cancel_state);
	porter__lock(&porter__delivery.lock, &saved->signals);
}

void porter__watching_unlock(const struct watching_saved *saved)
{
	porter__unlock(&porter__delivery.lock, &saved->signals);
	pthread_setcancelstate(saved->cancel_state, NULL);
}

/* ---- To an event loop ---- */

bool porter__watch_signal(struct watch *w)
{
	if (w->noted == load_relaxed(&w->crossings) ||
	    !porter__own_file_is_there(&w->file))
		return false;
	/* It cannot be full: it is written once for each crossing at most. */
	return eventfd_write(w->file.fd, 1) == 0;
}

/* ---- To the notifier ---- */

void porter__watch_wait(struct watch *w)
{
	struct watch **place = &porter__delivery.waiting;

	if (w->is_waiting)
		return;
	while (*place)
		place = &(*place)->next_waiting;
	*place = w;
	w->next_waiting = NULL;
	store_relaxed(&w->is_waiting, true);
	pthread_cond_signal(&porter__delivery.bell);
}

void porter__watch_unwait(struct watch *w)
{
	struct watch **place = &porter__delivery.waiting;

	if (!w->is_waiting)
		return;
	while (*place != w)
		place = &(*place)->next_waiting;
	*place = w->next_waiting;
	store_relaxed(&w->is_waiting, false);
}

/* ---- From the stack ---- */

void porter__deliver_crossed(void)
{
	struct watch *w = porter__watch_take_crossed();

	while (w) {
		struct watch *next = w->next_crossed;

		/* It waits before it leaves the stack: it is never on no list. */
		if (wants_notifier(w))
			porter__watch_wait(w);
		/* Not there any more; then look. Pairs with push(). */
		(void)exchange(&w->is_crossed, 0);
		if (!w->min_interval)
			porter__watch_signal(w);
		w = next;
	}
}
