/* SPDX-License-Identifier: MIT */
/*
 * lend.h: how much room a cell gets.
 */
#ifndef PORTER_LEND_H
#define PORTER_LEND_H

#include "3-centre/centre.h"

enum { LENDEES_END = 1, LENDEE_FIRST = 2 };

/*
 * With the lock, for a cell of the calling thread that is settled. Lends it
 * room where that does no harm; else it stays not lent.
 */
SLOW_PATH void porter__lend(struct centre *c, struct cell *cell);

enum { STREAK = 16 }; /* a runner gets room after so many operations */

/* The quick answer, which is mostly no where there is much to do. */
static inline bool may_get_room(const struct centre *c)
{
	for (const struct centre *x = c; x; x = x->parent)
		if (x->shared ? x->reserved > x->lend_below :
				x->streak < STREAK)
			return false;
	return true;
}

static inline void lend(struct centre *c, struct cell *cell)
{
	if (may_get_room(c))
		porter__lend(c, cell);
}

/* No room for somebody: after so many times it is taken back from others. */
void porter__lend_deny(struct centre *c);

/* After the limit was set. */
void porter__lend_for_limit(struct centre *c);

#endif /* PORTER_LEND_H */
