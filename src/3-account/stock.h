/* SPDX-License-Identifier: MIT */
/*
 * stock.h: what a cell may use without asking its account.
 *
 *	charged by this cell        stock
 *	|----------------------|-------------|
 *	0               allocated - freed   quota
 *
 * An account (account.h) reserves bytes for the cells of its tracker. A cell's
 * quota is what is reserved for it, and its stock is what it has not used yet.
 * While the stock lasts, the thread asks nobody. All arithmetic on a cell is
 * here. It touches nothing but the words of the cell.
 *
 * A cell that may have stock is a *holder*. It has three more words:
 *
 *	cap	After each operation the stock is below the cap. A free that makes
 *		the stock reach the cap settles the cell: all of the stock goes
 *		back to the account.
 *	attempt	1 while its thread charges the stock: a drain waits for it to be 0.
 *	link	Whether it is a holder, and the next one in the account's list.
 *		0: it is none. 1: it is the last. Else the index of the next
 *		one's slot, plus 2.
 *
 * A cell that is no holder has no stock and no cap, so a fresh cell, all 0, is right
 * as it is. The tests below then send every operation to the account: the stock is
 * 0, which is too little for an allocation; and the cap is 0, so after a free the
 * stock is not below it.
 *
 * Sums of bytes are taken modulo 2^64: a thread that frees what others have
 * allocated has charged less than nothing. No cell gets further than 2^61 from 0:
 * at 10 GB a second that takes its threads seven years.
 */
#ifndef PORTER_STOCK_H
#define PORTER_STOCK_H

#include "0-machine/test-point.h"
#include "2-counter/ids.h"

#include <stdbool.h>
#include <stdint.h>

enum { LINK_NONE, LINK_LAST, LINK_FIRST_SLOT };

/* What a drain takes from a quota, so that no stock is left: see drain.h. */
#define QUOTA_MARK ((uint64_t)1 << 62)

/* ---- The calling thread's own cell ---- */

/* A word that only its thread writes. The thread itself may read it plainly. */
static inline uint64_t own_word(const struct cell *cell, enum word word)
{
	return cell->word[word];
}

static inline int64_t own_stock(const struct cell *cell)
{
	return (int64_t)(load_relaxed(&cell->word[QUOTA]) +
			 own_word(cell, FREED) - own_word(cell, ALLOCATED));
}

/*
 * Charges size bytes if the stock suffices. The attempt is announced first, so
 * that a drain can wait for it to be over: drain.h has the argument for the two
 * compiler barriers, which cost nothing. The release store makes what was
 * charged visible to the drain that sees the attempt over.
 * (tests/models/charge.pml: no_attempt, attempt_ends_relaxed)
 */
static inline bool charge_from_stock(struct cell *cell, uint64_t size)
{
	store_relaxed(&cell->attempt, 1);
	compiler_barrier();
	if (unlikely(own_stock(cell) < (int64_t)size)) {
		store_release(&cell->attempt, 0);
		return false;
	}
	TEST_POINT(ATTEMPTING);
	word_add(&cell->word[ALLOCATED], size);
	store_release(&cell->attempt, 0);
	return true;
}

/*
 * The two tests that a thread makes after it has counted. If one is true, the thread
 * settles its cell.
 *
 * Both are true where a drain is at work: a marked quota makes the stock far less
 * than 0, and huge when taken without its sign. Both are also true after a drain,
 * when stock and cap are 0. So a thread comes to the lock even if a drain has
 * settled its operation already. That is needed: the drain has changed what is
 * reserved for this account, but the thread that drained looks only at the peaks,
 * limits and watermarks of its own account and of the ancestors of that one.
 * (tests/models/two-levels.pml: drained_returns)
 */

/*
 * After an allocation that was counted without looking at the stock first. The stock
 * is 0 or less where what is charged has reached the quota. Comparing the two takes
 * one instruction less than computing the stock.
 */
static inline bool is_out_of_stock(const struct cell *cell)
{
	compiler_barrier();
	return unlikely(
		(int64_t)(own_word(cell, ALLOCATED) - own_word(cell, FREED)) >=
		(int64_t)load_relaxed(&cell->word[QUOTA]));
}

/* After a free: the stock has reached the cap, or it is still below 0. */
static inline bool has_too_much_stock(const struct cell *cell)
{
	compiler_barrier();
	return unlikely((uint64_t)own_stock(cell) >= load_relaxed(&cell->cap));
}

/* ---- Anybody's cell ---- */

/*
 * What the cell has charged. Its thread may go on meanwhile: freed is read
 * first, so that the result is never lower than what is charged.
 */
static inline uint64_t charged_by(const struct cell *cell)
{
	uint64_t freed = word_load(&cell->word[FREED]);

	return word_load(&cell->word[ALLOCATED]) - freed;
}

#endif /* PORTER_STOCK_H */
