/* SPDX-License-Identifier: MIT */
/*
 * tracked-read.c: the numbers of a tracker, its descendants included.
 */
#include "0-machine/sized.h"
#include "3-account/hierarchy.h"
#include "3-account/read.h"
#include "4-allocator/tracked.h"

int64_t porter_bytes_used(const porter_tracked *t)
{
	return porter__account_sum(&t->account);
}

struct porter_interval porter_bytes_used_interval(const porter_tracked *t)
{
	struct porter_interval seen = porter__account_interval(&t->account);

	/* What is in use is never less than nothing: a narrower bound. */
	if (seen.lower < 0 && seen.upper >= 0)
		seen.lower = 0;
	return seen;
}

int porter_bytes_used_exact(const porter_tracked *t, int64_t *out,
			    unsigned max_tries)
{
	struct porter_interval best;

	if (!out || max_tries == 0) {
		errno = EINVAL;
		return -1;
	}
	best = porter__account_narrow(&t->account, max_tries);
	*out = best.lower < 0 && best.upper >= 0 ? 0 : best.lower;
	if (best.lower == best.upper)
		return 0;
	errno = EAGAIN;
	return -1;
}

/* What struct porter_stats was in the first version. */
#define STATS_SIZE_FIRST \
	(offsetof(struct porter_stats, failures) + sizeof(uint64_t))

/*
 * Sums over the tracker and its descendants. Where members leave, counts of what was
 * given back must not be too high, the others not too low.
 */
static uint64_t given_back(const porter_tracked *t, enum word word)
{
	return porter__hierarchy_word(account_of(t), word, NEVER_TOO_HIGH);
}

static uint64_t given(const porter_tracked *t, enum word word)
{
	return porter__hierarchy_word(account_of(t), word, NEVER_TOO_LOW);
}

int porter_tracked_stats(const porter_tracked *t, struct porter_stats *out)
{
	struct porter_stats stats = PORTER_STATS_INIT;
	struct rare_counts rare;
	uint64_t freed, frees, allocated, allocations;
	bool locked;

	if (!out || out->size < STATS_SIZE_FIRST) {
		errno = EINVAL;
		return -1;
	}
	locked = porter__slots_enter();
	/* Of what follows, it is counted last. */
	rare = porter__account_rare(&t->account);
	/* What was given back first, as in counter.c: nothing goes negative. */
	freed = given_back(t, FREED);
	frees = given_back(t, FREES);
	allocated = given(t, ALLOCATED);
	allocations = given(t, ALLOCATIONS);
	stats.reallocations = given(t, REALLOCATIONS);
	porter__slots_leave(locked);
	/* Of a member that has left meanwhile, some words may be missing. */
	if (rare.cancelled > freed)
		rare.cancelled = freed;
	if (rare.cancelled_blocks > frees)
		rare.cancelled_blocks = frees;
	stats.bytes_used = (int64_t)(allocated - freed);
	stats.total_allocated = allocated - rare.cancelled;
	stats.total_freed = freed - rare.cancelled;
	stats.allocations = allocations - rare.cancelled_blocks;
	stats.frees = frees - rare.cancelled_blocks;
	stats.failures = rare.failures;
	stats.refusals = rare.refusals;
	sized_write(out, &stats, sizeof(stats));
	return 0;
}
