/* SPDX-License-Identifier: MIT */
/*
 * peak.c: the highest use, between two bounds (G8).
 *
 * Upper bound: the most that ever was reserved, since nothing is in use that
 * is not reserved.
 *
 * Lower bound, with several threads: a certificate, that so much was in use at
 * one instant. Blocks count from before the underlying allocator is asked
 * until after it has got them back; what threads are in the middle of (their
 * flights) must not count here. Two walks, and an instant t between them:
 *
 *	first	of each cell: allocated, then its flight if that takes
 *	t
 *	second	of each cell: its flight if that gives, then freed
 *
 * An allocation that the first walk has counted is over by t, or its flight is
 * seen, as that is looked for afterwards. A free that has begun before t is in
 * flight when the second walk looks, or else it is over, and counted. So at t
 * at least the difference, less all flights seen, was in use. Certificates are
 * made when the upper bound has moved too far from the lower one; and when
 * room is what keeps them apart, it is taken back first.
 *
 * One thread at a time: both bounds are the same number, exact. As long as no
 * two threads are seen in the midst of operations at once, room is lent to one
 * thread alone, the runner, and never above the highest use so far; so each new
 * highest use is seen here, and what is reserved is then what is in use. When
 * another thread comes, the runner's room is taken back, and if it is found in
 * the middle of an operation, there are several at a time: from then on the
 * tracker is shared, until a new period begins. In a family the runner may be at
 * work in any member: in the one in which it came to the centre last, or where
 * it had room since, and then that was taken back in the middle (centre.c).
 */
#include "3-centre/peak.h"

#include "0-machine/barrier.h"
#include "0-machine/test-point.h"
#include "3-centre/family.h"

static const int64_t NOT_RAISED = INT64_MIN;

/* ---- One thread at a time ---- */

static bool anybody_flies(struct centre *top)
{
	size_t slots = porter__slots_count();

	family_for_each(top, x) {
		for (size_t slot = 0; slot < slots; slot++) {
			const struct cell *cell = cell_of_slot(x, slot);

			if (cell && word_read(&cell->word[FLIGHT]))
				return true;
		}
	}
	return top->unslotted != 0;
}

/*
 * Several are at work. The last operation of the runner may not be over yet: if
 * it raised the bounds, others can give back now what it found in use, before
 * it gets what it has taken; so it has raised only the upper one.
 */
static void become_shared(struct centre *x)
{
	/* Release: see without_flight(). */
	if (x->peak_before != NOT_RAISED)
		poke(&x->peak_lower, x->peak_before);
	publish(&x->peak_before, NOT_RAISED);
	publish(&x->shared, true);
}

static bool is_flying(const struct cell *cell)
{
	return cell && word_read(&cell->word[FLIGHT]) != 0;
}

static void change_runner(struct centre *x, uint32_t runner)
{
	if (x->runner) {
		porter__centre_revoke(x);
		if (is_flying(x->runner_cell))
			become_shared(x);
	}
	x->runner = runner;
	x->streak = 0;
}

void porter__peak_runner(struct centre *x, const struct cell *cell)
{
	uint32_t runner = cell ? porter__self->element.index + 1 : 0;

	if (!cell) {
		porter__centre_revoke(x);
		become_shared(x);
	} else if (x->runner != runner) {
		change_runner(x, runner);
	} else if (x->runner_cell != cell && is_flying(x->runner_cell)) {
		/* By the underlying allocator; that would be lost sight of. */
		become_shared(x);
	} else if (x->streak < UINT16_MAX) {
		x->streak++;
	}
	poke(&x->runner_cell, cell);
}

/* Its cells may be another tracker's soon. */
void porter__peak_without(struct centre *c)
{
	for (struct centre *x = c->parent; x; x = x->parent) {
		if (!x->runner ||
		    x->runner_cell != cell_of_slot(c, x->runner - 1))
			continue;
		/* Is it at work elsewhere, by what it had there? */
		porter__centre_revoke(x);
		if (x->runner_cell != cell_of_slot(c, x->runner - 1))
			continue;
		x->runner = 0;
		poke(&x->runner_cell, NULL);
	}
}

void porter__peak_met(struct centre *c, const struct centre *other)
{
	for (struct centre *x = c; x; x = x->parent) {
		if (x->shared || !is_in_subtree(other, x))
			continue;
		porter__centre_revoke(x);
		become_shared(x);
	}
}

/* ---- Raising ---- */

/* First walk: of a cell, what is counted, and then what is in flight of it. */
static int64_t handed_out(const struct centre *x)
{
	size_t slots = porter__slots_count();
	uint64_t sum = porter__id_beside_cells(x->id, ALLOCATED);

	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = cell_of_slot(x, slot);
		uint64_t flight;

		if (!cell)
			continue;
		sum += word_read(&cell->word[ALLOCATED]);
		flight = word_read(&cell->word[FLIGHT]);
		if (flight_state(flight) != GIVING)
			sum -= flight_bytes(flight);
	}
	return (int64_t)sum;
}

/* Second walk: the other way round. */
static int64_t given_back(const struct centre *x)
{
	size_t slots = porter__slots_count();
	uint64_t sum = porter__id_beside_cells(x->id, FREED);

	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = cell_of_slot(x, slot);
		uint64_t flight;

		if (!cell)
			continue;
		flight = word_read(&cell->word[FLIGHT]);
		if (flight_state(flight) == GIVING)
			sum += flight_bytes(flight);
		sum += word_read(&cell->word[FREED]);
	}
	return (int64_t)sum;
}

static void certify(struct centre *top)
{
	int64_t seen = -top->unslotted;

	family_for_each(top, x)
		seen += handed_out(x);
	/* t */
	family_for_each(top, x)
		seen -= given_back(x);
	/* What is untold, and counted since, is in use as well. */
	if (seen > top->peak_upper)
		poke(&top->peak_upper, seen);
	if (seen > top->peak_lower)
		publish(&top->peak_lower, seen);
	top->certified_at = top->reserved;
}

static bool is_wide(const struct centre *x)
{
	return x->reserved - x->peak_lower >
	       porter__peak_allowance(x->reserved);
}

static void raise_shared(struct centre *x)
{
	int64_t soon =
		x->certified_at + porter__peak_allowance(x->reserved) / 4;

	if (unlikely(is_wide(x) && x->reserved > soon)) {
		certify(x);
		if (is_wide(x) && x->loans) {
			porter__centre_revoke(x);
			certify(x);
		}
	}
	if (x->reserved > x->peak_upper)
		poke(&x->peak_upper, x->reserved);
}

/* All other room is of the same thread, in other members of the family. */
static void raise_alone(struct centre *x, const struct cell *cell)
{
	uint32_t own = peek(&cell->word[NEXT_LENDEE]) != 0;

	if (x->loans > own)
		porter__centre_revoke(x);
	if (x->reserved <= x->peak_upper)
		return;
	poke(&x->peak_before, x->peak_upper);
	/* A reader sees upper first, then lower. */
	poke(&x->peak_upper, x->reserved);
	publish(&x->peak_lower, x->reserved);
}

void porter__peak_raise(struct centre *x, const struct cell *cell)
{
	poke(&x->peak_before, NOT_RAISED);
	if (x->reserved <= x->peak_upper)
		return;
	if (x->shared)
		raise_shared(x);
	else
		raise_alone(x, cell);
}

/*
 * The last operation, which is the calling thread's, got no memory. When it
 * was alone all the time, nothing has happened since it raised the bounds.
 */
void porter__peak_undo(struct centre *c, const struct cell *cell)
{
	for (struct centre *x = c; x; x = x->parent) {
		if (x->shared || !cell ||
		    x->runner != porter__self->element.index + 1 ||
		    x->peak_before == NOT_RAISED)
			continue;
		poke(&x->peak_lower, x->peak_before);
		publish(&x->peak_upper, x->peak_before);
		publish(&x->peak_before, NOT_RAISED);
	}
}

/* ---- Reading ---- */

static int64_t with_untold(int64_t upper)
{
	int64_t more = UNTOLD * (int64_t)porter__slots_count();

	return upper < INT64_MAX - more ? upper + more : INT64_MAX;
}

void porter__peak_told(struct centre *x)
{
	if (x->shared && !x->bounded)
		poke(&x->peak_upper, with_untold(x->peak_upper));
}

/*
 * Who works alone may have raised the lower bound by what it has not got yet.
 * Acquire of that bound: it was said before that this is under way. Where that
 * is not said any more, the bound has been lowered before; acquire, so that the
 * caller sees that when it looks again.
 */
static int64_t without_flight(const struct centre *c, int64_t lower)
{
	int64_t before;

	if (subscribe(&c->shared) || !is_flying(subscribe(&c->runner_cell)))
		return lower;
	before = subscribe(&c->peak_before);
	return before != NOT_RAISED && before < lower ? before : lower;
}

/* Whether nothing has changed meanwhile, so that the two are of one period. */
static bool read_bounds(const struct centre *c, struct porter_interval *peak)
{
	uint64_t period = subscribe(&c->period);
	/*
	 * What shared trackers that are not bounded leave untold; from when they
	 * are bounded, it is in upper, which is read later: acquire.
	 */
	bool is_untold = !subscribe(&c->bounded) && peek(&c->shared);
	/* Lower first: it is never above what upper was before. */
	int64_t lower = subscribe(&c->peak_lower);

	peak->lower = without_flight(c, lower);
	peak->upper = subscribe(&c->peak_upper);
	if (is_untold)
		peak->upper = with_untold(peak->upper);
	return period % 2 == 0 && subscribe(&c->period) == period &&
	       subscribe(&c->peak_lower) == lower;
}

/*
 * The lower one is above the upper one for a moment when a raise is taken back;
 * and for good when blocks were given back with wrong sizes.
 */
struct porter_interval porter__peak_read(const struct centre *c)
{
	enum { A_MOMENT = 1000 };
	struct porter_interval peak;
	unsigned steps = 0;

	while (!read_bounds(c, &peak) ||
	       (peak.lower > peak.upper && steps < A_MOMENT))
		porter__wait_a_little(&steps);
	if (peak.lower > peak.upper)
		peak.lower = peak.upper;
	return peak;
}

struct porter_interval porter__peak_reset(struct centre *c)
{
	struct porter_interval before;

	centre_lock(c);
	if (!c->shared)
		change_runner(c, 0);
	/* With the lock nothing changes: one look is enough. */
	(void)read_bounds(c, &before);
	if (before.lower > before.upper)
		before.lower = before.upper;
	porter__centre_revoke(c);
	/* Release: who finds one of the bounds finds that a period begins. */
	publish(&c->period, c->period + 1);
	publish(&c->peak_upper, c->reserved > 0 ? c->reserved : 0);
	publish(&c->peak_lower, 0);
	certify(c);
	publish(&c->period, c->period + 1);
	c->runner = 0;
	poke(&c->runner_cell, NULL);
	poke(&c->peak_before, NOT_RAISED);
	/*
	 * Who is about to give bytes back says so, and then looks whether it
	 * may do so without meeting anybody. Either it sees that it may not, or
	 * it is seen here.
	 */
	family_for_each(c, x) {
		poke(&x->all_shared, false);
		poke(&x->may_be_calm, false);
	}
	if (porter__barrier_possible())
		porter__barrier_everywhere();
	TEST_POINT(PERIOD_BEGINS);
	poke(&c->shared, anybody_flies(c));
	centre_unlock(c);
	return before;
}
