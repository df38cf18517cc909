/* SPDX-License-Identifier: MIT */
/*
 * peak.h: the most that was charged, between two bounds (G8).
 *
 *	upper	The most that ever was reserved. Nothing is charged that was
 *		not reserved before.
 *	lower	The most that `reserved - caps of all other holders` has been.
 *		It is worked out by a thread that has just settled its own cell.
 *		Every other holder keeps less than its cap as stock once its
 *		operation is over. So at least that much was charged.
 *
 * Both are worked out under the lock, in charge.c and refill.c. Where one thread
 * works, there is no other holder, and refill.c gives no stock above the upper
 * bound: then the two are equal.
 *
 * A reader waits for nobody, so the pair is published whole: two copies, and a
 * number that tells which one counts.
 *
 *	writer, with the lock			reader
 *
 *	1 the copy of number + 1, release	1 number, acquire
 *	2 number + 1, release			2 the copy of it, acquire
 *						3 number, again: the same, or
 *						  start over
 *
 * A reader that has found a number finds the copy of that number whole (the
 * reader's 1 pairs with the writer's 2). The writer touches that copy again only
 * after it has published the next number. A reader that sees a part of the later
 * copy therefore sees, by the release stores, the next number at 3 as well, and
 * starts over. It does so at most once for each pair that is published
 * meanwhile, never because a writer was stopped.
 * (tests/models/pair.pml; tests/models/weak-memory)
 */
#ifndef PORTER_PEAK_H
#define PORTER_PEAK_H

#include "0-machine/atomic.h"

#include <portermem/counter.h>

struct peak {
	struct porter_interval copy[2] __attribute__((aligned(8)));
	uint32_t number;
};

/* With the lock. */
static inline void peak_publish(struct peak *peak, int64_t lower, int64_t upper)
{
	uint32_t number = load_relaxed(&peak->number) + 1;
	struct porter_interval *copy = &peak->copy[number & 1];

	store_release(&copy->lower, lower);
	store_release(&copy->upper, upper);
	store_release(&peak->number, number);
}

static inline struct porter_interval peak_read(const struct peak *peak)
{
	struct porter_interval pair;
	uint32_t number;

	do {
		const struct porter_interval *copy;

		number = load_acquire(&peak->number);
		copy = &peak->copy[number & 1];
		pair.lower = load_acquire(&copy->lower);
		pair.upper = load_acquire(&copy->upper);
	} while (unlikely(load_acquire(&peak->number) != number));
	return pair;
}

/*
 * The allowance: 1/256 of the peak, or 64 KiB if that is more. The bounds of the peak
 * are apart by at most the sum of all caps. refill.c keeps this sum within the
 * allowance, or within 4 KiB for each holder if that is more (G8).
 */
static inline int64_t peak_allowance(int64_t peak)
{
	enum { PART = 256, MIN_ALLOWANCE = 64 * 1024 };

	return peak / PART > MIN_ALLOWANCE ? peak / PART : MIN_ALLOWANCE;
}

#endif /* PORTER_PEAK_H */
