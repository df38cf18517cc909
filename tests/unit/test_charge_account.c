/* SPDX-License-Identifier: MIT */
/*
 * Charges at an account: what is granted, what is refused and by whom, and what
 * a refusal leaves behind.
 */
#include "unit/accounts.h"

#include <string.h>

/* ---- Which level ---- */

struct tower {
	struct account *root, *mid, *leaf, *beside;
};

static struct tower build(int64_t root, int64_t mid, int64_t leaf)
{
	struct tower t;

	t.root = open_account(NULL, root);
	t.mid = open_account(t.root, mid);
	t.leaf = open_account(t.mid, leaf);
	t.beside = open_account(t.mid, NO_LIMIT);
	return t;
}

static void tear_down(struct tower *t)
{
	close_account(t->leaf);
	close_account(t->beside);
	close_account(t->mid);
	close_account(t->root);
}

static void assert_refused_by(struct account *a, uint64_t size,
			      const struct account *level, int64_t limit,
			      int64_t charged)
{
	struct refused refused;

	assert_false(charge_or_tell(a, size, &refused));
	assert_ptr_equal(refused.level, level);
	assert_int_equal(refused.limit, limit);
	assert_int_equal(refused.charged, charged);
}

static void a_refusal_tells_its_level_and_how_that_stood(void **state)
{
	struct tower t = build(10000, 5000, 3000);

	(void)state;
	assert_refused_by(t.leaf, 3001, t.leaf, 3000, 0);
	assert_true(charge(t.leaf, 3000));
	assert_refused_by(t.leaf, 1, t.leaf, 3000, 3000);
	assert_refused_by(t.beside, 2001, t.mid, 5000, 3000);
	assert_true(charge(t.beside, 2000));
	/* The lowest of those that have no room. */
	assert_refused_by(t.leaf, 9000, t.leaf, 3000, 3000);
	uncharge(t.leaf, 3000);
	assert_refused_by(t.leaf, 3000 + 1, t.leaf, 3000, 0);
	assert_true(charge(t.root, 8000));
	assert_refused_by(t.leaf, 1, t.root, 10000, 10000);
	assert_adds_up(t.root);
	uncharge(t.root, 8000);
	uncharge(t.beside, 2000);
	tear_down(&t);
}

static void what_is_too_large_for_all_is_refused_by_none(void **state)
{
	struct account *a = open_account(NULL, NO_LIMIT);

	(void)state;
	assert_refused_by(a, (uint64_t)BEYOND_ALL + 1, NULL, 0, 0);
	assert_refused_by(a, INT64_MAX, NULL, 0, 0);
	get_stock(a);
	assert_refused_by(a, INT64_MAX, NULL, 0, 0);
	close_account(a);
}

/* ---- What a refusal leaves ---- */

struct level {
	int64_t reserved, upper, lower, limit;
	uint64_t allocated, freed;
};

static struct level look_at(const struct account *a)
{
	return (struct level){
		.reserved = a->reserved,
		.upper = a->upper,
		.lower = a->lower,
		.limit = a->limit,
		.allocated = porter__id_word(a->id, ALLOCATED),
		.freed = porter__id_word(a->id, FREED),
	};
}

static void look_at_all(const struct tower *t, struct level out[4])
{
	memset(out, 0, 4 * sizeof(*out));
	out[0] = look_at(t->root);
	out[1] = look_at(t->mid);
	out[2] = look_at(t->leaf);
	out[3] = look_at(t->beside);
}

static void a_refusal_above_changes_nothing_below(void **state)
{
	struct tower t = build(100000, NO_LIMIT, 90000);
	struct level before[4], after[4];

	(void)state;
	assert_true(charge(t.beside, 60000));
	assert_true(charge(t.leaf, 20000));
	look_at_all(&t, before);
	for (int i = 0; i < 20; i++) {
		assert_refused_by(t.leaf, 20001, t.root, 100000, 80000);
		assert_refused_by(t.leaf, 70001, t.leaf, 90000, 20000);
	}
	look_at_all(&t, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_adds_up(t.root);
	uncharge(t.beside, 60000);
	uncharge(t.leaf, 20000);
	tear_down(&t);
}

static void a_request_for_nothing_is_never_refused(void **state)
{
	struct tower t = build(1000, 1000, NO_LIMIT);

	(void)state;
	assert_true(charge(t.leaf, 1000));
	porter__account_set_limit(t.mid, 10);
	assert_true(charge(t.leaf, 0));
	assert_true(charge(t.beside, 0));
	assert_true(porter__charge_at_account(t.leaf, NULL, 0,
					      &(struct refused){ 0 }));
	assert_adds_up(t.root);
	uncharge(t.leaf, 1000);
	tear_down(&t);
}

/* ---- Before a refusal ---- */

enum { WORKERS = 4 };

/* Each of the workers has stock. */
static struct account *gather(int64_t limit)
{
	struct account *a;

	needs_stock();
	a = open_account(NULL, limit);
	hire_so_many(WORKERS);
	for (int i = 0; i < WORKERS; i++)
		get_stock_by(w[i], a);
	assert_int_equal(a->holders, WORKERS);
	return a;
}

static void close_empty(struct account *a)
{
	assert_adds_up(a);
	assert_int_equal(porter__account_charged(a), 0);
	close_account(a);
}

/* Stock is no reason to refuse. */
static void all_room_can_be_had_that_others_do_not_use(void **state)
{
	struct account *a = gather(64 * MIB);

	(void)state;
	assert_true(charge(a, 64 * MIB));
	assert_int_equal(a->holders, 0);
	assert_int_equal(came_to(DRAINING), 1);
	for (int i = 0; i < WORKERS; i++)
		assert_false(charge_by(w[i], a, 1));
	uncharge(a, 64 * MIB);
	close_empty(a);
}

static void what_no_drain_could_make_fit_drains_nobody(void **state)
{
	struct account *a = gather(64 * MIB);
	struct refused refused;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(charge_or_tell(a, 65 * MIB, &refused));
	assert_int_equal(came_to(DRAINING), 0);
	assert_int_equal(came_to(REFUSING), 10);
	assert_ptr_equal(refused.level, a);
	assert_true(a->caps > 0);
	close_empty(a);
}

/*
 * A byte more than there is; but for what is out as stock that cannot be known
 * before it is taken back.
 */
static void those_that_are_refused_together_cause_one_drain(void **state)
{
	struct account *a = gather(64 * MIB);
	uint64_t size = 64 * MIB - 12 * MIB + 1;

	(void)state;
	assert_true(charge(a, 12 * MIB));
	for (int round = 0; round < 10; round++)
		for (int i = 0; i < WORKERS; i++)
			assert_false(charge_by(w[i], a, size));
	assert_int_equal(came_to(REFUSING), 10 * WORKERS);
	assert_in_range(came_to(DRAINING), 1, 2);
	uncharge(a, 12 * MIB);
	close_empty(a);
}

/* A big request waits in the lock for its refusal; others have their stock. */
static void those_with_stock_do_not_wait_for_a_refusal(void **state)
{
	struct account *a = gather(64 * MIB);
	struct operation big = { .what = CHARGE, .a = a, .size = 65 * MIB };
	struct operation small = { .what = CHARGE, .a = a, .size = 10000000 };

	(void)state;
	stop_at(w[0], REFUSING);
	begin(w[0], &big);
	wait_until_stopped(w[0]);
	assert_true(charge_by(w[1], a, 100));
	uncharge_by(w[1], a, 100);
	/* One that needs the account waits, and gets what there is room for. */
	begin(w[2], &small);
	give_time();
	assert_false(is_done(w[2]));
	go_on(w[0]);
	wait_for(w[0]);
	wait_for(w[2]);
	assert_false(big.granted);
	assert_true(small.granted);
	uncharge(a, small.size);
	close_empty(a);
}

/* ---- Numbers near the ends ---- */

static void no_sum_near_the_ends_overflows(void **state)
{
	static const int64_t limits[] = { INT64_MAX, INT64_MAX - 1,
					  INT64_MAX / 2, (int64_t)1 << 60 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct account *root = open_account(NULL, limits[i]);
		struct account *child = open_account(root, INT64_MAX - 1);

		assert_true(charge(child, (uint64_t)BEYOND_ALL));
		assert_refused_by(child, 1, child, INT64_MAX - 1, BEYOND_ALL);
		assert_refused_by(root, (uint64_t)BEYOND_ALL, root, limits[i],
				  BEYOND_ALL);
		assert_true(charge(root, 0));
		assert_adds_up(root);
		assert_int_equal(peak_read(&root->peak).lower, BEYOND_ALL);
		assert_int_equal(peak_read(&root->peak).upper, BEYOND_ALL);
		uncharge(child, (uint64_t)BEYOND_ALL - 100);
		get_stock(child);
		get_stock(root);
		assert_adds_up(root);
		assert_refused_by(child, (uint64_t)BEYOND_ALL - 99, child,
				  INT64_MAX - 1, 100);
		uncharge(root, 100); /* As if of what the child has. */
		assert_int_equal(porter__account_charged(root), 0);
		close_account(child);
		close_account(root);
	}
}

static void a_limit_of_all_there_is_leaves_that(void **state)
{
	struct account *a = open_account(NULL, BEYOND_ALL - 1);

	(void)state;
	assert_false(charge(a, (uint64_t)BEYOND_ALL));
	assert_true(charge(a, (uint64_t)BEYOND_ALL - 1));
	uncharge(a, (uint64_t)BEYOND_ALL - 1);
	close_account(a);
	a = open_account(NULL, 0);
	assert_refused_by(a, 1, a, 0, 0);
	close_account(a);
}

/* ---- Other limits ---- */

static void a_lowered_limit_is_kept_from_then_on(void **state)
{
	struct account *a = gather(64 * MIB);

	(void)state;
	assert_true(charge(a, 100000));
	porter__account_set_limit(a, 60000);
	/* Stock of before does not help. */
	for (int i = 0; i < WORKERS; i++)
		assert_false(charge_by(w[i], a, 1));
	assert_false(charge(a, 1));
	uncharge(a, 40000);
	assert_false(charge(a, 1));
	uncharge(a, 1000);
	assert_false(charge(a, 1001));
	assert_true(charge_by(w[0], a, 1000));
	assert_false(charge_by(w[1], a, 1));
	uncharge(a, 60000);
	close_empty(a);
}

/*
 * What was counted without being asked for; stock that is out is within what is
 * reserved already, and yet nobody may go on with it.
 */
static void what_is_found_above_a_limit_takes_all_stock(void **state)
{
	struct account *a = gather(NO_LIMIT);
	struct refused refused;

	(void)state;
	assert_int_equal(a->holders, WORKERS);
	porter__account_set_limit(a, 64 * MIB);
	for (int i = 0; i < WORKERS; i++)
		get_stock_by(w[i], a);
	assert_int_equal(a->holders, WORKERS);
	count(a, 70 * MIB);
	assert_int_equal(a->holders, 0);
	assert_false(charge_by(w[0], a, 1));
	uncharge(a, 10 * MIB);
	for (int i = 0; i < WORKERS; i++)
		get_stock_by(w[i], a);
	assert_int_equal(a->holders, WORKERS + 1);
	/* Where the thread has no cell. */
	porter__count_shared(a, 5 * MIB);
	assert_int_equal(a->holders, 0);
	assert_false(porter__charge_at_account(a, NULL, 1, &refused));
	porter__uncharge_shared(a, 5 * MIB);
	uncharge(a, 60 * MIB);
	close_empty(a);
}

/* ---- Without a cell, and in vain ---- */

static void a_thread_without_a_cell_is_held_to_the_limit(void **state)
{
	struct tower t = build(10000, NO_LIMIT, NO_LIMIT);
	struct refused refused;

	(void)state;
	assert_true(porter__charge_at_account(t.leaf, NULL, 6000, &refused));
	assert_int_equal(t.leaf->id->shared.word[ALLOCATED], 6000);
	assert_int_equal(t.root->reserved, 6000);
	assert_false(porter__charge_at_account(t.leaf, NULL, 4001, &refused));
	assert_ptr_equal(refused.level, t.root);
	assert_true(charge(t.beside, 4000));
	assert_adds_up(t.root);
	assert_int_equal(peak_read(&t.root->peak).lower, 10000);
	assert_int_equal(peak_read(&t.leaf->peak).lower, 6000);
	porter__uncharge_shared(t.leaf, 6000);
	assert_int_equal(t.root->reserved, 4000);
	assert_true(charge(t.leaf, 6000));
	assert_adds_up(t.root);
	uncharge(t.leaf, 6000);
	uncharge(t.beside, 4000);
	tear_down(&t);
}

static void what_is_cancelled_was_charged_and_is_told(void **state)
{
	struct account *a = open_account(NULL, 10000);

	(void)state;
	assert_true(charge(a, 9000));
	porter__cancel(a, 9000);
	assert_true(charge(a, 10000));
	assert_int_equal(a->id->cancelled, 9000);
	assert_int_equal(porter__id_word(a->id, ALLOCATED), 19000);
	assert_int_equal(porter__id_word(a->id, FREED), 9000);
	assert_adds_up(a);
	uncharge(a, 10000);
	close_account(a);
}

/* So few operations get no stock: the bounds are equal. */
static void all_levels_know_their_own_peak(void **state)
{
	struct tower t = build(NO_LIMIT, NO_LIMIT, NO_LIMIT);

	(void)state;
	raise_peak_to(t.leaf, 500);
	assert_true(charge(t.beside, 300));
	assert_true(charge(t.leaf, 400));
	uncharge(t.beside, 300);
	assert_true(charge(t.root, 500));
	assert_int_equal(peak_read(&t.leaf->peak).lower, 500);
	assert_int_equal(peak_read(&t.leaf->peak).upper, 500);
	assert_int_equal(peak_read(&t.beside->peak).lower, 300);
	assert_int_equal(peak_read(&t.beside->peak).upper, 300);
	assert_int_equal(peak_read(&t.mid->peak).lower, 700);
	assert_int_equal(peak_read(&t.mid->peak).upper, 700);
	assert_int_equal(peak_read(&t.root->peak).lower, 900);
	assert_int_equal(peak_read(&t.root->peak).upper, 900);
	uncharge(t.leaf, 400);
	uncharge(t.root, 500);
	tear_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(a_refusal_tells_its_level_and_how_that_stood),
		account_test(what_is_too_large_for_all_is_refused_by_none),
		account_test(a_refusal_above_changes_nothing_below),
		account_test(a_request_for_nothing_is_never_refused),
		account_test(all_room_can_be_had_that_others_do_not_use),
		account_test(what_no_drain_could_make_fit_drains_nobody),
		account_test(those_that_are_refused_together_cause_one_drain),
		account_test(those_with_stock_do_not_wait_for_a_refusal),
		account_test(no_sum_near_the_ends_overflows),
		account_test(a_limit_of_all_there_is_leaves_that),
		account_test(a_lowered_limit_is_kept_from_then_on),
		account_test(what_is_found_above_a_limit_takes_all_stock),
		account_test(a_thread_without_a_cell_is_held_to_the_limit),
		account_test(what_is_cancelled_was_charged_and_is_told),
		account_test(all_levels_know_their_own_peak),
	};

	return run_all("charge account", tests);
}
