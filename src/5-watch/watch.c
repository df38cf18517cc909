/* SPDX-License-Identifier: MIT */
/*
 * watch.c: watches come, are asked, and go.
 *
 * The lock `watching` keeps a watch where it is; the family's lock is taken
 * inside it, for the list of the centre. While somebody waits for a callback to
 * be over, the lock is free, and anything may have changed afterwards.
 */
#include "3-centre/marks.h"
#include "5-watch/watch.h"

#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>

#define d porter__delivery

/* ---- Adding ---- */

/* What struct porter_watch was in the first version. */
#define WATCH_SIZE_FIRST \
	(offsetof(struct porter_watch, context) + sizeof(void *))

static bool makes_sense(const struct porter_watch *w)
{
	if (w->low < 0 || w->high <= w->low)
		return false;
	return w->unit == PORTER_WATCH_BYTES ||
	       (w->unit == PORTER_WATCH_PER_MILLE && w->high <= 1000);
}

/* With the lock `watching`, without which the list does not change. */
static struct watch *find(const struct centre *c, int number)
{
	struct watch *w = c->watches;

	while (w && w->number != number)
		w = w->next;
	return w;
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
	w->bytes = 0;
	w->crossings = w->called = w->noted = 0;
	w->due = 0;
	w->ending = false;
	w->fd = -1;
	if (!wants_notifier(w) || porter__notifier_join() == 0)
		return w;
	porter__pool_give(&porter__watches, w);
	return NULL;
}

/*
 * A number is used again when all others have been: who has kept that of a watch
 * that was removed does not get hold of another one.
 */
static int next_number;

static void number_it(struct centre *c, struct watch *w)
{
	do {
		w->number = next_number;
		next_number = next_number == INT_MAX ? 0 : next_number + 1;
	} while (find(c, w->number));
}

/* Whether the high mark is reached already. */
static bool join_centre(struct centre *c, struct watch *w)
{
	bool crossed;

	w->centre = c;
	number_it(c, w);
	centre_lock(c);
	porter__centre_bound(c);
	/* What is lent was measured by other marks. */
	porter__centre_revoke(c);
	w->next = c->watches;
	c->watches = w;
	porter__watch_resolve(w);
	crossed = porter__watches_look(c);
	centre_unlock(c);
	return crossed;
}

int porter_watch_add(porter_tracked *t, const struct porter_watch *theirs)
{
	const struct centre_options o = { .converted = true };
	struct watch *w;
	struct watching_saved saved;
	bool crossed;
	int number;

	if (!theirs || theirs->size < WATCH_SIZE_FIRST ||
	    !makes_sense(theirs)) {
		errno = EINVAL;
		return -1;
	}
	if (!centre_of(t) && porter__tracked_centre(t, &o) != 0)
		return -1;
	w = make(theirs);
	if (!w)
		return -1;
	porter__watching_lock(&saved);
	crossed = join_centre(centre_of(t), w);
	number = w->number;
	porter__watching_unlock(&saved);
	if (crossed)
		porter__marks_wake();
	return number;
}

/* ---- Asking; with the lock ---- */

static struct watch *find_of(const porter_tracked *t, int watch)
{
	struct centre *c = centre_of(t);
	struct watch *w = c ? find(c, watch) : NULL;

	if (!w)
		errno = ENOENT;
	return w;
}

/* What waits for its interval makes it readable later. */
static void make_fd(struct watch *w)
{
	unsigned readable = w->noted != peek(&w->crossings) && !w->is_waiting;

	w->fd = eventfd(readable, EFD_NONBLOCK | EFD_CLOEXEC);
}

int porter_watch_fd(porter_tracked *t, int watch)
{
	struct watch *w;
	struct watching_saved saved;
	int fd = -1;

	porter__watching_lock(&saved);
	w = find_of(t, watch);
	if (w && w->fd < 0)
		make_fd(w);
	if (w)
		fd = w->fd;
	porter__watching_unlock(&saved);
	return fd;
}

static bool take_note(struct watch *w, struct porter_watch_event *event)
{
	eventfd_t signals;

	/* First: what crosses after it is in the event, or signalled anew. */
	if (w->fd >= 0)
		(void)eventfd_read(w->fd, &signals);
	*event = porter__watch_event(w);
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

static void copy_event(struct porter_watch_event *out,
		       const struct porter_watch_event *event)
{
	size_t size = out->size, common = sizeof(*event);

	if (size > common)
		memset((char *)out + common, 0, size - common);
	memcpy(out, event, size < common ? size : common);
	out->size = size;
}

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
	w = find_of(t, watch);
	noted = w && take_note(w, &event);
	porter__watching_unlock(&saved);
	if (!noted)
		return -1;
	copy_event(out, &event);
	return 0;
}

/* ---- Removing ---- */

static void leave_centre(struct watch *w)
{
	struct centre *c = w->centre;
	struct watch **place;

	centre_lock(c);
	place = (struct watch **)(void *)&c->watches;
	while (*place != w)
		place = &(*place)->next;
	*place = w->next;
	/* What is about to be crossed by others is noted here, too. */
	porter__watches_look(c);
	centre_unlock(c);
}

static bool must_wait_for(const struct watch *w)
{
	return d.running == w && !porter__is_notifier();
}

int porter_watch_remove(porter_tracked *t, int watch)
{
	struct watch *w;
	struct watching_saved saved;

	porter__watching_lock(&saved);
	while ((w = find_of(t, watch)) && must_wait_for(w)) {
		w->ending = true;
		pthread_cond_wait(&d.over, &d.lock.mutex);
	}
	if (w) {
		leave_centre(w);
		porter__watch_end(w);
	}
	porter__watching_unlock(&saved);
	if (!w)
		return -1;
	porter__pool_give(&porter__watches, w);
	return 0;
}

/* ---- The end of a tracker ---- */

/* Takes all watches; or says that there are children. */
static bool clear_centre(struct centre *c, struct watch **all)
{
	bool childless;

	centre_lock(c);
	childless = !c->children;
	if (childless) {
		*all = c->watches;
		c->watches = NULL;
		porter__watches_look(c);
	}
	centre_unlock(c);
	return childless;
}

/* Of all watches: not to be called any more, or again. */
static void set_ending(struct centre *c, bool ending)
{
	centre_lock(c);
	for (struct watch *w = c->watches; w; w = w->next) {
		w->ending = ending;
		if (!ending && wants_notifier(w))
			porter__watch_wait(w); /* It may have been passed by. */
	}
	centre_unlock(c);
}

static bool on_end(struct centre *c)
{
	struct watch *all = NULL, *w;
	struct watching_saved saved;
	bool may_end;

	porter__watching_lock(&saved);
	while (d.running_for == c->owner && !porter__is_notifier()) {
		set_ending(c, true);
		pthread_cond_wait(&d.over, &d.lock.mutex);
	}
	may_end = clear_centre(c, &all);
	if (!may_end)
		set_ending(c, false);
	for (w = all; w; w = w->next)
		porter__watch_end(w);
	if (may_end && d.running_for == c->owner)
		d.running_for = NULL;
	porter__watching_unlock(&saved);
	while (all) {
		w = all;
		all = w->next;
		porter__pool_give(&porter__watches, w);
	}
	if (!may_end)
		errno = EBUSY;
	return may_end;
}

__attribute__((constructor)) static void on_load(void)
{
	porter__marks_on_end = on_end;
}
