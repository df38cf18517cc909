/* SPDX-License-Identifier: MIT */
/*
 * lend.c: how much room a cell gets.
 *
 * All room together is what makes reserved differ from what is in use; so it
 * is kept small against whatever the difference would be felt at:
 *
 *	a limit or a mark above		a quarter of what is left to it
 *	a mark below			a quarter of what is above it
 *	a peak, with several threads	a quarter of what is left to the
 *					highest, or a small part of that
 *	a peak, with one thread		no more than is left to the highest
 *
 * Each centre knows a bound of the room in its subtree (lent): for each cell,
 * the most that it could keep. Where little is left, nothing is lent, and all
 * operations go to the centre, which then is as good as one counter for all;
 * when more is left again, room is lent again. A limit has a threshold for
 * that, so that room is not lent and taken back all the time.
 *
 * Who is told no too often has the room of others taken back: they may have
 * stopped using it.
 */
#include "3-centre/lend.h"

#include "0-machine/barrier.h"
#include "3-centre/peak.h"

enum {
	QUANTUM = 256 * 1024,
	LEAST = 1024,	     /* less room is not worth the while */
	RESUME = 256 * 1024, /* left to a limit before room is lent */
	PATIENCE = 64,	     /* noes before room is taken back */
};

static const int64_t UNBOUNDED = (int64_t)1 << 46;

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Without overflow: none of them is beyond 2^62. */
static int64_t left(int64_t bound, int64_t used)
{
	if (bound == INT64_MAX || used == INT64_MIN)
		return 4 * UNBOUNDED;
	return bound - used;
}

/* What must be left to a limit before room is lent to several threads. */
static int64_t resume_at(int64_t limit)
{
	int64_t small = least_of(limit / 4, RESUME);

	return limit / 64 > small ? limit / 64 : small;
}

void porter__lend_for_limit(struct centre *c)
{
	c->lend_below = c->limit == INT64_MAX ? INT64_MAX :
						c->limit - resume_at(c->limit);
}

/* What all loans of a subtree together may come to. */
static int64_t may_lend(const struct centre *x)
{
	int64_t to_limit = left(x->limit, x->reserved);
	int64_t budget = least_of(left(x->high, x->reserved),
				  left(x->reserved, x->low)) /
			 4;

	budget = least_of(budget, to_limit / 4);
	if (x->shared) {
		int64_t below = (x->peak_upper - x->reserved) / 4;
		int64_t part = porter__peak_allowance(x->peak_upper) / 2;

		budget = least_of(budget, below > part ? below : part);
	}
	return budget;
}

/* The most that one cell may keep, by all levels; rounded, so that it stays. */
static uint64_t chosen_most(const struct centre *c)
{
	int64_t most = c->quantum && c->quantum < UNBOUNDED / 2 ?
			       2 * c->quantum :
			       UNBOUNDED;

	for (const struct centre *x = c; x; x = x->parent) {
		int64_t budget = may_lend(x);

		if (x->shared) {
			int64_t threads = (int64_t)porter__slots_count();

			most = least_of(most, c->quantum ? most : 2 * QUANTUM);
			budget /= 2 * threads;
		}
		most = least_of(most, budget);
	}
	if (most < LEAST)
		return 0;
	return (uint64_t)1 << (63 - __builtin_clzll((uint64_t)most));
}

/* What may be lent now without touching a bound of any level. */
static int64_t room_now(const struct centre *c)
{
	int64_t room = INT64_MAX;

	for (const struct centre *x = c; x; x = x->parent) {
		room = least_of(room, left(x->limit, x->reserved));
		room = least_of(room, left(x->high, x->reserved) - 1);
		if (!x->shared)
			room = least_of(room, x->peak_upper - x->reserved);
	}
	return room < 0 ? 0 : room;
}

/* The bound of what is lent grows, at all levels. */
static void account(struct centre *c, uint64_t bytes, uint32_t loans)
{
	c->own_lent += bytes;
	c->own_loans += loans;
	for (struct centre *x = c; x; x = x->parent) {
		x->lent += bytes;
		x->loans += loans;
	}
}

/* Whether all levels have that much to lend. */
static struct centre *who_denies(struct centre *c, uint64_t bytes)
{
	for (struct centre *x = c; x; x = x->parent)
		if ((int64_t)(x->lent + bytes) > may_lend(x))
			return x;
	return NULL;
}

void porter__lend_deny(struct centre *c)
{
	if (++c->denied > PATIENCE + c->loans)
		porter__centre_revoke(c);
}

/*
 * The most changes for all cells at once. Less: who has more comes by when it
 * frees, and settles; what is lent still counts as it was. More: what is lent
 * already counts for more. Without loans it is free.
 */
static bool agree_on_most(struct centre *c, uint64_t most)
{
	struct centre *x;
	uint64_t more = 0;

	if (!most)
		return false;
	if (c->own_loans && most > c->most && most < 4 * c->most)
		most = c->most; /* not for so little */
	if (c->own_loans && most > c->most) {
		more = c->own_loans * (most - c->most);
		x = who_denies(c, more);
		if (x) {
			most = c->most;
			more = 0;
		}
	}
	if (more)
		account(c, more, 0);
	if (most != c->most)
		poke(&c->most, most);
	return true;
}

void porter__lend(struct centre *c, struct cell *cell)
{
	bool listed;
	uint64_t room;
	struct centre *x;

	if (!porter__barrier_possible() || !agree_on_most(c, chosen_most(c)))
		return;
	listed = peek(&cell->word[NEXT_LENDEE]) != 0;
	x = who_denies(c, listed ? 0 : c->most);
	if (x) {
		porter__lend_deny(x);
		return;
	}
	if (!listed) {
		poke(&cell->word[NEXT_LENDEE], c->lendees);
		c->lendees = porter__self->element.index + LENDEE_FIRST;
		account(c, c->most, 1);
	}
	room = (uint64_t)least_of((int64_t)(c->most / 2), room_now(c));
	centre_reserve(c, (int64_t)room);
	for (x = c; x; x = x->parent)
		if (x->reserved > x->peak_upper)
			poke(&x->peak_upper, x->reserved);
	/* Release: what is reserved was raised before. */
	publish(&cell->word[QUOTA], quota_of(peek(&cell->word[QUOTA])) + room);
}
