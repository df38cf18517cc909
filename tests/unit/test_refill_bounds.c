/* SPDX-License-Identifier: MIT */
/*
 * Stock near limits and watermarks, and idle holders, who have what others want.
 */
#include "unit/accounts.h"

/* ---- Near a limit ---- */

/* As it comes nearer: what is left, and the cap of one that is a holder. */
static const struct step {
	int64_t left;
	uint32_t cap;
} steps[] = {
	{ 10 * MIB, 64 * KIB },
	{ 256 * KIB, 64 * KIB },
	{ 256 * KIB - 1, 4 * KIB },
	{ 64 * KIB, 4 * KIB },
	{ 16 * KIB, 4 * KIB },
	{ 16 * KIB - 1, 0 },
	{ 4 * KIB, 0 },
	{ 0, 0 },
};

static void caps_are_a_quarter_of_what_is_left(void **state)
{
	struct account *root = open_account(NULL, 64 * MIB);
	struct account *mid = open_account(root, NO_LIMIT);
	struct account *a = open_account(mid, NO_LIMIT);
	struct account *beside = open_account(root, NO_LIMIT);

	(void)state;
	raise_peak_to(a, 64 * MIB);
	get_stock(a);
	come_again(a);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		uint64_t size = (uint64_t)(64 * MIB - steps[i].left);

		occupy(beside, size);
		come_again(a);
		must_equal(cap_of(my_cell(a)), steps[i].cap);
		must(a->caps <= (uint64_t)steps[i].left / 4);
		must(root->reserved <= 64 * MIB);
		assert_adds_up(root);
		vacate(beside, size);
	}
	close_account(beside);
	close_account(a);
	close_account(mid);
	close_account(root);
}

/* So much is left when the cell is settled the next time. */
static void leave_to(struct account *a, int64_t left)
{
	struct account *root = a->root;

	account_enter(a);
	settle(a, my_cell(a));
	account_leave(a);
	occupy(root, (uint64_t)(root->limit - root->reserved - left));
}

/* All of them together. */
static void others_leave_less_of_that_quarter(void **state)
{
	struct account *root = open_account(NULL, 64 * MIB);
	struct account *one = open_account(root, NO_LIMIT);
	struct account *two = open_account(root, NO_LIMIT);

	(void)state;
	raise_peak_to(one, 64 * MIB);
	raise_peak_to(two, 64 * MIB);
	get_stock(one);
	come_again(one);
	assert_int_equal(root->caps, 64 * KIB);
	get_stock(two);
	come_again(two);
	assert_int_equal(root->caps, 96 * KIB);
	leave_to(two, 4 * 96 * KIB);
	come_again(two);
	assert_int_equal(two->caps, 32 * KIB);
	leave_to(two, 4 * 96 * KIB - 1);
	come_again(two);
	assert_int_equal(two->caps, 4 * KIB);
	leave_to(two, 4 * 68 * KIB);
	come_again(two);
	assert_int_equal(two->caps, 4 * KIB);
	leave_to(two, 4 * 68 * KIB - 1);
	come_again(two);
	assert_int_equal(two->caps, 0);
	assert_int_equal(one->caps, 64 * KIB);
	assert_adds_up(root);
	vacate(root, (uint64_t)charged_in(root));
	close_account(two);
	close_account(one);
	close_account(root);
}

static void no_stock_is_given_beyond_a_bound(void **state)
{
	struct account *a = open_account(NULL, 64 * MIB);
	struct cell *cell = my_cell(a);

	(void)state;
	hire_so_many(1);
	raise_peak_to(a, 64 * MIB);
	get_stock(a);
	get_stock_by(w[0], a);
	come_again(a);
	occupy(a, 64 * MIB - 4 * KIB * 4 - a->caps * 4);
	come_again(a);
	assert_true(cap_of(cell) >= 4 * KIB);
	assert_true(own_stock(cell) <= 64 * MIB - a->reserved + 4 * KIB);
	assert_true(a->reserved <= 64 * MIB);
	vacate(a, (uint64_t)charged_in(a));
	close_account(a);
}

static void where_stock_begins_there_is_room_for_a_while(void **state)
{
	static const struct {
		int64_t limit, high, resume, begins;
	} cases[] = {
		{ INT64_MAX, INT64_MAX, 0, INT64_MAX },
		{ INT64_MAX, INT64_MAX, 100 * MIB, INT64_MAX },
		/* Of little, a quarter, but 16 KiB. */
		{ 16 * KIB, INT64_MAX, 0, 0 },
		{ 4 * KIB, INT64_MAX, 0, -12 * KIB },
		{ 128 * KIB, INT64_MAX, 0, 96 * KIB },
		/* Else 256 KiB or 1/64. */
		{ 4 * MIB, INT64_MAX, 0, 4 * MIB - 256 * KIB },
		{ 64 * MIB, INT64_MAX, 0, 63 * MIB },
		/* Or as much as those want that were denied. */
		{ 4 * MIB, INT64_MAX, 512 * KIB, 4 * MIB - 512 * KIB },
		{ 4 * MIB, INT64_MAX, 2 * MIB, 3 * MIB },
		/* An upper watermark is a bound as well. */
		{ 64 * MIB, 4 * MIB, 0, 4 * MIB - 256 * KIB },
		{ INT64_MAX, 4 * MIB, 0, 4 * MIB - 256 * KIB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct account *a = open_account(NULL, cases[i].limit);

		a->high = cases[i].high;
		a->resume = cases[i].resume;
		must_equal(porter__stock_begins_at(a), cases[i].begins);
		must_equal(porter__stock_begins_above(a), INT64_MIN);
		a->low = 1000;
		must_equal(porter__stock_begins_above(a), 1000 + 64 * KIB);
		a->low = INT64_MIN;
		close_account(a);
	}
}

static void stock_begins_there_and_goes_on_beyond(void **state)
{
	struct account *a = open_account(NULL, 4 * MIB);
	uint64_t size = 4 * MIB - 256 * KIB;

	(void)state;
	raise_peak_to(a, 4 * MIB);
	occupy(a, size + 1);
	come_again(a);
	come_again(a);
	assert_false(is_holder(my_cell(a)));
	vacate(a, 1);
	come_again(a);
	assert_true(is_holder(my_cell(a)));
	occupy(a, 100 * KIB);
	come_again(a);
	assert_int_equal(cap_of(my_cell(a)), 16 * KIB);
	vacate(a, size + 100 * KIB);
	close_account(a);
}

/* ---- Near watermarks ---- */

static bool do_nothing(struct account *a)
{
	(void)a;
	return false;
}

static void caps_keep_away_from_watermarks(void **state)
{
	static const struct watermark_user user = { .crossed = do_nothing };
	struct account *a = open_account(NULL, NO_LIMIT);

	(void)state;
	raise_peak_to(a, 64 * MIB);
	occupy(a, 32 * MIB);
	get_stock(a);
	come_again(a);
	a->user = &user;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(steps); i++) {
		a->high = 32 * MIB + steps[i].left;
		come_again(a);
		must_equal(cap_of(my_cell(a)), steps[i].cap);
		must(a->reserved < a->high);
	}
	a->high = INT64_MAX;
	get_stock(a);
	come_again(a);
	for (size_t i = 0; i + 1 < ARRAY_SIZE(steps); i++) {
		a->low = 32 * MIB - steps[i].left;
		come_again(a);
		must_equal(cap_of(my_cell(a)), steps[i].cap);
		must(a->reserved - (int64_t)a->caps > a->low);
	}
	a->low = INT64_MIN;
	vacate(a, 32 * MIB);
	close_account(a);
}

/* ---- Idle holders ---- */

static void idle_holders_are_drained_after_a_while(void **state)
{
	enum { HOLDERS = 8, A_WHILE = 1024 + 64 * HOLDERS };
	struct account *a = open_with_peak(MIB);

	(void)state;
	hire_so_many(HOLDERS);
	for (int i = 0; i < HOLDERS; i++)
		get_stock_by(w[i], a);
	for (int i = 0; i < A_WHILE - 20; i++)
		come_again_by(w[0], a);
	assert_int_equal(came_to(DRAINING), 0);
	assert_int_equal(cap_of(cell_by(w[0], a)), 4 * KIB);
	for (int i = 0; i < 30; i++)
		come_again_by(w[0], a);
	assert_int_equal(came_to(DRAINING), 1);
	assert_int_equal(a->holders, 1);
	assert_int_equal(cap_of(cell_by(w[0], a)), 16 * KIB);
	/* One that comes back gets stock as before. */
	get_stock_by(w[1], a);
	come_again_by(w[1], a);
	assert_int_equal(cap_of(cell_by(w[1], a)), 8 * KIB);
	/* With two there is enough for both, whether idle or not. */
	for (int i = 0; i < 2 * A_WHILE; i++)
		come_again_by(w[1], a);
	assert_int_equal(came_to(DRAINING), 1);
	close_account(a);
}

static unsigned drains_in_children(int children, int rounds)
{
	struct account *root = open_account(NULL, NO_LIMIT);
	struct account **child = calloc((size_t)children, sizeof(*child));
	unsigned drains = came_to(DRAINING);

	for (int i = 0; i < children; i++)
		child[i] = open_account(root, NO_LIMIT);
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < children; i++)
			raise_peak_to(child[i], 5000);
	drains = came_to(DRAINING) - drains;
	assert_adds_up(root);
	for (int i = 0; i < children; i++)
		close_account(child[i]);
	close_account(root);
	free(child);
	return drains;
}

/* A thread that goes round is everywhere a holder, and nowhere idle for long. */
static void a_thread_in_many_children_drains_seldom(void **state)
{
	(void)state;
	assert_in_range(drains_in_children(2, 10000), 0, 1);
	assert_in_range(drains_in_children(10, 2000), 0, 20000 / 1000);
	assert_in_range(drains_in_children(100, 200), 0, 20000 / 1000);
	/* So many are not drained for that, however often it comes. */
	assert_int_equal(drains_in_children(300, 100), 0);
	assert_int_equal(drains_in_children(1000, 20), 0);
}

/* ---- Denied ---- */

static void idle_holders_near_a_limit_are_drained(void **state)
{
	struct account *a = open_account(NULL, 4 * MIB);

	(void)state;
	hire_so_many(3);
	raise_peak_to(a, 4 * MIB);
	get_stock_by(w[0], a);
	get_stock_by(w[1], a);
	assert_int_equal(a->caps, 24 * KIB);
	/* Less than what these have, and 4 KiB more, is a quarter. */
	occupy(a, 4 * MIB - 100 * KIB - 16 * KIB);
	for (int i = 0; i < 64; i++)
		come_again_by(w[2], a);
	assert_false(is_holder(cell_by(w[2], a)));
	assert_int_equal(came_to(DRAINING), 0);
	for (int i = 0; i < 4; i++)
		come_again_by(w[2], a);
	assert_int_equal(came_to(DRAINING), 1);
	assert_int_equal(a->holders, 0);
	/* So that there is something to begin with, for as many as there were. */
	assert_int_equal(a->resume, 2 * 32 * KIB);
	assert_adds_up(a);
	vacate(a, 4 * MIB - 116 * KIB);
	close_account(a);
}

/* Those that have no cap any more are in the way of atomic mode. */
static void holders_without_a_cap_are_drained_at_once(void **state)
{
	struct account *a = open_account(NULL, 4 * MIB);

	(void)state;
	hire_so_many(2);
	raise_peak_to(a, 4 * MIB);
	get_stock_by(w[0], a);
	get_stock_by(w[1], a);
	occupy(a, 4 * MIB - 15 * KIB);
	assert_int_equal(a->holders, 2);
	come_again_by(w[0], a);
	assert_int_equal(a->holders, 2);
	assert_int_equal(cap_of(cell_by(w[0], a)), 0);
	come_again_by(w[1], a);
	assert_int_equal(a->holders, 0);
	assert_int_equal(came_to(DRAINING), 1);
	assert_adds_up(a);
	vacate(a, 4 * MIB - 15 * KIB);
	close_account(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(caps_are_a_quarter_of_what_is_left),
		account_test(others_leave_less_of_that_quarter),
		account_test(no_stock_is_given_beyond_a_bound),
		account_test(where_stock_begins_there_is_room_for_a_while),
		account_test(stock_begins_there_and_goes_on_beyond),
		account_test(caps_keep_away_from_watermarks),
		account_test(idle_holders_are_drained_after_a_while),
		account_test(a_thread_in_many_children_drains_seldom),
		account_test(idle_holders_near_a_limit_are_drained),
		account_test(holders_without_a_cap_are_drained_at_once),
	};

	return stock_is_given() ? run_all("refill bounds", tests) : skip_all();
}
