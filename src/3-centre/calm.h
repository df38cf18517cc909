/* SPDX-License-Identifier: MIT */
/*
 * calm.h: operations at the centre that change one number.
 *
 * Near its limit a tracker lends no room, and all operations come to the
 * centre. Most of them find everything as the last one has left it: nothing to
 * be lent, no mark or peak near. Then what is reserved stays between two bounds,
 * which were worked out once, and all that is to be done is to change it: about
 * as much as with one counter for all threads.
 *
 *	     calm_least                     calm_most
 *	---------|------------------------------|------------->  reserved
 *	 lend    |  nothing to do but to count  | the limit, a mark, the
 *	 room    |                              | highest so far, first of them
 *
 * Only for trackers without a parent, that several threads use. Whoever takes
 * the lock for anything else ends the calm (centre_lock()).
 */
#ifndef PORTER_CALM_H
#define PORTER_CALM_H

#include "0-machine/test-point.h"
#include "3-centre/centre.h"

enum calm { NOT_CALM, CALM_DONE, CALM_REFUSED };

/* With the lock, after an operation that was not calm. */
static inline void calm_down(struct centre *c)
{
	int64_t most = c->limit, least = c->lend_below;

	c->root->calm = false;
	if (c->parent || !c->shared || c->converted)
		return;
	most = c->peak_upper < most ? c->peak_upper : most;
	most = c->high - 1 < most ? c->high - 1 : most;
	if (c->low != INT64_MIN && c->low + (int64_t)c->lent > least)
		least = c->low + (int64_t)c->lent;
	c->calm_most = most;
	c->calm_least = least;
	c->calm = least < most;
}

/* What is reserved when the cell is settled, and takes size more. */
static inline int64_t calm_reserved(const struct centre *c,
				    const struct cell *cell, uint64_t size)
{
	return c->reserved +
	       (int64_t)(cell_net(cell) - quota_of(peek(&cell->word[QUOTA])) +
			 size);
}

static inline enum calm calm_take(struct centre *c, struct cell *cell,
				  uint64_t size)
{
	int64_t reserved;

	if (!c->calm || !cell)
		return NOT_CALM;
	reserved = calm_reserved(c, cell, size);
	if (unlikely(reserved > c->limit) && !c->loans) {
		TEST_POINT(REFUSING);
		return CALM_REFUSED;
	}
	if (unlikely(reserved > c->calm_most || reserved <= c->calm_least))
		return NOT_CALM;
	poke(&c->reserved, reserved);
	poke(&cell->word[QUOTA], cell_net(cell) + size);
	flight_begin(cell, size, TAKEN);
	word_add_release(&cell->word[ALLOCATED], size);
	return CALM_DONE;
}

static inline enum calm calm_settle(struct centre *c, struct cell *cell)
{
	int64_t reserved;

	if (!c->calm)
		return NOT_CALM;
	reserved = calm_reserved(c, cell, 0);
	if (unlikely(reserved > c->calm_most || reserved <= c->calm_least))
		return NOT_CALM;
	poke(&c->reserved, reserved);
	poke(&cell->word[QUOTA], cell_net(cell));
	return CALM_DONE;
}

#endif /* PORTER_CALM_H */
