/* SPDX-License-Identifier: MIT */
/*
 * How much stock a cell gets: by its number of holders, its peak, what is left
 * to limits and watermarks, and what the program wants.
 */
#include "unit/accounts.h"

static struct account *open_with_quantum(int64_t quantum)
{
	struct account_options o = { .limit = NO_LIMIT, .quantum = quantum };

	return open_account_with(&o);
}

/* ---- By the number of holders, and the peak ---- */

static void a_cap_is_a_part_of_what_the_peak_allows(void **state)
{
	static const struct {
		int64_t peak;
		int holders;
		uint32_t cap;
	} cases[] = {
		{ 100 * KIB, 1, 16 * KIB },	 { 16 * MIB, 1, 16 * KIB },
		{ 16 * MIB, 2, 8 * KIB },	 { 16 * MIB, 3, 64 * KIB / 12 },
		{ 16 * MIB, 4, 4 * KIB },	 { 16 * MIB, 5, 4 * KIB },
		{ 16 * MIB, 20, 4 * KIB },	 { 32 * MIB, 1, 32 * KIB },
		{ 32 * MIB, 2, 16 * KIB },	 { 512 * MIB, 1, 256 * KIB },
		{ 1024 * MIB, 1, 256 * KIB },	 { 1024 * MIB, 4, 256 * KIB },
		{ 1024 * MIB, 5, 4 * MIB / 20 }, { 1024 * MIB, 16, 64 * KIB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct account *a = open_with_peak(cases[i].peak);

		hire_so_many(cases[i].holders);
		for (int j = 0; j < cases[i].holders; j++)
			get_stock_by(w[j], a);
		/* Those that came first come down. */
		for (int j = 0; j < cases[i].holders; j++)
			come_again_by(w[j], a);
		for (int j = 0; j < cases[i].holders; j++)
			must_equal(cap_of(cell_by(w[j], a)), cases[i].cap);
		assert_adds_up(a);
		close_account(a);
	}
}

static void half_the_cap_is_given_for_allocations(void **state)
{
	struct account *a = open_with_peak(MIB);
	struct cell *cell = my_cell(a);

	(void)state;
	come_again(a);
	come_again(a);
	assert_int_equal(cap_of(cell), 16 * KIB);
	assert_int_equal(own_stock(cell), 8 * KIB);
	/* And the other half is for frees. */
	assert_true(charge(a, 100 * KIB));
	uncharge(a, 7 * KIB);
	assert_int_equal(own_stock(cell), 15 * KIB);
	uncharge(a, 2 * KIB);
	assert_int_equal(own_stock(cell), 8 * KIB);
	uncharge(a, 91 * KIB);
	assert_adds_up(a);
	close_account(a);
}

/*
 * At most 64 KiB here, or 4 KiB each; also for a moment, and whoever is idle. All
 * that come next to last have 4 KiB; so those that were first have to give.
 */
static void all_caps_together_stay_within_bounds(void **state)
{
	struct account *a = open_with_peak(MIB);
	struct porter_interval peak;

	(void)state;
	hire_so_many(MAX_WORKERS);
	for (int i = 0; i < MAX_WORKERS; i++) {
		get_stock_by(w[i], a);
		assert_adds_up(a);
		assert_true(a->caps <= 64 * KIB ||
			    a->caps <= a->holders * (uint64_t)(4 * KIB));
	}
	assert_int_equal(came_to(DRAINING), 1);
	for (int i = 0; i < MAX_WORKERS; i++)
		get_stock_by(w[i], a);
	/* They have settled down. */
	assert_int_equal(a->holders, MAX_WORKERS);
	assert_int_equal(a->caps, MAX_WORKERS * 4 * KIB);
	assert_int_equal(came_to(DRAINING), 1);
	assert_true(charge_by(w[0], a, 2 * MIB));
	peak = peak_read(&a->peak);
	assert_true(peak.lower <= 2 * MIB && 2 * MIB <= peak.upper);
	assert_true(peak.upper - peak.lower <= MAX_WORKERS * 4 * KIB);
	uncharge(a, 2 * MIB);
	close_account(a);
}

/* Of a large peak more is left; and still 4 KiB for those that come last. */
static void many_large_caps_leave_small_ones(void **state)
{
	struct account *a = open_with_peak(1024 * MIB);

	(void)state;
	hire_so_many(MAX_WORKERS);
	for (int i = 0; i < MAX_WORKERS; i++)
		get_stock_by(w[i], a);
	assert_int_equal(a->holders, MAX_WORKERS);
	assert_in_range(a->caps, MIB, 2 * MIB + MAX_WORKERS * 4 * KIB);
	assert_int_equal(cap_of(cell_by(w[MAX_WORKERS - 1], a)), 4 * KIB);
	assert_int_equal(came_to(DRAINING), 0);
	close_account(a);
}

/* They may come back; or others may, where each is another child. */
static void holders_of_before_count_until_a_drain(void **state)
{
	struct account *root = open_with_peak(MIB);
	struct account *one = open_account(root, NO_LIMIT);
	struct account *two = open_account(root, NO_LIMIT);

	(void)state;
	hire_so_many(4);
	raise_peak_to(two, MIB);
	for (int i = 0; i < 4; i++)
		get_stock_by(w[i], one);
	drain(one);
	get_stock_by(w[0], two);
	come_again_by(w[0], two);
	assert_int_equal(root->holders, 1);
	assert_int_equal(cap_of(cell_by(w[0], two)), 8 * KIB);
	drain(root);
	get_stock_by(w[0], two);
	come_again_by(w[0], two);
	assert_int_equal(cap_of(cell_by(w[0], two)), 16 * KIB);
	close_account(one);
	close_account(two);
	close_account(root);
}

static void a_first_cap_in_a_hierarchy_is_small(void **state)
{
	struct account *root = open_with_peak(MIB);
	struct account *child = open_account(root, NO_LIMIT);
	struct cell *cell = my_cell(child), *cell_of_root = my_cell(root);

	(void)state;
	raise_peak_to(child, MIB);
	come_again(child);
	come_again(child);
	assert_int_equal(cap_of(cell), 4 * KIB);
	assert_int_equal(own_stock(cell), 2 * KIB);
	come_again(child);
	assert_int_equal(cap_of(cell), 16 * KIB);
	/* Also in the root, once it has a child. */
	come_again(root);
	come_again(root);
	assert_int_equal(cap_of(cell_of_root), 4 * KIB);
	come_again(root);
	assert_int_equal(cap_of(cell_of_root), 8 * KIB);
	assert_adds_up(root);
	close_account(child);
	close_account(root);
}

/* ---- What the program wants ---- */

static void a_quantum_is_how_much_stock_is_given(void **state)
{
	static const struct {
		int64_t quantum, peak;
		uint32_t cap;
	} cases[] = {
		{ 1, MIB, 0 },
		{ 511, MIB, 0 },
		{ 512, MIB, 1024 },
		{ 1000, MIB, 2000 },
		{ 4 * KIB, MIB, 8 * KIB },
		{ 8 * KIB, MIB, 16 * KIB },
		/* More than is good for the peak. */
		{ 20 * KIB, MIB, 16 * KIB },
		{ INT64_MAX, MIB, 16 * KIB },
		{ INT64_MAX, (int64_t)1 << 40, 256 * KIB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct account *a = open_with_quantum(cases[i].quantum);

		raise_peak_to(a, (uint64_t)cases[i].peak);
		get_stock(a);
		come_again(a);
		must_equal(cap_of(my_cell(a)), cases[i].cap);
		must_equal(own_stock(my_cell(a)), cases[i].cap / 2);
		must_equal(is_holder(my_cell(a)), cases[i].cap > 0);
		assert_adds_up(a);
		close_account(a);
	}
}

static void first_operations_get_no_stock(void **state)
{
	struct account *a = open_account(NULL, NO_LIMIT);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(charge(a, 1000));
		assert_int_equal(a->reserved, (i + 1) * 1000);
		assert_int_equal(a->holders, 0);
	}
	assert_true(charge(a, 1000));
	assert_int_equal(a->holders, 1);
	uncharge(a, 4000);
	close_account(a);
}

/* Made, used once, ended: neither stock nor barrier. */
static void short_lives_cost_no_drain(void **state)
{
	struct account *root = open_account(NULL, 64 * MIB);
	unsigned before = barriers();

	(void)state;
	hire_so_many(1);
	for (int i = 0; i < 1000; i++) {
		struct account *a = open_account(root, NO_LIMIT);

		must(charge(a, 1000));
		uncharge_by(w[0], a, 1000);
		close_account(a);
	}
	assert_int_equal(came_to(DRAINING), 0);
	assert_int_equal(barriers(), before);
	assert_int_equal(root->reserved, 0);
	close_account(root);
}

/* ---- Where one thread works ---- */

static void change(struct account *a, bool asks, int64_t by)
{
	if (by < 0)
		uncharge(a, (uint64_t)-by);
	else if (asks)
		must(charge(a, (uint64_t)by));
	else
		count(a, (uint64_t)by);
}

static void one_thread_knows_its_peak(bool asks)
{
	struct account *a = open_account(NULL, NO_LIMIT);
	uint64_t random = random_seed();
	int64_t used = 0, peak = 0;

	for (size_t i = 0; i < scaled(100000); i++) {
		static const size_t below[] = { 100, 3000, 100000 };
		size_t size = random_below(&random, below[i % 3]);
		int64_t by = (int64_t)size;

		/* Up to new peaks, now and then, and down again. */
		if (random_below(&random, 100) >= (i % 5000 < 2500 ? 60 : 40))
			by = by > used ? -used : -by;
		change(a, asks, by);
		used += by;
		if (used > peak)
			peak = used;
		must_equal(peak_read(&a->peak).lower, peak);
		must_equal(peak_read(&a->peak).upper, peak);
		if (i % 20000 == 0) {
			porter__peak_reset(a);
			peak = used;
		}
	}
	assert_true(came_to(DRAINING) <= 10); /* of the resets */
	assert_adds_up(a);
	uncharge(a, (uint64_t)used);
	close_account(a);
}

static void where_one_thread_works_its_peak_is_exact(void **state)
{
	(void)state;
	one_thread_knows_its_peak(true);
}

static void so_it_is_where_nothing_bounds(void **state)
{
	(void)state;
	one_thread_knows_its_peak(false);
}

static void whoever_is_alone_gets_no_stock_above_the_peak(void **state)
{
	struct account *a = open_with_peak(MIB);
	struct cell *cell = my_cell(a);

	(void)state;
	assert_true(charge(a, MIB - 3000));
	come_again(a);
	come_again(a);
	assert_int_equal(cap_of(cell), 16 * KIB);
	assert_int_equal(own_stock(cell), 3000);
	assert_int_equal(peak_read(&a->peak).upper, MIB);
	/* Another one is not alone: it may lift the peak's upper bound. */
	hire_so_many(1);
	get_stock_by(w[0], a);
	come_again_by(w[0], a);
	assert_int_equal(own_stock(cell_by(w[0], a)), 4 * KIB);
	assert_true(peak_read(&a->peak).upper > MIB);
	assert_int_equal(peak_read(&a->peak).lower, MIB);
	/* And again. */
	assert_true(charge_by(w[0], a, 100 * KIB));
	assert_int_equal(own_stock(cell_by(w[0], a)), 4 * KIB);
	assert_adds_up(a);
	uncharge(a, MIB - 3000);
	uncharge(a, 100 * KIB);
	close_account(a);
}

/* ---- Without barriers ---- */

static void get_none(void *unused)
{
	struct account *a, *child;

	(void)unused;
	a = open_with_peak(MIB);
	child = open_account(a, NO_LIMIT);
	get_stock(a);
	get_stock(child);
	must_equal(a->holders, 0);
	must_equal(a->max_holders, 0);
	assert_adds_up(a);
	close_account(child);
	close_account(a);
}

static void without_barriers_there_is_no_stock(void **state)
{
	(void)state;
	assert_true(without_barriers(get_none, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(without_barriers_there_is_no_stock),
		account_test(a_cap_is_a_part_of_what_the_peak_allows),
		account_test(half_the_cap_is_given_for_allocations),
		account_test(all_caps_together_stay_within_bounds),
		account_test(many_large_caps_leave_small_ones),
		account_test(holders_of_before_count_until_a_drain),
		account_test(a_first_cap_in_a_hierarchy_is_small),
		account_test(a_quantum_is_how_much_stock_is_given),
		account_test(first_operations_get_no_stock),
		account_test(short_lives_cost_no_drain),
		account_test(where_one_thread_works_its_peak_is_exact),
		account_test(so_it_is_where_nothing_bounds),
		account_test(whoever_is_alone_gets_no_stock_above_the_peak),
	};

	/* Without barriers there is only the first. */
	return run_group("refill", tests,
			 stock_is_given() ? ARRAY_SIZE(tests) : 1);
}
