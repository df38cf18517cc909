/* SPDX-License-Identifier: MIT */
/*
 * charge.h: the operations of an account.
 *
 *	charge		before the underlying allocator is asked: from stock, in
 *			atomic mode, or with the lock; a limit may refuse it
 *	uncharge	after the underlying allocator has the bytes back; in an
 *			unbounded tracker before that
 *	count		in an unbounded tracker, instead of a charge: it cannot
 *			refuse, so it does not look at the stock first. If that
 *			overdraws the cell, it settles the cell before it returns
 *
 * Each is complete when it returns. No word of the cell says that a thread is in the
 * middle of a call. So the underlying allocator may use the same account, and so may
 * callbacks that run in between.
 */
#ifndef PORTER_CHARGE_H
#define PORTER_CHARGE_H

#include "3-account/atomic-mode.h"
#include "3-account/rebuild.h"
#include "3-account/watermark.h"

/* Which level refused, and how it stood then. */
struct refused {
	struct account *level; /* NULL: too large for any */
	int64_t limit;
	int64_t charged; /* the stock of holders included: */
	int64_t stock;	 /* at most so much */
};

/*
 * The slow half of a charge, after the stock did not suffice, in the calling
 * thread's cell, or NULL. False: refused.
 */
bool porter__charge_at_account(struct account *a, struct cell *cell,
			       uint64_t size, struct refused *refused);

/* Brings what is reserved up to date with the calling thread's cell. */
SEPARATE void porter__settle(struct account *a, struct cell *cell);
SEPARATE void porter__settle_with_lock(struct account *a, struct cell *cell);

/* For threads without a cell. */
SLOW_PATH void porter__count_shared(struct account *a, uint64_t size);
SLOW_PATH void porter__uncharge_shared(struct account *a, uint64_t size);

static inline void uncharge_in(struct account *a, struct cell *cell,
			       uint64_t size)
{
	word_add_release(&cell->word[FREED], size);
	if (has_too_much_stock(cell))
		porter__settle(a, cell);
}

static inline void uncharge(struct account *a, uint64_t size)
{
	struct cell *cell = this_cell(a->at);

	if (likely(cell))
		uncharge_in(a, cell, size);
	else
		porter__uncharge_shared(a, size);
}

static inline void count_in(struct account *a, struct cell *cell, uint64_t size)
{
	word_add(&cell->word[ALLOCATED], size);
	if (is_out_of_stock(cell))
		porter__settle_with_lock(a, cell);
}

static inline void count(struct account *a, uint64_t size)
{
	struct cell *cell = this_cell(a->at);

	if (likely(cell))
		count_in(a, cell, size);
	else
		porter__count_shared(a, size);
}

/*
 * Takes back what was charged for a request that got no memory: a charge and an
 * uncharge that happened, which the totals do not show.
 */
SLOW_PATH void porter__cancel(struct account *a, uint64_t size);

#endif /* PORTER_CHARGE_H */
