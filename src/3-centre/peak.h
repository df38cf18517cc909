/* SPDX-License-Identifier: MIT */
/*
 * peak.h: the highest use, between two bounds.
 */
#ifndef PORTER_PEAK_H
#define PORTER_PEAK_H

#include "3-centre/centre.h"

#include <portermem/counter.h>

/* How far the bounds may be apart before the lower one is seen to. */
static inline int64_t porter__peak_allowance(int64_t peak)
{
	enum { PART = 256, LEAST_ALLOWANCE = 64 * 1024 };

	return peak / PART > LEAST_ALLOWANCE ? peak / PART : LEAST_ALLOWANCE;
}

SLOW_PATH void porter__peak_runner(struct centre *x, const struct cell *cell);
SLOW_PATH void porter__peak_raise(struct centre *x, const struct cell *cell);

/* With the lock: the calling thread is at work here, with that cell or NULL. */
static inline void peak_runner(struct centre *c, const struct cell *cell)
{
	for (struct centre *x = c; x; x = x->parent)
		if (unlikely(!x->shared))
			porter__peak_runner(x, cell);
}

/* With the lock: after what is reserved was raised for that cell. */
static inline void peak_raise(struct centre *c, const struct cell *cell)
{
	for (struct centre *x = c; x; x = x->parent)
		if (unlikely(x->reserved > x->peak_upper || !x->shared))
			porter__peak_raise(x, cell);
}

/* With the lock: an operation of that other member goes on at the same time. */
void porter__peak_met(struct centre *c, const struct centre *other);
/* With the lock: the raise was for nothing. */
void porter__peak_undo(struct centre *c, const struct cell *cell);
/* With the lock: from now on nothing is left untold. */
void porter__peak_told(struct centre *x);
/* With the lock: a member ends. */
void porter__peak_without(struct centre *c);

struct porter_interval porter__peak_read(const struct centre *c);
/* The bounds of the period that ends. */
struct porter_interval porter__peak_reset(struct centre *c);

#endif /* PORTER_PEAK_H */
