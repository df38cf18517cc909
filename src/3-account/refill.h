/* SPDX-License-Identifier: MIT */
/*
 * refill.h: how much stock a cell gets.
 */
#ifndef PORTER_REFILL_H
#define PORTER_REFILL_H

#include "3-account/account.h"

/*
 * With the lock, for the calling thread's cell, which is settled and whose charges
 * have raised the peaks. Gives it a cap and some stock, where that does no harm.
 * False: too near a limit or a watermark, or there is no stock at all.
 */
SEPARATE bool porter__refill(struct account *a, struct cell *cell);

/* False without membarrier, and where the program has set a quantum below 512. */
bool porter__may_have_stock(const struct account *a);

/*
 * With the lock. At a level where nobody has stock, a cell may get some when what is
 * reserved is at most the first number and more than the second.
 */
int64_t porter__stock_begins_at(const struct account *a);
int64_t porter__stock_begins_above(const struct account *a);

#endif /* PORTER_REFILL_H */
