/* SPDX-License-Identifier: MIT */
/*
 * The counter: what its words are worth, wherever they were counted.
 */
#include "support.h"

#include "2-counter/counter.h"

#include <pthread.h>

static void it_starts_at_zero_and_counts_both_ways(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	assert_int_equal(porter_counter_sum(c), 0);
	porter_counter_add(c, 10);
	porter_counter_sub(c, 4);
	assert_int_equal(porter_counter_sum(c), 6);
	porter_counter_sub(c, 10);
	assert_int_equal(porter_counter_sum(c), -4);
	porter_counter_add(c, 0);
	porter_counter_sub(c, 0);
	assert_int_equal(porter_counter_sum(c), -4);
	porter_counter_destroy(c);
}

static void numbers_beyond_32_bits_are_kept(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	porter_counter_add(c, (uint64_t)1 << 40);
	porter_counter_add(c, 0xffffffff);
	porter_counter_add(c, 0x80000000);
	assert_int_equal(porter_counter_sum(c),
			 ((int64_t)1 << 40) + 0x17fffffff);
	porter_counter_sub(c, (uint64_t)1 << 40);
	assert_int_equal(porter_counter_sum(c), 0x17fffffff);
	porter_counter_destroy(c);
}

static void words_that_wrap_still_differ_rightly(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	porter_counter_add(c, UINT64_MAX - 5);
	porter_counter_sub(c, UINT64_MAX - 5);
	porter_counter_add(c, 100);
	porter_counter_sub(c, 50);
	assert_int_equal(porter_counter_sum(c), 50);
	porter_counter_destroy(c);
}

static void counters_do_not_disturb_each_other(void **state)
{
	porter_counter *c[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		assert_non_null(c[i] = porter_counter_new());
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		porter_counter_add(c[i], i + 1);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		assert_int_equal(porter_counter_sum(c[i]), i + 1);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		porter_counter_destroy(c[i]);
}

/* More than the direct blocks hold: 32 blocks of 64. */
enum { MANY = 10000 };

static void add_own_number(void *arg, size_t number)
{
	porter_counter **c = arg;

	(void)number;
	for (size_t i = 0; i < MANY; i++) {
		porter_counter_add(c[i], 2 * i);
		porter_counter_sub(c[i], i);
	}
}

static void ten_thousand_counters_keep_apart_in_all_threads(void **state)
{
	porter_counter **c = calloc(MANY, sizeof(porter_counter *));

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		assert_non_null(c[i] = porter_counter_new());
	assert_true(in_threads(4, add_own_number, c));
	for (size_t i = 0; i < MANY; i++)
		if (porter_counter_sum(c[i]) != (int64_t)(4 * i))
			fail_msg("counter %zu", i);
	for (size_t i = 0; i < MANY; i++)
		porter_counter_destroy(c[i]);
	/* And again from 0, in cells that hold something. */
	for (size_t i = 0; i < MANY; i++)
		assert_non_null(c[i] = porter_counter_new());
	for (size_t i = 0; i < MANY; i++)
		if (porter_counter_sum(c[i]) != 0)
			fail_msg("new counter %zu", i);
	for (size_t i = 0; i < MANY; i++)
		porter_counter_destroy(c[i]);
	free(c);
}

static void destroying_nothing_does_nothing(void **state)
{
	(void)state;
	porter_counter_destroy(NULL);
}

static void the_shared_cell_counts_as_any_other(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	porter_counter_add(c, 100);
	shared_add(&c->id->shared.word[ALLOCATED], 30);
	shared_add(&c->id->shared.word[FREED], 7);
	assert_int_equal(porter_counter_sum(c), 123);
	porter_counter_destroy(c);
}

/* ---- Where memory is given back before it is counted by its taker ---- */

struct relay {
	porter_counter *counter;
	size_t rounds;
	bool done;
	int64_t min;
};

static void add_and_sub(void *arg, size_t number)
{
	struct relay *relay = arg;

	if (number == 0) {
		int64_t min = INT64_MAX;

		while (!__atomic_load_n(&relay->done, __ATOMIC_ACQUIRE)) {
			int64_t sum = porter_counter_sum(relay->counter);

			min = sum < min ? sum : min;
		}
		relay->min = min;
		return;
	}
	for (size_t i = 0; i < relay->rounds; i++) {
		porter_counter_add(relay->counter, 3);
		porter_counter_sub(relay->counter, 3);
	}
	__atomic_store_n(&relay->done, true, __ATOMIC_RELEASE);
}

static void a_sum_is_never_below_what_is_held_all_along(void **state)
{
	struct relay relay = {
		.counter = porter_counter_new(),
		.rounds = scaled(3000000),
	};

	(void)state;
	porter_counter_add(relay.counter, 1000);
	assert_true(in_threads(2, add_and_sub, &relay));
	assert_true(relay.min >= 1000);
	assert_int_equal(porter_counter_sum(relay.counter), 1000);
	porter_counter_destroy(relay.counter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_starts_at_zero_and_counts_both_ways),
		cmocka_unit_test(numbers_beyond_32_bits_are_kept),
		cmocka_unit_test(words_that_wrap_still_differ_rightly),
		cmocka_unit_test(counters_do_not_disturb_each_other),
		cmocka_unit_test(
			ten_thousand_counters_keep_apart_in_all_threads),
		cmocka_unit_test(destroying_nothing_does_nothing),
		cmocka_unit_test(the_shared_cell_counts_as_any_other),
		cmocka_unit_test(a_sum_is_never_below_what_is_held_all_along),
	};

	return run_all("counter", tests);
}
