/* SPDX-License-Identifier: MIT */
/*
 * Atomic mode: near a limit all operations change one word, within two bounds;
 * at them they take the lock. So do all that change anything else, and end it.
 */
#include "unit/accounts.h"

enum { LIMIT = MIB, BEGINS = 768 * KIB };

/* ---- The word ---- */

static void a_word_has_a_sum_and_a_number(void **state)
{
	static const int64_t sums[] = { 0, 1, -1, -100000, LIMIT, WORD_LIMIT };
	static const int64_t numbers[] = { 0, 1, WORD_MODES - 1 };

	(void)state;
	assert_false(is_atomic(NOT_ATOMIC));
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(numbers); j++) {
			int64_t word = sums[i] * WORD_MODES + numbers[j];

			assert_true(is_atomic(word));
			assert_int_equal(word_reserved(word), sums[i]);
			assert_true(is_same_mode(word, word));
			/* Another sum, or another number. */
			assert_true(is_same_mode(word, numbers[j]));
			assert_false(is_same_mode(word, word + 1));
			assert_false(is_same_mode(word, NOT_ATOMIC));
		}
	}
}

/* ---- Where it begins, and its bounds ---- */

static const int64_t NONE = INT64_MAX;

static const struct begin_case {
	int64_t limit, upper, high, low, reserved, quantum;
	bool begins, worth_a_try;
	int64_t min, max; /* if it begins */
} begin_cases[] = {
	/* Between where stock begins, and the limit. */
	{ LIMIT, LIMIT, NONE, INT64_MIN, 900 * KIB, 0, true, true, BEGINS,
	  LIMIT },
	{ LIMIT, LIMIT, NONE, INT64_MIN, LIMIT, 0, true, true, BEGINS, LIMIT },
	{ LIMIT, LIMIT, NONE, INT64_MIN, BEGINS + 1, 0, true, true, BEGINS,
	  LIMIT },
	{ LIMIT, LIMIT, NONE, INT64_MIN, BEGINS, 0, false, false, 0, 0 },
	{ LIMIT, LIMIT, NONE, INT64_MIN, 0, 0, false, false, 0, 0 },
	/* Above a limit that was lowered: not now. */
	{ LIMIT, 2 * LIMIT, NONE, INT64_MIN, LIMIT + 1, 0, false, true, 0, 0 },
	/* New peaks are for the lock. */
	{ LIMIT, 950 * KIB, NONE, INT64_MIN, 900 * KIB, 0, true, true, BEGINS,
	  950 * KIB },
	/* So are watermarks. */
	{ LIMIT, LIMIT, 960 * KIB, INT64_MIN, 900 * KIB, 0, true, true,
	  720 * KIB, 960 * KIB - 1 },
	{ NONE, LIMIT, 960 * KIB, INT64_MIN, 900 * KIB, 0, true, true,
	  720 * KIB, 960 * KIB - 1 },
	{ LIMIT, LIMIT, NONE, 890 * KIB, 900 * KIB, 0, true, true, 890 * KIB,
	  954 * KIB },
	{ NONE, LIMIT, NONE, 890 * KIB, 900 * KIB, 0, true, true, 890 * KIB,
	  954 * KIB },
	{ NONE, LIMIT, NONE, 890 * KIB, 955 * KIB, 0, false, false, 0, 0 },
	{ NONE, LIMIT, NONE, 900 * KIB, 900 * KIB, 0, false, false, 0, 0 },
	/* Without stock it is everywhere; as far as numbers go. */
	{ LIMIT, LIMIT, NONE, INT64_MIN, 5, 1, true, true, -WORD_LIMIT, LIMIT },
	{ LIMIT, LIMIT, NONE, 3, 5, 1, true, true, 3, LIMIT },
	{ NONE, (int64_t)1 << 50, NONE, INT64_MIN, (int64_t)1 << 40, 1, true,
	  true, -WORD_LIMIT, (int64_t)1 << 40 },
	{ NONE, (int64_t)1 << 50, NONE, INT64_MIN, ((int64_t)1 << 40) + 1, 1,
	  false, true, 0, 0 },
};

static void try_to_begin(const struct begin_case *c)
{
	struct account_options o = { .limit = c->limit, .quantum = c->quantum };
	struct account *a = open_account_with(&o);

	account_enter(a);
	a->upper = c->upper;
	a->high = c->high;
	a->low = c->low;
	a->reserved = c->reserved;
	porter__atomic_begin(a);
	must_equal(is_atomic(a->word), c->begins);
	must_equal(a->may_be_atomic, c->worth_a_try);
	if (c->begins) {
		must_equal(word_reserved(a->word), c->reserved);
		must_equal(a->word_min, c->min);
		must_equal(a->word_max, c->max);
	}
	account_leave(a);
	account_enter(a);
	must_equal(a->reserved, c->reserved);
	a->reserved = 0;
	a->low = INT64_MIN;
	account_leave(a);
	close_account(a);
}

static void its_bounds_are_the_next_that_something_happens_at(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(begin_cases); i++)
		if (begin_cases[i].quantum || stock_is_given())
			try_to_begin(&begin_cases[i]);
}

/* ---- Full accounts ---- */

static void hold_the_lock(struct account *a)
{
	porter__lock_order_take(&a->lock, RANK_HIERARCHY);
	assert_true(root_lock_try(&a->lock));
}

static void let_go_of_the_lock(struct account *a)
{
	root_unlock(a);
}

static void one_thread_alone_is_in_it_without_a_second(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);

	(void)state;
	for (int i = 0; i < 100; i++)
		raise_peak_to(a, 1000);
	assert_true(is_atomic(a->word));
	assert_int_equal(a->holders, 0);
	close_full(a);
}

/* While somebody holds the lock, whoever needs it would wait. */
static void within_its_bounds_nobody_needs_the_lock(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);
	int64_t reserved = a->reserved;

	(void)state;
	hire_so_many(2);
	hold_the_lock(a);
	assert_true(charge_by(w[0], a, 100 * KIB));
	uncharge_by(w[0], a, 50 * KIB);
	assert_true(charge_by(w[1], a, 74 * KIB));
	assert_int_equal(reserved_in(a), LIMIT);
	/* Refusals either, but for what would fit. */
	assert_false(charge_by(w[0], a, 1));
	uncharge_by(w[1], a, 124 * KIB);
	uncharge_by(w[0], a, 100 * KIB);
	assert_int_equal(reserved_in(a), 800 * KIB);
	assert_int_equal(a->reserved, reserved);
	let_go_of_the_lock(a);
	assert_true(is_atomic(a->word));
	close_full(a);
}

static void it_tells_the_limit_that_refused(void **state)
{
	struct account *a = open_full(LIMIT, 1000 * KIB);
	struct refused refused;

	(void)state;
	assert_false(charge_or_tell(a, 24 * KIB + 1, &refused));
	assert_ptr_equal(refused.level, a);
	assert_int_equal(refused.limit, LIMIT);
	assert_int_equal(refused.charged, 1000 * KIB);
	assert_int_equal(came_to(REFUSING_ATOMICALLY), 1);
	assert_int_equal(came_to(REFUSING), 0);
	assert_true(is_atomic(a->word));
	assert_true(charge(a, 24 * KIB));
	assert_false(charge(a, 1));
	assert_true(charge(a, 0));
	/* And begins again when the lock has refused. */
	assert_int_equal(porter__account_charged(a), LIMIT);
	assert_false(is_atomic(a->word));
	assert_false(charge(a, 1));
	assert_int_equal(came_to(REFUSING), 1);
	assert_true(is_atomic(a->word));
	close_full(a);
}

static void a_new_peak_is_granted_and_known(void **state)
{
	struct account *a = open_account(NULL, LIMIT);

	(void)state;
	raise_peak_to(a, 900 * KIB);
	assert_true(charge(a, 850 * KIB - 1));
	assert_true(charge(a, 1));
	assert_true(is_atomic(a->word));
	assert_int_equal(a->word_max, 900 * KIB);
	assert_true(charge(a, 100 * KIB));
	assert_int_equal(peak_read(&a->peak).lower, 950 * KIB);
	assert_int_equal(peak_read(&a->peak).upper, 950 * KIB);
	assert_true(is_atomic(a->word));
	close_full(a);
}

static void far_enough_below_stock_begins_again(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);

	(void)state;
	needs_stock();
	uncharge(a, 900 * KIB - BEGINS - 1);
	assert_true(is_atomic(a->word));
	uncharge(a, 1);
	assert_false(is_atomic(a->word));
	assert_true(is_holder(my_cell(a)));
	assert_true(own_stock(my_cell(a)) > 0);
	/* From then on nobody tries it in vain. */
	assert_false(a->may_be_atomic);
	close_full(a);
}

/* More than fits into one change of the word. */
static void large_requests_take_the_lock(void **state)
{
	struct account *a = open_full(4 * GIB, 4 * GIB - 10 * MIB);
	int64_t before = a->word;

	(void)state;
	word_add_release(&my_cell(a)->word[FREED], 300 * MIB);
	assert_int_equal(uncharge_atomically(a, my_cell(a)), NEEDS_LOCK);
	assert_int_equal(a->word, before);
	come_again(a);
	assert_adds_up(a);
	assert_true(charge(a, 310 * MIB));
	assert_adds_up(a);
	assert_int_equal(reserved_in(a), 4 * GIB);
	assert_false(charge(a, 1));
	close_full(a);
}

/* Near the end of a drain, which has yet to settle the cell. */
static void a_cell_in_a_list_is_left_to_the_lock(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);
	struct cell *cell = my_cell(a);
	int64_t word = a->word;
	struct atomic_refusal why;

	(void)state;
	cell->link = LINK_LAST;
	assert_int_equal(charge_atomically(a, cell, 1, &why), NEEDS_LOCK);
	assert_int_equal(uncharge_atomically(a, cell), NEEDS_LOCK);
	cell->link = LINK_NONE;
	assert_int_equal(a->word, word);
	close_full(a);
}

/* They have what a limit has to take back before it refuses. */
static void others_with_stock_keep_it_from_beginning(void **state)
{
	struct account *a = open_account(NULL, LIMIT);

	(void)state;
	needs_stock();
	hire_so_many(1);
	raise_peak_to(a, LIMIT);
	get_stock_by(w[0], a);
	/* Not even where these and 4 KiB more are above a quarter. */
	assert_true(charge(a, 950 * KIB));
	for (int i = 0; i < 10; i++)
		raise_peak_to(a, 30 * KIB);
	assert_int_equal(a->holders, 1);
	assert_false(is_holder(my_cell(a)));
	assert_false(is_atomic(a->word));
	drain(a);
	raise_peak_to(a, 30 * KIB);
	assert_true(is_atomic(a->word));
	close_full(a);
}

/* One that has subtracted, and is on its way to the lock. */
static void below_its_bounds_all_need_the_lock(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);
	struct operation o = { .what = CHARGE, .a = a, .size = 1 };

	(void)state;
	needs_stock();
	hire_so_many(1);
	word_add_release(&my_cell(a)->word[FREED], 200 * KIB);
	assert_int_equal(uncharge_atomically(a, my_cell(a)), NEEDS_LOCK);
	assert_true(is_atomic(a->word));
	assert_int_equal(word_reserved(a->word), 700 * KIB);
	hold_the_lock(a);
	begin(w[0], &o);
	give_time();
	assert_false(is_done(w[0]));
	let_go_of_the_lock(a);
	wait_for(w[0]);
	assert_false(is_atomic(a->word));
	close_full(a);
}

/* ---- What ends it ---- */

static void whatever_takes_the_lock_ends_it(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);

	(void)state;
	assert_int_equal(porter__account_charged(a), 900 * KIB);
	assert_int_equal(a->word, NOT_ATOMIC);
	assert_adds_up(a);
	raise_peak_to(a, 1000);
	assert_true(is_atomic(a->word));
	porter__account_set_limit(a, LIMIT - 1);
	assert_int_equal(a->word, NOT_ATOMIC);
	raise_peak_to(a, 1000);
	assert_true(is_atomic(a->word));
	porter__peak_reset(a);
	assert_int_equal(a->word, NOT_ATOMIC);
	assert_int_equal(peak_read(&a->peak).lower, 900 * KIB);
	close_full(a);
}

static void each_has_another_number(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);

	(void)state;
	a->modes = WORD_MODES - 3; /* They wrap around on the way. */
	for (int i = 0; i < 6; i++) {
		int64_t before;

		raise_peak_to(a, 1000);
		before = a->word;
		assert_true(is_atomic(before));
		assert_int_equal(porter__account_charged(a), 900 * KIB);
		raise_peak_to(a, 1000);
		assert_true(is_atomic(a->word));
		assert_false(is_same_mode(a->word, before));
		assert_int_equal(word_reserved(a->word), 900 * KIB);
	}
	close_full(a);
}

static void it_is_for_accounts_without_relatives(void **state)
{
	struct account *root = open_full(LIMIT, 900 * KIB), *child;

	(void)state;
	child = open_account(root, LIMIT);
	/* What a child does it does with the lock, so that ends it. */
	assert_true(charge(child, 100 * KIB));
	assert_false(is_atomic(root->word));
	assert_int_equal(root->reserved, 1000 * KIB);
	for (int i = 0; i < 10; i++) {
		raise_peak_to(child, 1000);
		raise_peak_to(root, 1000);
	}
	assert_false(is_atomic(root->word));
	assert_false(is_atomic(child->word));
	assert_false(charge(child, 24 * KIB + 1));
	assert_true(charge(root, 24 * KIB));
	assert_false(charge(child, 1));
	assert_adds_up(root);
	uncharge(child, 100 * KIB);
	close_account(child);
	close_full(root);
}

static struct account *looked_at;
static int64_t seen;

static void look(void)
{
	seen = porter__account_sum(looked_at);
}

/*
 * Whoever takes the lock has taken the number out and not put it down yet. What
 * stands there is from before that mode, when less was in use.
 */
static void who_reads_while_it_ends_reads_no_less(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);

	(void)state;
	assert_int_equal(porter__account_charged(a), 900 * KIB);
	raise_peak_to(a, 1000);
	assert_true(charge(a, 100 * KIB));
	assert_true(is_atomic(a->word));
	assert_true(a->reserved < 1000 * KIB);
	looked_at = a;
	look(); /* A first read takes locks, which the next must not. */
	assert_int_equal(seen, 1000 * KIB);
	call_at(ATOMIC_MODE_ENDS, look);
	seen = 0;
	porter__account_set_limit(a, 2 * LIMIT);
	assert_int_equal(seen, 1000 * KIB);
	close_full(a);
}

/* ---- Watermarks ---- */

static int64_t crossed_at;
static unsigned delivered;

static bool cross(struct account *a)
{
	crossed_at = a->reserved;
	a->high = INT64_MAX;
	a->low = INT64_MIN;
	return true;
}

static void deliver(void)
{
	delivered++;
}

static const struct watermark_user user = { .crossed = cross,
					    .deliver = deliver };

static void set_watermarks(struct account *a, int64_t high, int64_t low)
{
	account_enter(a);
	a->user = &user;
	a->high = high;
	a->low = low;
	account_leave(a);
	delivered = 0;
	raise_peak_to(a, 1);
	must(is_atomic(a->word));
}

static void watermarks_are_crossed_to_the_byte(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);

	(void)state;
	set_watermarks(a, 1000 * KIB, 850 * KIB);
	assert_true(charge(a, 100 * KIB - 1));
	assert_int_equal(delivered, 0);
	assert_true(charge(a, 1));
	assert_int_equal(delivered, 1);
	assert_int_equal(crossed_at, 1000 * KIB);
	set_watermarks(a, INT64_MAX, 950 * KIB);
	uncharge(a, 50 * KIB - 1);
	assert_int_equal(delivered, 0);
	uncharge(a, 1);
	assert_int_equal(delivered, 1);
	assert_int_equal(crossed_at, 950 * KIB);
	close_full(a);
}

/* ---- Without barriers ---- */

static void work_everywhere(void *unused)
{
	struct account *a = open_account(NULL, NO_LIMIT);
	struct account *child;

	(void)unused;
	for (uint64_t size = 1; size <= 1000 * MIB; size *= 10) {
		raise_peak_to(a, size);
		raise_peak_to(a, size);
		must(size > WORD_MAX_CHANGE || a->operations < 3 ||
		     is_atomic(a->word));
		assert_adds_up(a);
		must_equal(peak_read(&a->peak).lower, size);
		must_equal(peak_read(&a->peak).upper, size);
	}
	porter__account_set_limit(a, 10000);
	must(charge(a, 10000));
	must(!charge(a, 1));
	uncharge(a, 10000);
	child = open_account(a, NO_LIMIT);
	must(charge(child, 9000));
	must(!charge(a, 1001));
	must(charge(a, 1000));
	uncharge(child, 9000);
	assert_adds_up(a);
	must_equal(a->max_holders, 0);
	uncharge(a, 1000);
	close_account(child);
	close_account(a);
}

static void without_barriers_it_is_everywhere(void **state)
{
	(void)state;
	assert_true(without_barriers(work_everywhere, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(a_word_has_a_sum_and_a_number),
		account_test(its_bounds_are_the_next_that_something_happens_at),
		account_test(one_thread_alone_is_in_it_without_a_second),
		account_test(within_its_bounds_nobody_needs_the_lock),
		account_test(it_tells_the_limit_that_refused),
		account_test(a_new_peak_is_granted_and_known),
		account_test(far_enough_below_stock_begins_again),
		account_test(large_requests_take_the_lock),
		account_test(a_cell_in_a_list_is_left_to_the_lock),
		account_test(below_its_bounds_all_need_the_lock),
		account_test(others_with_stock_keep_it_from_beginning),
		account_test(whatever_takes_the_lock_ends_it),
		account_test(each_has_another_number),
		account_test(it_is_for_accounts_without_relatives),
		account_test(who_reads_while_it_ends_reads_no_less),
		account_test(watermarks_are_crossed_to_the_byte),
		account_test(without_barriers_it_is_everywhere),
	};

	return run_all("atomic mode", tests);
}
