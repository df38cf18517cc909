/* SPDX-License-Identifier: MIT */
/*
 * watch.c: watches come, are asked, and go.
 *
 * The lock `watching` keeps a watch where it is. A list of watches changes with
 * the hierarchy's lock as well, which is taken first. While somebody waits for a
 * callback to be over, the lock is free, and anything may have changed afterwards.
 */
#include "0-machine/lock-order.h"
#include "0-machine/sized.h"
#include "3-account/drain.h"
#include "3-account/hierarchy.h"
#include "3-account/watermark.h"
#include "4-allocator/tracked-limit.h"
#include "5-watch/crossing.h"
#include "5-watch/notifier.h"

#include <string.h>
#include <sys/eventfd.h>

#define d porter__delivery

/* ---- Adding ---- */

/* What struct porter_watch was in the first version. */
#define WATCH_SIZE_FIRST \
	(offsetof(struct porter_watch, context) + sizeof(void *))

static bool makes_sense(const struct porter_watch *w)
{
	if (w->low < 0 || w->high <= w->low || w->reserved)
		return false;
	return w->unit == PORTER_WATCH_BYTES ||
	       (w->unit == PORTER_WATCH_PER_MILLE && w->high <= 1000);
}

static struct watch *make(const struct porter_watch *o)
{
	struct watch *w = porter__pool_take(&porter__watches);

	if (!w)
		return NULL;
	w->high = o->high;
	w->low = o->low;
	w->per_mille = o->unit == PORTER_WATCH_PER_MILLE;
	w->min_interval = o->min_interval;
	w->callback = o->callback;
	w->context = o->context;
	w->bytes[0] = w->bytes[1] = 0;
	w->crossings = w->called = w->noted = 0;
	w->due = 0;
	w->ending = false;
	w->file.fd = -1;
	if (!wants_notifier(w) || porter__notifier_join() == 0)
		return w;
	porter__pool_give(&porter__watches, w);
	return NULL;
}

static const struct watermark_user user;

/* With both locks; its number is told to nobody yet. */
static void link_to_account(struct account *a, struct watch *w)
{
	struct watching_saved saved;

	porter__watching_lock(&saved);
	w->account = a;
	w->number = d.numbers;
	d.numbers = d.numbers == INT32_MAX ? 0 : d.numbers + 1;
	w->next = a->watches;
	a->watches = w;
	a->user = &user;
	porter__watching_unlock(&saved);
}

/* Whether the high watermark is reached already. */
static bool join_account(struct account *a, struct watch *w, int *number)
{
	bool crossed;

	account_enter(a);
	/* Stock was measured by other watermarks. */
	porter__drain(a);
	link_to_account(a, w);
	*number = w->number;
	porter__watch_resolve(w);
	crossed = porter__watches_look(a);
	account_leave(a);
	return crossed;
}

int porter_watch_add(porter_tracked *t, const struct porter_watch *theirs)
{
	struct porter_watch o;
	struct watch *w;
	int number;

	if (!theirs || !sized_read(&o, theirs, WATCH_SIZE_FIRST, sizeof(o)) ||
	    !makes_sense(&o)) {
		errno = EINVAL;
		return -1;
	}
	w = make(&o);
	if (!w)
		return -1;
	porter__hierarchy_bound(&t->account, porter__bind);
	if (join_account(&t->account, w, &number))
		user.deliver();
	return number;
}

/* ---- Asking; with the lock ---- */

static struct watch *find(const porter_tracked *t, int number)
{
	struct watch *w = t->account.watches;

	while (w && w->number != number)
		w = w->next;
	if (!w)
		errno = ENOENT;
	return w;
}

/* A number that the kernel gives out is that of no other watch any more. */
static void forget_fd(const struct watch *of)
{
	for (size_t i = 0; i < porter__pool_count(&porter__watches); i++) {
		struct watch *w = porter__pool_at(&porter__watches, i);

		if (w != of && w->account && w->file.fd == of->file.fd)
			w->file.fd = -1;
	}
}

/* What waits for its interval makes it readable later. */
static void make_fd(struct watch *w)
{
	unsigned readable = w->noted != load_relaxed(&w->crossings) &&
			    !w->is_waiting;

	porter__own_file_open(&w->file, readable);
	if (w->file.fd >= 0)
		forget_fd(w);
}

int porter_watch_fd(porter_tracked *t, int watch)
{
	struct watch *w;
	struct watching_saved saved;
	int fd = -1;

	porter__watching_lock(&saved);
	w = find(t, watch);
	if (w && !porter__own_file_is_there(&w->file))
		make_fd(w);
	if (w)
		fd = w->file.fd;
	porter__watching_unlock(&saved);
	return fd;
}

static bool take_note(struct watch *w, struct porter_watch_event *event)
{
	eventfd_t signals;

	/* First: what crosses after it is in the event, or signalled anew. */
	if (porter__own_file_is_there(&w->file))
		(void)eventfd_read(w->file.fd, &signals);
	*event = last_crossing(w);
	if (event->crossing == w->noted) {
		errno = EAGAIN;
		return false;
	}
	event->suppressed = event->crossing - w->noted - 1;
	w->noted = event->crossing;
	return true;
}

/* What struct porter_watch_event was in the first version. */
#define EVENT_SIZE_FIRST \
	(offsetof(struct porter_watch_event, suppressed) + sizeof(uint64_t))

int porter_watch_read(porter_tracked *t, int watch,
		      struct porter_watch_event *out)
{
	struct porter_watch_event event;
	struct watch *w;
	struct watching_saved saved;
	bool noted;

	if (!out || out->size < EVENT_SIZE_FIRST) {
		errno = EINVAL;
		return -1;
	}
	porter__watching_lock(&saved);
	w = find(t, watch);
	noted = w && take_note(w, &event);
	porter__watching_unlock(&saved);
	if (!noted)
		return -1;
	sized_write(out, &event, sizeof(event));
	return 0;
}

/* ---- Removing ---- */

/* With both locks; what is about to be crossed by others is noted here, too. */
static void unlink_from_account(struct account *a, struct watch *w)
{
	struct watch **place = (struct watch **)(void *)&a->watches;
	struct watching_saved saved;

	account_enter(a);
	porter__drain(a);
	porter__watching_lock(&saved);
	while (*place != w)
		place = &(*place)->next;
	*place = w->next;
	porter__watching_unlock(&saved);
	porter__watches_look(a);
	account_leave(a);
}

/* With the lock. It is in no list, so it cannot come onto the stack any more. */
static void end(struct watch *w)
{
	porter__deliver_crossed();
	porter__watch_unwait(w);
	porter__own_file_close(&w->file);
	w->account = NULL;
	if (d.running == w)
		d.running = NULL;
	if (wants_notifier(w))
		porter__notifier_leave();
}

static bool must_wait_for(const struct watch *w)
{
	return d.running == w && !porter__is_notifier();
}

/* It remembers nothing of the program's: LeakSanitizer would take it for in use. */
static void give(struct watch *w)
{
	w->callback = NULL;
	w->context = NULL;
	porter__pool_give(&porter__watches, w);
}

/* From now on it is found by nobody else who removes. */
static struct watch *take(const porter_tracked *t, int number)
{
	struct watch *w;

	while ((w = find(t, number)) && must_wait_for(w)) {
		w->ending = true;
		pthread_cond_wait(&d.over, &d.lock.mutex);
	}
	if (!w)
		return NULL;
	w->ending = true;
	w->number = -1;
	return w;
}

int porter_watch_remove(porter_tracked *t, int watch)
{
	struct watch *w;
	struct watching_saved saved;

	porter__watching_lock(&saved);
	w = take(t, watch);
	porter__watching_unlock(&saved);
	if (!w)
		return -1;
	unlink_from_account(&t->account, w);
	porter__watching_lock(&saved);
	end(w);
	porter__watching_unlock(&saved);
	give(w);
	return 0;
}

/* ---- What the account calls ---- */

static bool on_limit(struct account *a)
{
	porter__drain(a);
	for (struct watch *w = a->watches; w; w = w->next)
		porter__watch_resolve(w);
	return porter__watches_look(a);
}

/* In the middle of an allocation, which knows nothing of errno. */
static void on_delivery(void)
{
	int error = errno;
	struct watching_saved saved;
	bool missing;

	porter__watching_lock(&saved);
	porter__deliver_crossed();
	missing = porter__notifier_is_missing();
	porter__watching_unlock(&saved);
	if (missing)
		porter__notifier_revive();
	errno = error;
}

/* With the lock: none is called any more, and the one that runs is over. */
static void wait_for_callback(struct account *a)
{
	while (d.running_for == a->owner && !porter__is_notifier()) {
		for (struct watch *w = a->watches; w; w = w->next)
			w->ending = true;
		pthread_cond_wait(&d.over, &d.lock.mutex);
	}
}

/* All of them, out of the list. */
static struct watch *take_all(struct account *a)
{
	struct watching_saved saved;
	struct watch *all;

	account_enter(a);
	porter__drain(a);
	porter__watching_lock(&saved);
	all = a->watches;
	a->watches = NULL;
	porter__watching_unlock(&saved);
	porter__watches_look(a);
	account_leave(a);
	return all;
}

static bool on_end(struct account *a)
{
	struct watching_saved saved;
	struct watch *all, *w;

	porter__watching_lock(&saved);
	wait_for_callback(a);
	porter__watching_unlock(&saved);
	all = take_all(a);
	porter__watching_lock(&saved);
	for (w = all; w; w = w->next)
		end(w);
	if (d.running_for == a->owner)
		d.running_for = NULL;
	porter__watching_unlock(&saved);
	while (all) {
		w = all;
		all = w->next;
		give(w);
	}
	return true;
}

static const struct watermark_user user = {
	.crossed = porter__watches_look,
	.limit_changed = on_limit,
	.deliver = on_delivery,
	.end = on_end,
};
