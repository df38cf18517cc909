/* SPDX-License-Identifier: MIT */
/*
 * Stock: what a cell may use without asking. The cells here are in no slot, and
 * belong to no account.
 */
#include "support.h"

#include "3-account/stock.h"
#include "unit/steps.h"

#include <pthread.h>
#include <stdatomic.h>

static const uint64_t FAR = ((uint64_t)1 << 61) - 1;

/* So much used, so much stock. */
static struct cell cell_with(uint64_t used, uint64_t stock, uint32_t cap)
{
	return (struct cell){
		.word = { [ALLOCATED] = used, [QUOTA] = used + stock },
		.cap = cap,
		.link = LINK_LAST,
	};
}

static void a_zeroed_cell_is_no_holder_and_has_no_stock(void **state)
{
	struct cell cell = { 0 };

	(void)state;
	assert_int_equal(cell.link, LINK_NONE);
	assert_int_equal(own_stock(&cell), 0);
	/* Nor does anything pass that a drain has settled meanwhile. */
	assert_true(is_out_of_stock(&cell));
	assert_true(has_too_much_stock(&cell));
	assert_false(charge_from_stock(&cell, 1));
	assert_true(charge_from_stock(&cell, 0));
	/* Whatever it counts, its thread comes to the account. */
	cell.word[ALLOCATED] = 1;
	assert_true(is_out_of_stock(&cell));
	cell = (struct cell){ .word = { [FREED] = 1 } };
	assert_true(has_too_much_stock(&cell));
}

static void a_charge_takes_what_is_there_and_not_more(void **state)
{
	static const struct {
		uint64_t stock, size;
		bool granted;
	} cases[] = {
		{ 0, 0, true },		 { 0, 1, false },
		{ 100, 99, true },	 { 100, 100, true },
		{ 100, 101, false },	 { 4096, 4097, false },
		{ FAR, FAR, true },	 { FAR, FAR + 1, false },
		{ 1, INT64_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cell cell = cell_with(5, cases[i].stock, 0);

		assert_int_equal(charge_from_stock(&cell, cases[i].size),
				 cases[i].granted);
		assert_int_equal(cell.attempt, 0);
		assert_int_equal(cell.word[QUOTA], 5 + cases[i].stock);
		assert_true(cell.word[ALLOCATED] ==
			    5 + (cases[i].granted ? cases[i].size : 0));
	}
}

static void a_cell_keeps_its_cap_and_not_more(void **state)
{
	struct cell cell = cell_with(1000, 0, 300);

	(void)state;
	cell.word[FREED] = 299;
	assert_false(has_too_much_stock(&cell));
	cell.word[FREED] = 300;
	assert_true(has_too_much_stock(&cell));
	/* Without a cap nothing stays. */
	cell = cell_with(1000, 0, 0);
	cell.word[FREED] = 1;
	assert_true(has_too_much_stock(&cell));
}

/* Both as far from 0 as stock.h allows, and one more step from there. */
static void sums_wrap_around_and_mean_the_same(void **state)
{
	static const uint64_t used[] = { 0, FAR, -FAR, -(uint64_t)990 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(used); i++) {
		struct cell cell = cell_with(used[i], 100, 200);

		assert_int_equal(own_stock(&cell), 100);
		assert_true(charge_from_stock(&cell, 60));
		assert_false(charge_from_stock(&cell, 41));
		assert_true(charge_from_stock(&cell, 40));
		assert_int_equal(own_stock(&cell), 0);
		assert_true(charged_by(&cell) == used[i] + 100);
		cell.word[FREED] += 199;
		assert_false(has_too_much_stock(&cell));
		cell.word[FREED] += 1;
		assert_true(has_too_much_stock(&cell));
		cell.word[ALLOCATED] += 200;
		assert_true(is_out_of_stock(&cell));
		cell.word[FREED] += 1;
		assert_false(is_out_of_stock(&cell));
	}
}

/* A marked quota sends everybody to the account: see drain.h. */
static void a_mark_leaves_no_stock_and_keeps_none(void **state)
{
	static const uint64_t used[] = { 0, 1000, FAR, -FAR };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(used); i++) {
		struct cell cell = cell_with(used[i], 4096, 0);

		cell.word[QUOTA] -= QUOTA_MARK;
		assert_false(charge_from_stock(&cell, 1));
		assert_false(charge_from_stock(&cell, 0));
		assert_true(is_out_of_stock(&cell));
		assert_true(has_too_much_stock(&cell));
		/* The largest cap there is keeps no more. */
		cell.cap = UINT32_MAX;
		assert_true(has_too_much_stock(&cell));
		cell.word[QUOTA] += QUOTA_MARK;
		assert_int_equal(own_stock(&cell), 4096);
	}
}

/* ---- Attempts ---- */

static void charge_100(void *cell)
{
	charge_from_stock(cell, 100);
}

/*
 * The thread stops before each of its instructions, in turn. Then the quota is
 * taken away, as by a drain: either an attempt is announced, which may yet
 * count; or what is counted is there, and no more will be.
 */
static void stop_after(struct cell *cell, size_t steps, bool *ended)
{
	pid_t child;
	bool attempts;
	uint64_t counted;

	*cell = cell_with(0, 150, 0);
	child = start_stepping(charge_100, cell);
	if (child < 0)
		skip_because("no process can be stepped through");
	for (; steps > 0 && !*ended; steps--)
		*ended = !step(child);
	attempts = load_relaxed(&cell->attempt);
	counted = word_load(&cell->word[ALLOCATED]);
	store_relaxed(&cell->word[QUOTA], 150 - QUOTA_MARK);
	if (!*ended)
		run_on(child);
	assert_int_equal(load_relaxed(&cell->attempt), 0);
	if (!attempts)
		assert_int_equal(word_load(&cell->word[ALLOCATED]), counted);
}

static void an_attempt_is_announced_from_the_look_to_the_count(void **state)
{
	struct cell *cell = shared_memory(sizeof(*cell));
	bool ended = false;
	size_t steps = 0;

	(void)state;
	if (WITH_TSAN || WITH_ASAN)
		skip_because("there are too many instructions to stop after");
	while (!ended)
		stop_after(cell, steps++, &ended);
	assert_int_equal(cell->word[ALLOCATED], 100);
	munmap(cell, sizeof(*cell));
}

static struct cell *at_work;
static bool came;

static void look(enum test_point point)
{
	must(point == ATTEMPTING);
	must(at_work->attempt == 1);
	must(at_work->word[ALLOCATED] == 0);
	came = true;
}

static void only_an_attempt_that_will_count_is_made(void **state)
{
	struct cell cell = cell_with(0, 100, 0);

	(void)state;
	at_work = &cell;
	porter__test_point = look;
	assert_false(charge_from_stock(&cell, 101));
	assert_false(came);
	assert_true(charge_from_stock(&cell, 100));
	porter__test_point = NULL;
	assert_true(came);
}

/* ---- What others see ---- */

static atomic_bool stop;

static void *use_and_free(void *shared)
{
	struct cell *cell = shared;

	while (!atomic_load(&stop)) {
		word_add(&cell->word[ALLOCATED], 1000);
		word_add_release(&cell->word[FREED], 1000);
	}
	return NULL;
}

/* Not even when a thread allocates and frees between the two looks. */
static void what_is_charged_is_never_seen_too_low(void **state)
{
	struct cell cell = { 0 };
	pthread_t thread;
	size_t looks = scaled(300000);

	(void)state;
	must(pthread_create(&thread, NULL, use_and_free, &cell) == 0);
	while (word_load(&cell.word[FREED]) == 0)
		;
	while (looks-- > 0)
		must((int64_t)charged_by(&cell) >= 0);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(charged_by(&cell), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zeroed_cell_is_no_holder_and_has_no_stock),
		cmocka_unit_test(a_charge_takes_what_is_there_and_not_more),
		cmocka_unit_test(a_cell_keeps_its_cap_and_not_more),
		cmocka_unit_test(sums_wrap_around_and_mean_the_same),
		cmocka_unit_test(a_mark_leaves_no_stock_and_keeps_none),
		cmocka_unit_test(
			an_attempt_is_announced_from_the_look_to_the_count),
		cmocka_unit_test(only_an_attempt_that_will_count_is_made),
		cmocka_unit_test(what_is_charged_is_never_seen_too_low),
	};

	return run_all("stock", tests);
}
