/* SPDX-License-Identifier: MIT */
/*
 * centre.c: taking, settling, taking back; all with the family's lock.
 */
#include "3-centre/centre.h"

#include "0-machine/barrier.h"
#include "0-machine/test-point.h"
#include "3-centre/calm.h"
#include "3-centre/family.h"
#include "3-centre/lend.h"
#include "3-centre/marks.h"
#include "3-centre/peak.h"

/* ---- The lock ---- */

/*
 * Somebody else is inside. If it says of whom while this thread is in the
 * middle of an operation of its own, both are at work at once.
 */
void porter__centre_enter_slowly(struct centre *c)
{
	struct centre *met = peek(&c->root->busy);

	spin_lock(&c->root->lock);
	calm_end(c->root);
	if (met)
		porter__peak_met(c, met);
}

/* ---- Settling ---- */

/* The quota comes down, or up, to what the cell uses; it is not lent then. */
static inline void settle(struct centre *c, struct cell *cell)
{
	uint64_t net = cell_net(cell);
	uint64_t quota = quota_of(peek(&cell->word[QUOTA]));

	poke(&cell->word[QUOTA], NOT_LENT + net);
	if (net != quota)
		centre_reserve(c, (int64_t)(net - quota));
}

/*
 * The own cell: all that the centre knows of it is settled at once, but who was
 * in the middle of an operation when the tracker got its centre adds later.
 */
static void settle_own(struct centre *c)
{
	uint64_t *quota = &c->id->own.word[QUOTA];
	uint64_t net = own_cell_net(c->id);

	if (likely(net == peek(quota)))
		return;
	centre_reserve(c, (int64_t)(net - peek(quota)));
	poke(quota, net);
}

/* ---- Taking room back: the numbers are those of centre.h ---- */

/* 1: no cell of this centre is lent any more. Whether others own some. */
static bool mark_not_lent(struct centre *c)
{
	bool others = false;

	for (uint32_t i = c->lendees; i >= LENDEE_FIRST;) {
		struct cell *cell = cell_of_slot(c, i - LENDEE_FIRST);
		uint64_t quota = peek(&cell->word[QUOTA]);

		if (is_lent(quota)) {
			poke(&cell->word[QUOTA], quota + NOT_LENT);
			/* The calling thread need not have a slot. */
			others |= cell != own_cell_fast(c->at);
		}
		i = (uint32_t)peek(&cell->word[NEXT_LENDEE]);
	}
	return others;
}

/* 3: an attempt is a few instructions long, unless its thread was stopped. */
static void wait_for_attempt(const struct cell *cell)
{
	unsigned steps = 0;

	while (flight_state(subscribe(&cell->word[FLIGHT])) == ATTEMPT)
		porter__wait_a_little(&steps);
}

/*
 * The thread that runs alone in this centre, or in an ancestor, may be in the
 * middle of an operation that it need not have told: for porter__peak_runner().
 */
static void at_work_in(struct centre *c, const struct cell *cell)
{
	for (struct centre *x = c; x; x = x->parent)
		if (!x->shared)
			poke(&x->runner_cell, cell);
}

/* 3 and 4. */
static void take_back(struct centre *c)
{
	for (uint32_t i = c->lendees; i >= LENDEE_FIRST;) {
		struct cell *cell = cell_of_slot(c, i - LENDEE_FIRST);

		wait_for_attempt(cell);
		if (peek(&cell->word[FLIGHT]))
			at_work_in(c, cell);
		settle(c, cell);
		i = (uint32_t)peek(&cell->word[NEXT_LENDEE]);
		/* Release: out of the list, its quota is the owner's alone. */
		publish(&cell->word[NEXT_LENDEE], 0);
	}
	for (struct centre *x = c; x; x = x->parent) {
		x->loans -= x == c ? 0 : c->own_loans;
		x->lent -= x == c ? 0 : c->own_lent;
	}
	c->loans -= c->own_loans;
	c->lent -= c->own_lent;
	c->own_loans = 0;
	c->own_lent = 0;
	c->lendees = LENDEES_END;
}

void porter__centre_revoke(struct centre *c)
{
	bool others = false;

	c->denied = 0;
	if (!c->loans)
		return;
	family_for_each(c, x)
		others |= mark_not_lent(x);
	TEST_POINT(REVOKING);
	if (others)
		porter__barrier_everywhere(); /* 2 */
	family_for_each(c, x)
		take_back(x);
}

/*
 * A tracker may get its centre while threads are in the middle of operations,
 * which know nothing of quotas. What they counted is settled when they come
 * again, or by this: for the first few times that anybody comes, now and then
 * after that, and whenever a limit would refuse.
 */
static void settle_all(struct centre *c)
{
	/* A cell that is lent may be counted in without anybody's knowing. */
	porter__centre_revoke(c);
	if (porter__barrier_possible())
		porter__barrier_everywhere();
	family_for_each(c, x) {
		size_t slots = x->converted ? porter__slots_count() : 0;

		if (x->converted)
			settle_own(x);
		for (size_t slot = 0; slot < slots; slot++) {
			struct cell *cell = cell_of_slot(x, slot);

			if (cell)
				settle(x, cell);
		}
	}
}

static void settle_converted(struct centre *c)
{
	for (struct centre *x = c; x; x = x->parent) {
		uint16_t left;

		if (likely(!x->converted))
			continue;
		/* Readers look whether it is 0, which it never is again. */
		left = (uint16_t)(x->converted - 1);
		poke(&x->converted, left ? left : SELDOM);
		if (left >= SELDOM || left == 0)
			settle_all(x);
	}
}

/* ---- Taking ---- */

/* For nothing there is always room, also above a limit that was lowered. */
static bool has_left(const struct centre *c, uint64_t size)
{
	int64_t most = c->limit < BEYOND_ALL ? c->limit : BEYOND_ALL;

	return size == 0 || (c->reserved <= most &&
			     size <= (uint64_t)most - (uint64_t)c->reserved);
}

/*
 * At all levels; where one says no, once more without anybody's room. The own
 * cell has none, but leaves the list so, and it can get calm.
 */
static bool fits_family(struct centre *c, uint64_t size)
{
	for (struct centre *x = c; x; x = x->parent) {
		if (likely(has_left(x, size)))
			continue;
		porter__centre_revoke(x);
		if (!has_left(x, size) && x->converted)
			settle_all(x);
		if (!has_left(x, size)) {
			TEST_POINT(REFUSING);
			return false;
		}
	}
	return true;
}

/* What is reserved goes up first: it is never less than what is in use. */
static void grant(struct centre *c, struct cell *cell, uint64_t size)
{
	uint64_t *own = c->id->own.word;

	centre_reserve(c, (int64_t)size);
	if (cell) {
		poke(&cell->word[QUOTA], peek(&cell->word[QUOTA]) + size);
		flight_begin(cell, size, TAKEN);
		word_add_release(&cell->word[ALLOCATED], size);
		return;
	}
	poke(&own[QUOTA], peek(&own[QUOTA]) + size);
	shared_add(&own[ALLOCATED], size);
	for (struct centre *x = c; x; x = x->parent)
		x->unslotted += (int64_t)size;
}

bool porter__centre_take(struct centre *c, struct cell *cell, uint64_t size)
{
	bool fits, crossed;

	centre_enter(c);
	peak_runner(c, cell);
	if (cell)
		settle(c, cell);
	settle_converted(c);
	fits = fits_family(c, size);
	if (fits)
		grant(c, cell, size);
	peak_raise(c, cell);
	crossed = marks_crossed(c);
	if (cell)
		lend(c, cell);
	calm_begin(c);
	centre_leave(c);
	if (unlikely(crossed))
		porter__marks_wake();
	return fits;
}

/* ---- Giving ---- */

void porter__centre_settle(struct centre *c, struct cell *cell)
{
	bool crossed;

	centre_enter(c);
	peak_runner(c, cell);
	settle(c, cell);
	settle_converted(c);
	peak_raise(c, cell);
	crossed = marks_crossed(c);
	lend(c, cell);
	calm_begin(c);
	centre_leave(c);
	if (unlikely(crossed))
		porter__marks_wake();
}

void porter__centre_meet(struct centre *c, struct cell *cell)
{
	centre_enter(c);
	peak_runner(c, cell);
	settle_converted(c);
	peak_raise(c, cell);
	calm_begin(c);
	centre_leave(c);
}

static void refund(struct centre *c, struct cell *cell, uint64_t size)
{
	if (cell) {
		word_add_release(&cell->word[FREED], size);
		settle(c, cell);
		return;
	}
	shared_add(&c->id->own.word[FREED], size);
	settle_own(c);
}

void porter__centre_undo(struct centre *c, struct cell *cell, uint64_t size,
			 bool took_slowly)
{
	bool crossed;

	centre_enter(c);
	refund(c, cell, size);
	shared_add(&c->id->undone, size);
	if (took_slowly)
		porter__peak_undo(c, cell);
	crossed = marks_crossed(c);
	if (cell)
		lend(c, cell);
	calm_begin(c);
	centre_leave(c);
	if (unlikely(crossed))
		porter__marks_wake();
}

void porter__centre_give_unslotted(struct centre *c, uint64_t size)
{
	bool crossed;

	centre_enter(c);
	refund(c, NULL, size);
	crossed = marks_crossed(c);
	calm_begin(c);
	centre_leave(c);
	if (unlikely(crossed))
		porter__marks_wake();
}

void porter__centre_fly_unslotted(struct centre *c, int64_t size)
{
	centre_enter(c);
	peak_runner(c, NULL);
	for (struct centre *x = c; x; x = x->parent)
		x->unslotted += size;
	calm_begin(c);
	centre_leave(c);
}

/* ---- Limits ---- */

void porter__centre_bound(struct centre *c)
{
	if (c->bounded)
		return;
	porter__centre_revoke(c);
	family_for_each(c, x) {
		porter__peak_told(x);
		/* Release: see read_bounds(). */
		publish(&x->bounded, true);
		x->bind(x);
	}
}

void porter__centre_set_limit(struct centre *c, int64_t limit)
{
	bool crossed;

	centre_lock(c);
	if (limit != INT64_MAX)
		porter__centre_bound(c);
	/* Release: see calm_refuses(). */
	publish(&c->limit, limit);
	porter__lend_for_limit(c);
	/* Who has room must not go on using it above the new limit. */
	if (c->reserved > limit)
		porter__centre_revoke(c);
	crossed = c->watches && porter__marks_on_limit(c);
	centre_unlock(c);
	if (crossed)
		porter__marks_wake();
}
