/* SPDX-License-Identifier: MIT */
/*
 * marks.h: a mark above and a mark below what is reserved, for each centre.
 *
 * Whoever changes what is reserved looks whether a mark was crossed. Room makes
 * reserved larger than what is in use; so where a mark seems to be crossed, or
 * cannot be told from the mark below, all room is taken back first. What is
 * lent is kept small against the distance to the marks (lend.c), so that this
 * is seldom, and no crossing can hide in it: with R reserved and room for L
 * lent, R - L <= in use <= R.
 *
 * What happens at a mark is the business of the floor above, which sets both
 * marks anew there. It is called with the lock, and calls nobody.
 */
#ifndef PORTER_MARKS_H
#define PORTER_MARKS_H

#include "3-centre/centre.h"

/* Set by who sets marks. The first: whether there is somebody to be woken. */
extern bool (*porter__marks_on_crossing)(struct centre *c);
extern void (*porter__marks_on_wake)(void);
/* With the lock: the limit has changed. Whether somebody is to be woken. */
extern bool (*porter__marks_on_limit)(struct centre *c);
/*
 * With nothing held: the tracker is about to be destroyed; nothing of it is
 * called any more when this returns. False, errno EBUSY: it has children.
 */
extern bool (*porter__marks_on_end)(struct centre *c);

SLOW_PATH bool porter__marks_look(struct centre *c);
/* With nothing held. */
SLOW_PATH void porter__marks_wake(void);

/* With the lock. Whether porter__marks_wake() is to be called without it. */
static inline bool marks_crossed(struct centre *c)
{
	bool wake = false;

	for (struct centre *x = c; x; x = x->parent)
		if (unlikely(x->reserved >= x->high ||
			     x->reserved - (int64_t)x->lent <= x->low))
			wake |= porter__marks_look(x);
	return wake;
}

#endif /* PORTER_MARKS_H */
