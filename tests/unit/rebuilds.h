/* SPDX-License-Identifier: MIT */
/*
 * rebuilds.h: what must be true of an account in a child of fork(), and in the
 * parent afterwards.
 */
#ifndef TESTS_UNIT_REBUILDS_H
#define TESTS_UNIT_REBUILDS_H

#include "unit/accounts.h"

enum { LIMIT = 4 * MIB };

static struct account *root;

static inline void check_all(void *in_use)
{
	int64_t used = *(int64_t *)in_use;

	must_equal(porter__account_sum(root), used);
	must_equal(porter__account_charged(root), used);
	must_equal(charged_in(root), used);
	assert_adds_up(root);
	must(charge(root, (uint64_t)(LIMIT - used)));
	must(!charge(root, 1));
	assert_adds_up(root);
	uncharge(root, (uint64_t)(LIMIT - used));
	get_stock(root);
	assert_adds_up(root);
	must_equal(peak_read(&root->peak).upper, LIMIT);
	must_equal(peak_read(&root->peak).lower, LIMIT);
}

static inline void assert_right_in_child(int64_t in_use)
{
	uint32_t generation = root->generation;

	assert_int_equal(in_child(check_all, &in_use).status, 0);
	assert_int_equal(root->generation, generation);
}

/* A tracker with stock, and bytes in use, in the cells of several threads. */
static inline void open_busy(void)
{
	root = open_account(NULL, LIMIT);
	raise_peak_to(root, MIB);
	hire_so_many(3);
	for (int i = 0; i < 3; i++) {
		get_stock_by(w[i], root);
		must(charge_by(w[i], root, 1000));
	}
}

/* Nothing has happened to the parent. */
static inline void close_busy(int64_t in_use)
{
	check_all(&in_use);
	vacate(root, (uint64_t)in_use);
	close_account(root);
}

#endif /* TESTS_UNIT_REBUILDS_H */
