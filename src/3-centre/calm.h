/* SPDX-License-Identifier: MIT */
/*
 * calm.h: operations at the centre that change one number, without its lock.
 *
 * Near its limit a tracker lends no room, and all operations come to the
 * centre. Most of them find everything as the last one has left it: nobody has
 * room, no mark or peak is near. Then all that is to be done is to change what
 * is reserved, within two bounds that were worked out once:
 *
 *	     calm_least                     calm_most
 *	---------|------------------------------|------------->  reserved
 *	 lend    |  nothing to do but to count  | the limit, a mark, the
 *	 room    |                              | highest so far, first of them
 *
 * In the calm, what is reserved is the word calm, and is changed by compare and
 * exchange: an atomic counter with a limit. Whoever takes the lock takes the
 * number out of it (calm_end()), so who holds the lock has it alone, and from
 * then on all come to the lock. What is found in calm is what all other
 * operations have left, exactly, since nobody has room; so a limit may refuse.
 *
 * An operation changes the number first, and the words of its cell after that.
 * Nobody else looks at these words meanwhile: only cells that are in the
 * centre's list are settled by others. A cell gets into it by its own thread
 * alone; so a thread whose cell is not in the list reckons before it looks at the
 * word, and may as well subtract what it has freed without a look. If that was
 * not calm, nothing has happened.
 *
 * The bounds are read beside the number. Should the calm end in between, and
 * another one begin with other bounds and the same number, the exchange must
 * not succeed: so the word also tells which calm it is, by 16 bits. For the same
 * reason who refuses looks again whether it is still that calm: what was in use
 * under one limit says nothing about the next. (tests/models/calm.pml)
 *
 * Only for trackers without a parent, that several threads use.
 */
#ifndef PORTER_CALM_H
#define PORTER_CALM_H

#include "0-machine/barrier.h"
#include "3-centre/centre.h"
#include "3-centre/lend.h"

/* What has room in the word; and of one operation, with thousands in vain. */
static const int64_t MOST_CALM = (int64_t)1 << 44;
static const uint64_t MOST_CALM_CHANGE = (uint64_t)1 << 28;

/* Where refusals are looked into (tests/stress/limit.c), nothing may change. */
#ifdef PORTER_TEST_POINTS
enum { REFUSED_WITH_LOCK = 1 };
#else
enum { REFUSED_WITH_LOCK = 0 };
#endif

/* With the lock, at the end of an operation: is it calm from now on? */
static inline void calm_begin(struct centre *c)
{
	int64_t most = c->limit, least = c->lend_below;
	bool all_shared = porter__barrier_possible(), may_be_calm;

	for (const struct centre *x = c; x; x = x->parent)
		all_shared &= x->shared && x->converted <= SELDOM;
	if (c->all_shared != all_shared)
		poke(&c->all_shared, all_shared);

	may_be_calm = c->shared && !c->parent && !c->children && !c->converted;
	if (c->may_be_calm != may_be_calm)
		poke(&c->may_be_calm, may_be_calm);
	if (!may_be_calm || c->reserved <= least)
		return;
	if (c->loans)
		porter__lend_deny(c);
	if (c->loans)
		return;
	most = c->peak_upper < most ? c->peak_upper : most;
	most = c->high - 1 < most ? c->high - 1 : most;
	least = c->low > least ? c->low : least;
	if (c->reserved <= least || c->reserved > most ||
	    c->reserved >= MOST_CALM)
		return;
	/* Release: who finds a bound finds that the calm before is over, ... */
	publish(&c->calm_most, most < MOST_CALM ? most : MOST_CALM);
	publish(&c->calm_least, least);
	/* ... and who finds it calm finds the bounds. */
	publish(&c->calm, c->reserved * CALMS + ++c->calms % CALMS);
}

/*
 * Whether nobody else is about to change the cell's quota. Else who takes room
 * back from this cell, just now, might settle it as well, and what it had would
 * be subtracted twice. Acquire: out of the list, that is over.
 */
static inline bool is_its_own(const struct cell *cell)
{
	return likely(!subscribe(&cell->word[NEXT_LENDEE]));
}

/* Its word QUOTA when that is what it uses, and size more; it is not lent. */
static inline uint64_t calm_quota(const struct cell *cell, uint64_t size)
{
	return NOT_LENT + own_word(cell, ALLOCATED) - own_word(cell, FREED) +
	       size;
}

/*
 * Not calm any more, or another calm: then the limit may be another one, and
 * the lock is next. Whoever changes the limit ends the calm first; release and
 * acquire, so that who finds the new limit finds that.
 */
static inline bool calm_refuses(const struct centre *c, int64_t now,
				int64_t then)
{
	if (REFUSED_WITH_LOCK)
		return false;
	return is_calm(now) && then > subscribe(&c->limit) &&
	       is_same_calm(peek(&c->calm), now);
}

static inline enum calm calm_take(struct centre *c, struct cell *cell,
				  uint64_t size)
{
	uint64_t quota;
	int64_t more, now, then;

	if (unlikely(size > MOST_CALM_CHANGE) || !is_its_own(cell))
		return CALM_OVER;
	/* First: others take the number away while one reckons. */
	quota = calm_quota(cell, size);
	more = (int64_t)(quota - peek(&cell->word[QUOTA]));
	flight_begin(cell, size, TAKEN);
	now = subscribe(&c->calm);
	do {
		then = calm_reserved(now) + more;
		if (unlikely(!is_calm(now) || then > subscribe(&c->calm_most) ||
			     then <= subscribe(&c->calm_least))) {
			flight_begin(cell, 0, TAKEN);
			return calm_refuses(c, now, then) ? CALM_REFUSED :
							    CALM_OVER;
		}
		then = now + more * CALMS;
	} while (unlikely(!exchange_if(&c->calm, &now, then)));
	poke(&cell->word[QUOTA], quota);
	word_add_release(&cell->word[ALLOCATED], size);
	return CALM_DONE;
}

/*
 * Any calm that the sum falls into is a good one. Over is the calm as well when
 * room could be lent again.
 */
static inline enum calm calm_settle(struct centre *c, struct cell *cell)
{
	uint64_t quota;
	int64_t less, now;

	if (!peek(&c->may_be_calm) || !is_its_own(cell))
		return CALM_OVER;
	quota = calm_quota(cell, 0);
	less = (int64_t)(peek(&cell->word[QUOTA]) - quota);
	if (unlikely((uint64_t)less > MOST_CALM_CHANGE))
		return CALM_OVER;
	now = exchange_add(&c->calm, -less * CALMS);
	if (unlikely(!is_calm(now)))
		return CALM_OVER;
	poke(&cell->word[QUOTA], quota);
	/* If that bound is a later one, who worked it out saw this already. */
	return likely(calm_reserved(now) - less > peek(&c->calm_least)) ?
		       CALM_DONE :
		       CALM_OVER;
}

/* ---- Operations: in the calm if it is, else with the lock ---- */

/* What calm_take() has come to, or else with the lock: whether it is taken. */
static inline bool centre_take(struct centre *c, struct cell *cell,
			       uint64_t size, enum calm calm)
{
	return likely(calm != CALM_OVER) ? calm == CALM_DONE :
					   porter__centre_take(c, cell, size);
}

static inline void centre_settle(struct centre *c, struct cell *cell)
{
	if (unlikely(calm_settle(c, cell) != CALM_DONE))
		porter__centre_settle(c, cell);
}

static inline void centre_meet(struct centre *c, struct cell *cell)
{
	if (unlikely(!peek(&c->all_shared)))
		porter__centre_meet(c, cell);
}

#endif /* PORTER_CALM_H */
