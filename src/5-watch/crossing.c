/* SPDX-License-Identifier: MIT */
/*
 * crossing.c: which watches are crossed, in the thread that does it.
 *
 *	state	looks for		   then
 *	below	reserved >= at_high	-> above
 *	above	reserved <= at_low	-> below
 *
 * at_low < at_high, so no watch changes its state twice for one number. The
 * account's watermarks are the nearest of those that watches look for.
 *
 * Everything here is a few stores: it runs in the middle of an allocation, with
 * the hierarchy's lock. It calls nobody.
 */
#include "5-watch/crossing.h"

enum { WHOLE = 1000 };

static struct watch *crossed; /* by next_crossed; pushed one, taken all */
static bool forked;	      /* something may have been under way to be told */
static bool served;	      /* by a notifier */

static bool is_above(const struct watch *w)
{
	return w->crossings % 2;
}

/* ---- Watermarks ---- */

/* Without overflow; up or down to a whole byte. */
static int64_t part_of(int64_t limit, int64_t per_mille, bool up)
{
	int64_t rest = limit % WHOLE * per_mille;

	return limit / WHOLE * per_mille +
	       (rest + (up ? WHOLE - 1 : 0)) / WHOLE;
}

void porter__watch_resolve(struct watch *w)
{
	int64_t limit = w->account->limit;

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

void porter__crossing_served(bool by_notifier)
{
	store_relaxed(&served, by_notifier);
}

/* It waits for a notifier, and none is there: perhaps no thread is to be had. */
static bool is_owed(const struct watch *w)
{
	return wants_notifier(w) && !load_relaxed(&served) &&
	       (load_relaxed(&w->is_crossed) || load_relaxed(&w->is_waiting));
}

/*
 * A watermark at 0 is always crossed. So the next operation looks again, and has
 * what is owed delivered.
 */
static void set_watermarks(struct account *a)
{
	a->high = INT64_MAX;
	a->low = INT64_MIN;
	for (const struct watch *w = a->watches; w; w = w->next) {
		if (is_owed(w))
			a->high = 0;
		if (is_above(w) && w->at_low > a->low)
			a->low = w->at_low;
		if (!is_above(w) && w->at_high < a->high)
			a->high = w->at_high;
	}
}

/* ---- Crossing ---- */

/* Whether it was not on the stack already: the thread that put it there tells. */
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
	store_release(&w->bytes[(w->crossings + 1) % 2], bytes);
	store_release(&w->crossings, w->crossings + 1);
	return push(w);
}

bool porter__watches_look(struct account *a)
{
	bool deliver = load_relaxed(&forked);

	if (deliver)
		store_relaxed(&forked, false);
	for (struct watch *w = a->watches; w; w = w->next)
		deliver |= look_at(w, a->reserved) || is_owed(w);
	set_watermarks(a);
	return deliver;
}

struct watch *porter__watch_take_crossed(void)
{
	return load_relaxed(&crossed) ? exchange(&crossed, NULL) : NULL;
}

/*
 * A watermark at 0 is crossed for certain by the next operation that comes to
 * the account, which is the next one of this thread: its stock is gone. What is
 * reserved is made anew then (rebuild.h).
 */
void porter__crossing_after_fork(struct watch *w)
{
	struct cell *cell = this_cell_fast(w->account->at);

	w->account->high = 0;
	store_relaxed(&forked, true);
	if (!cell)
		return;
	store_relaxed(&cell->word[QUOTA], charged_by(cell));
	store_relaxed(&cell->cap, 0);
}
