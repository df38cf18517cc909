/* SPDX-License-Identifier: MIT */
/*
 * read.c: sums over a hierarchy.
 *
 * The arguments are those of counter.c; what a member that leaves adds to them
 * is in hierarchy.c. In short: a sum is never too low. The lower bound of an interval
 * is right only if no member left during its two scans; otherwise the lower bound is
 * 0, which is right for every tracker.
 *
 * A sum may come out high while threads update. What is reserved is never less
 * than what is in use either; so the smaller of the two is the better number,
 * and never above the limit.
 */
#include "3-account/read.h"

#include "0-machine/test-point.h"
#include "3-account/atomic-mode.h"
#include "3-account/hierarchy.h"

static struct account *top_of(const struct account *a)
{
	return (struct account *)(uintptr_t)a;
}

/*
 * What is reserved at an instant; or, while somebody is about to end atomic mode,
 * the most that it may be. Acquire: see atomic_end().
 */
static int64_t reserved_now(const struct account *a)
{
	int64_t word = load_acquire(&a->word);

	return is_atomic(word) ? word_reserved(word) :
				 load_relaxed(&a->reserved);
}

int64_t porter__account_sum(const struct account *a)
{
	bool locked = porter__slots_enter();
	uint64_t freed, allocated;
	int64_t sum, reserved;

	freed = porter__hierarchy_word(top_of(a), FREED, NEVER_TOO_HIGH);
	TEST_POINT(SUM_HALFWAY);
	allocated = porter__hierarchy_word(top_of(a), ALLOCATED, NEVER_TOO_LOW);
	porter__slots_leave(locked);
	sum = (int64_t)(allocated - freed);
	/* At the fork a thread of the parent may have been changing `reserved`. */
	if (!is_of_this_process(a))
		return sum;
	reserved = reserved_now(a);
	return sum > reserved ? reserved : sum;
}

struct scan {
	uint64_t allocated, freed, ended;
};

/* For a lower bound allocated must not be too high; for an upper one, not too low. */
static struct scan scan(const struct account *a, enum hierarchy_order order)
{
	struct scan now;

	now.ended = load_acquire(&a->root->ended);
	now.allocated = porter__hierarchy_word(top_of(a), ALLOCATED, order);
	now.freed = porter__hierarchy_word(top_of(a), FREED, order);
	return now;
}

static struct porter_interval between(struct scan one, struct scan two)
{
	struct porter_interval seen = {
		.lower = (int64_t)(one.allocated - two.freed),
		.upper = (int64_t)(two.allocated - one.freed),
	};

	if (one.ended != two.ended || one.ended % 2 != 0)
		seen.lower = 0;
	return seen;
}

struct porter_interval porter__account_interval(const struct account *a)
{
	bool locked = porter__slots_enter();
	struct scan one = scan(a, NEVER_TOO_HIGH), two;

	TEST_POINT(BETWEEN_SCANS);
	two = scan(a, NEVER_TOO_LOW);
	porter__slots_leave(locked);
	if (load_acquire(&a->root->ended) != two.ended)
		two.ended = one.ended + 1;
	return between(one, two);
}

struct porter_interval porter__account_narrow(const struct account *a,
					      unsigned tries)
{
	struct porter_interval best = { INT64_MIN, INT64_MAX };

	while (tries-- > 0 && best.lower != best.upper) {
		struct porter_interval seen = porter__account_interval(a);

		if ((uint64_t)seen.upper - (uint64_t)seen.lower <
		    (uint64_t)best.upper - (uint64_t)best.lower)
			best = seen;
	}
	return best;
}

struct rare_counts porter__account_rare(const struct account *a)
{
	struct rare_counts sum = { 0 };

	for_each_member(top_of(a), x) {
		sum.failures += word_load(&x->id->failures);
		sum.refusals += word_load(&x->id->refusals);
		sum.cancelled += word_load(&x->id->cancelled);
		sum.cancelled_blocks += word_load(&x->id->cancelled_blocks);
	}
	return sum;
}
