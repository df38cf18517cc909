/* SPDX-License-Identifier: MIT */
/*
 * What other threads do in the middle of a read: between the two scans of a
 * sum (G2), and between the two scans of an interval (G3).
 */
#include "life.h"

#include "0-machine/test-point.h"
#include "1-slots/slots.h"

#include <portermem/portermem.h>

#include <pthread.h>

static porter_counter *counter;
static enum test_point the_point;
static void (*meanwhile)(void);

static void on_point(enum test_point point)
{
	void (*once)(void) = meanwhile;

	if (point != the_point || !once)
		return;
	meanwhile = NULL;
	once();
}

static int64_t sum_while(void (*what)(void))
{
	the_point = SUM_HALFWAY;
	meanwhile = what;
	return porter_counter_sum(counter);
}

static struct porter_interval interval_while(void (*what)(void))
{
	the_point = BETWEEN_SCANS;
	meanwhile = what;
	return porter_counter_interval(counter);
}

static int set_up(void **state)
{
	(void)state;
	counter = porter_counter_new();
	porter_counter_add(counter, 1000);
	porter__test_point = on_point;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	porter__test_point = NULL;
	porter_counter_destroy(counter);
	return 0;
}

/* ---- What happens meanwhile ---- */

static void add_and_sub(void)
{
	porter_counter_add(counter, 700000);
	porter_counter_sub(counter, 700000);
}

static void add_only(void)
{
	porter_counter_add(counter, 300);
}

static void sub_only(void)
{
	porter_counter_sub(counter, 300);
}

static void add_here_and_sub_there(void *unused)
{
	(void)unused;
	porter_counter_sub(counter, 700000);
}

/* In a slot that was not there, and in blocks that were not. */
static void in_new_slots(void)
{
	size_t before = porter__slots_count();

	porter_counter_add(counter, 700000);
	in_a_thread(add_here_and_sub_there, NULL);
	must(porter__slots_count() >= before);
}

/* ---- Tests ---- */

static void a_sum_is_not_low_when_a_block_comes_and_goes_meanwhile(void **state)
{
	(void)state;
	assert_true(sum_while(add_and_sub) >= 1000);
	assert_int_equal(porter_counter_sum(counter), 1000);
}

static void nor_when_that_is_in_a_new_slot(void **state)
{
	(void)state;
	assert_true(sum_while(in_new_slots) >= 1000);
	assert_int_equal(porter_counter_sum(counter), 1000);
}

static void nor_when_something_goes_meanwhile(void **state)
{
	int64_t sum;

	(void)state;
	sum = sum_while(sub_only);
	assert_true(sum >= 700 && sum <= 1000);
	assert_int_equal(porter_counter_sum(counter), 700);
}

static void check_interval(void (*what)(void), int64_t before, int64_t after)
{
	struct porter_interval seen = interval_while(what);

	assert_true(seen.lower <= before && before <= seen.upper);
	assert_true(seen.lower <= after && after <= seen.upper);
	seen = porter_counter_interval(counter);
	assert_int_equal(seen.lower, after);
	assert_int_equal(seen.upper, after);
}

static void an_interval_holds_what_was_there_before_and_after(void **state)
{
	(void)state;
	check_interval(add_only, 1000, 1300);
	check_interval(sub_only, 1300, 1000);
	check_interval(add_and_sub, 1000, 1000);
	check_interval(in_new_slots, 1000, 1000);
}

/* A block came and went between them: that shows, so it is not taken as exact. */
static void an_interval_is_no_point_when_a_block_came_and_went(void **state)
{
	struct porter_interval seen;

	(void)state;
	seen = interval_while(add_and_sub);
	assert_true(seen.lower <= 1000 && seen.upper >= 701000);
}

#define read_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		read_test(
			a_sum_is_not_low_when_a_block_comes_and_goes_meanwhile),
		read_test(nor_when_that_is_in_a_new_slot),
		read_test(nor_when_something_goes_meanwhile),
		read_test(an_interval_holds_what_was_there_before_and_after),
		read_test(an_interval_is_no_point_when_a_block_came_and_went),
	};

	return run_all("reads", tests);
}
