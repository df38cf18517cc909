/* SPDX-License-Identifier: MIT */
/*
 * read.h: what a tracker uses, its descendants included.
 */
#ifndef PORTER_ACCOUNT_READ_H
#define PORTER_ACCOUNT_READ_H

#include "3-account/account.h"

#include <portermem/counter.h>

/* As porter_counter_sum() and porter_counter_interval(). */
int64_t porter__account_sum(const struct account *a);
struct porter_interval porter__account_interval(const struct account *a);
/* The narrowest of so many intervals, or the first whose bounds are equal. */
struct porter_interval porter__account_narrow(const struct account *a,
					      unsigned tries);

/* What ids count seldom: see ids.h. */
struct rare_counts {
	uint64_t failures, refusals, cancelled, cancelled_blocks;
};

struct rare_counts porter__account_rare(const struct account *a);

#endif /* PORTER_ACCOUNT_READ_H */
