/* SPDX-License-Identifier: MIT */
/*
 * tracked-read.c: the numbers of a tracker, its descendants included.
 *
 * A tracker without a centre has no descendants: its counter has it all.
 */
#include "3-centre/family.h"
#include "3-centre/peak.h"
#include "3-centre/read.h"
#include "4-allocator/tracked.h"

#include <string.h>

int64_t porter_bytes_used(const porter_tracked *t)
{
	const struct centre *c = centre_of(t);

	return c ? porter__centre_sum(c) : porter_counter_sum(&t->counter);
}

struct porter_interval porter_bytes_used_interval(const porter_tracked *t)
{
	const struct centre *c = centre_of(t);
	struct porter_interval seen = c ? porter__centre_interval(c) :
					  porter_counter_interval(&t->counter);

	/* What is in use is never less than nothing: a narrower bound. */
	if (seen.lower < 0 && seen.upper >= 0)
		seen.lower = 0;
	return seen;
}

int porter_bytes_used_exact(const porter_tracked *t, int64_t *out,
			    unsigned max_tries)
{
	const struct centre *c = centre_of(t);
	struct porter_interval best;

	if (!out || max_tries == 0) {
		errno = EINVAL;
		return -1;
	}
	best = c ? porter__centre_narrow(c, max_tries) :
		   porter__counter_narrow(&t->counter, max_tries);
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
 * Two numbers of the tracker and its descendants. Where members leave, counts
 * of what was given back must not be too high, the others not too low.
 */
static void two_words(const porter_tracked *t, enum word first,
		      enum word second, uint64_t out[2])
{
	struct centre *c = centre_of(t);

	if (c)
		porter__family_words(
			c, first, second,
			first == FREED ? NEVER_TOO_HIGH : NEVER_TOO_LOW, out);
	else
		porter__id_words(t->counter.id, first, second, out);
}

int porter_tracked_stats(const porter_tracked *t, struct porter_stats *out)
{
	const struct centre *c = centre_of(t);
	struct porter_stats stats;
	struct rare_counts rare;
	uint64_t back[2], given[2], resized[2];
	bool locked;

	if (!out || out->size < STATS_SIZE_FIRST) {
		errno = EINVAL;
		return -1;
	}
	locked = porter__slots_enter();
	/* Of what follows, it is counted last. */
	rare = c ? porter__centre_rare(c) : rare_counts(t->counter.id);
	/* What was given back first, as in counter.c: nothing goes negative. */
	two_words(t, FREED, FREES, back);
	two_words(t, ALLOCATED, ALLOCATIONS, given);
	two_words(t, REALLOCATIONS, ALLOCATIONS, resized);
	porter__slots_leave(locked);
	memset(&stats, 0, sizeof(stats)); /* the padding, too */
	stats.size = out->size;
	/* Of a member that has left meanwhile, some words may be missing. */
	if (rare.undone > back[0])
		rare.undone = back[0];
	stats.bytes_used = (int64_t)(given[0] - back[0]);
	stats.total_allocated = given[0] - rare.undone;
	stats.total_freed = back[0] - rare.undone;
	stats.allocations = given[1];
	stats.frees = back[1];
	stats.reallocations = resized[0];
	stats.failures = rare.failures;
	stats.refusals = rare.refusals;
	if (out->size > sizeof(stats))
		memset((char *)out + sizeof(stats), 0,
		       out->size - sizeof(stats));
	memcpy(out, &stats,
	       out->size < sizeof(stats) ? out->size : sizeof(stats));
	return 0;
}

/* ---- Peaks ---- */

/*
 * A tracker that only counts keeps no peak. What it has handed out, all told,
 * bounds it, and what is in use now.
 */
static struct porter_interval peak_of_counts(const porter_tracked *t)
{
	struct porter_interval now = porter_bytes_used_interval(t);
	bool locked = porter__slots_enter();
	uint64_t allocated = porter__id_word(t->counter.id, ALLOCATED);

	porter__slots_leave(locked);
	return (struct porter_interval){
		.lower = now.lower,
		.upper = (int64_t)allocated,
	};
}

struct porter_interval porter_peak(const porter_tracked *t)
{
	const struct centre *c = centre_of(t);

	return c ? porter__peak_read(c) : peak_of_counts(t);
}

struct porter_interval porter_peak_reset(porter_tracked *t)
{
	const struct centre_options keep_a_peak = { .converted = true };
	struct porter_interval before;

	if (centre_of(t))
		return porter__peak_reset(centre_of(t));
	before = peak_of_counts(t);
	/* Without memory for that nothing begins; the bracket stays wide. */
	porter__tracked_centre(t, &keep_a_peak);
	return before;
}
