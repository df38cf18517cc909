/* SPDX-License-Identifier: MIT */
/*
 * read.c: sums over a family.
 *
 * The arguments are those of counter.c; what a member that leaves adds to them
 * is in family.c. In short: a sum is never low in any case; an interval needs
 * that nobody left between its two collects, else its lower bound is that of
 * any tracker, 0.
 *
 * A sum may come out high while threads update. What is reserved is never less
 * than what is in use either; so the smaller of the two is the better number,
 * and never above the limit. (Not so where a tracker got its centre late: what
 * threads were in the middle of then may not be reserved yet.)
 */
#include "3-centre/read.h"

#include "0-machine/test-point.h"
#include "2-counter/counter.h"
#include "3-centre/family.h"

static struct centre *top_of(const struct centre *c)
{
	return (struct centre *)(uintptr_t)c;
}

/*
 * What is reserved at an instant; or, while somebody is about to take it out of
 * the calm, the most that it may be. Acquire: see calm_end().
 */
static int64_t reserved_now(const struct centre *c)
{
	int64_t calm = subscribe(&c->calm);

	return is_calm(calm) ? calm_reserved(calm) : peek(&c->reserved);
}

int64_t porter__centre_sum(const struct centre *c)
{
	bool locked = porter__slots_enter();
	uint64_t freed[2], allocated[2];
	int64_t sum, reserved;

	porter__family_words(top_of(c), FREED, FREES, NEVER_TOO_HIGH, freed);
	TEST_POINT(BETWEEN_WALKS);
	porter__family_words(top_of(c), ALLOCATED, ALLOCATIONS, NEVER_TOO_LOW,
			     allocated);
	porter__slots_leave(locked);
	sum = (int64_t)(allocated[0] - freed[0]);
	reserved = reserved_now(c);
	return sum > reserved && !peek(&c->converted) ? reserved : sum;
}

struct collect {
	uint64_t allocated, freed, ended;
};

/* For a lower bound allocated must not be too high, for an upper one not low */
static struct collect collect(const struct centre *c, enum family_order order)
{
	struct collect now;
	uint64_t words[2];

	now.ended = subscribe(&c->root->ended);
	porter__family_words(top_of(c), ALLOCATED, FREED, order, words);
	now.allocated = words[0];
	now.freed = words[1];
	return now;
}

static struct porter_interval between(struct collect one, struct collect two)
{
	struct porter_interval seen = {
		.lower = (int64_t)(one.allocated - two.freed),
		.upper = (int64_t)(two.allocated - one.freed),
	};

	if (one.ended != two.ended || one.ended % 2 != 0)
		seen.lower = 0;
	return seen;
}

struct porter_interval porter__centre_interval(const struct centre *c)
{
	bool locked = porter__slots_enter();
	struct collect one = collect(c, NEVER_TOO_HIGH), two;

	TEST_POINT(BETWEEN_COLLECTS);
	two = collect(c, NEVER_TOO_LOW);
	porter__slots_leave(locked);
	if (subscribe(&c->root->ended) != two.ended)
		two.ended = one.ended + 1;
	return between(one, two);
}

struct porter_interval porter__centre_narrow(const struct centre *c,
					     unsigned tries)
{
	struct porter_interval best = { INT64_MIN, INT64_MAX };

	while (tries-- > 0 && best.lower != best.upper) {
		struct porter_interval seen = porter__centre_interval(c);

		if ((uint64_t)seen.upper - (uint64_t)seen.lower <
		    (uint64_t)best.upper - (uint64_t)best.lower)
			best = seen;
	}
	return best;
}

struct rare_counts porter__centre_rare(const struct centre *c)
{
	struct rare_counts sum = { 0 };

	family_for_each(top_of(c), x) {
		struct rare_counts one = rare_counts(x->id);

		sum.failures += one.failures;
		sum.refusals += one.refusals;
		sum.undone += one.undone;
	}
	return sum;
}
