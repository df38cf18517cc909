/* SPDX-License-Identifier: MIT */
/*
 * crossing.c: which watches are crossed, in the thread that does it.
 *
 *	state	looks for		   then
 *	below	reserved >= at_high	-> above
 *	above	reserved <= at_low	-> below
 *
 * at_low < at_high, so no watch changes its state twice for one number. The
 * centre's marks are the nearest of those that watches look for.
 *
 * Everything here is a few stores: it runs in the middle of an allocation, with
 * the family's lock.
 */
#include "3-centre/marks.h"
#include "5-watch/watch.h"

enum { WHOLE = 1000 };

static struct watch *crossed; /* by next_crossed; pushed one, taken all */

static bool is_above(const struct watch *w)
{
	return w->crossings % 2;
}

/* ---- Marks ---- */

/* Without overflow; up or down to a whole byte. */
static int64_t part_of(int64_t limit, int64_t per_mille, bool up)
{
	int64_t rest = limit % WHOLE * per_mille;

	return limit / WHOLE * per_mille +
	       (rest + (up ? WHOLE - 1 : 0)) / WHOLE;
}

void porter__watch_resolve(struct watch *w)
{
	int64_t limit = w->centre->limit;

	if (!w->per_mille) {
		w->at_high = w->high;
		w->at_low = w->low;
	} else if (limit == INT64_MAX) {
		w->at_high = w->at_low = INT64_MAX;
	} else {
		w->at_high = part_of(limit, w->high, true);
		w->at_low = part_of(limit, w->low, false);
	}
}

static void set_marks(struct centre *c)
{
	c->high = INT64_MAX;
	c->low = INT64_MIN;
	for (const struct watch *w = c->watches; w; w = w->next) {
		if (is_above(w) && w->at_low > c->low)
			c->low = w->at_low;
		if (!is_above(w) && w->at_high < c->high)
			c->high = w->at_high;
	}
}

/* ---- Crossing ---- */

/* Whether it was not on the stack already: who put it there wakes. */
static bool push(struct watch *w)
{
	struct watch *top = load_relaxed(&crossed);

	if (exchange(&w->is_crossed, 1))
		return false;
	do {
		w->next_crossed = top;
	} while (!compare_exchange(&crossed, &top, w));
	return true;
}

static bool look_at(struct watch *w, int64_t bytes)
{
	if (is_above(w) ? bytes > w->at_low :
			  bytes < w->at_high || w->at_high == INT64_MAX)
		return false;
	w->bytes = bytes;
	store_relaxed(&w->crossings, w->crossings + 1);
	return push(w);
}

bool porter__watches_look(struct centre *c)
{
	bool wake = load_relaxed(&porter__delivery.forked);

	for (struct watch *w = c->watches; w; w = w->next)
		wake |= look_at(w, c->reserved);
	set_marks(c);
	return wake;
}

struct watch *porter__watch_take_crossed(void)
{
	return load_relaxed(&crossed) ? exchange(&crossed, NULL) : NULL;
}

struct porter_watch_event porter__watch_event(struct watch *w)
{
	struct porter_watch_event event = { .size = sizeof(event) };

	centre_lock(w->centre);
	event.mark = is_above(w) ? PORTER_WATCH_HIGH : PORTER_WATCH_LOW;
	event.bytes = w->bytes;
	event.crossing = w->crossings;
	centre_unlock(w->centre);
	return event;
}

/* ---- What the floor below calls ---- */

static bool on_limit(struct centre *c)
{
	porter__centre_revoke(c);
	for (struct watch *w = c->watches; w; w = w->next)
		porter__watch_resolve(w);
	return porter__watches_look(c);
}

/* In the middle of an allocation, which knows nothing of errno. */
static void on_wake(void)
{
	int error = errno;
	struct watching_saved saved;
	bool missing;

	porter__watching_lock(&saved);
	store_relaxed(&porter__delivery.forked, false);
	porter__deliver_crossed();
	missing = porter__notifier_is_missing();
	porter__watching_unlock(&saved);
	if (missing)
		porter__notifier_revive();
	errno = error;
}

__attribute__((constructor)) static void on_load(void)
{
	porter__marks_on_crossing = porter__watches_look;
	porter__marks_on_wake = on_wake;
	porter__marks_on_limit = on_limit;
}
