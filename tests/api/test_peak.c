/* SPDX-License-Identifier: MIT */
/*
 * Peaks: exact where one thread uses a tracker without children, however it was
 * made; and how wide otherwise. Bounds under threads: tests/stress/peak.c.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>

static porter_allocator *of(porter_tracked *t)
{
	return porter_tracked_allocator(t);
}

static porter_tracked *make(porter_tracked *parent)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent };
	porter_tracked *t = porter_tracked_new_with(NULL, &o);

	assert_non_null(t);
	return t;
}

static void assert_peak(struct porter_interval peak, int64_t lower,
			int64_t upper)
{
	assert_int_equal(peak.lower, lower);
	assert_int_equal(peak.upper, upper);
}

/* What one thread does in a tracker with children. */
static void assert_peak_around(struct porter_interval peak, int64_t most)
{
	assert_true(peak.lower <= most);
	assert_true(most <= peak.upper);
	assert_true(peak.upper - peak.lower <= 64 << 10);
}

/* Up by so much, and down again. */
static void hill(porter_tracked *t, size_t size)
{
	void *block = porter_allocate(of(t), size);

	assert_non_null(block);
	porter_free(of(t), block, size);
}

static void it_is_the_most_that_was_charged(void **state)
{
	porter_tracked *t = make(NULL);
	void *x = porter_allocate(of(t), 100);

	(void)state;
	hill(t, 900);
	assert_peak(porter_peak(t), 1000, 1000);
	hill(t, 899);
	assert_peak(porter_peak(t), 1000, 1000);
	x = porter_reallocate(of(t), x, 100, 1001);
	assert_peak(porter_peak(t), 1001, 1001);
	x = porter_reallocate(of(t), x, 1001, 1);
	for (int i = 0; i < 1000; i++)
		hill(t, (size_t)i);
	assert_peak(porter_peak(t), 1001, 1001);
	porter_free(of(t), x, 1);
	assert_int_equal(left_at_destroy(t), 0);
}

static void a_new_period_begins_with_what_is_charged(void **state)
{
	porter_tracked *t = make(NULL);
	void *x = porter_allocate(of(t), 100);

	(void)state;
	hill(t, 900);
	assert_peak(porter_peak_reset(t), 1000, 1000);
	assert_peak(porter_peak(t), 100, 100);
	hill(t, 10);
	assert_peak(porter_peak_reset(t), 110, 110);
	porter_free(of(t), x, 100);
	assert_peak(porter_peak_reset(t), 100, 100);
	assert_peak(porter_peak(t), 0, 0);
	assert_int_equal(left_at_destroy(t), 0);
}

/* From birth. */
static void a_tracker_made_without_options_keeps_one_too(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	void *x;

	(void)state;
	assert_peak(porter_peak(t), 0, 0);
	x = porter_allocate(of(t), 300);
	assert_peak(porter_peak(t), 300, 300);
	hill(t, 1000);
	hill(t, 999);
	assert_peak(porter_peak(t), 1300, 1300);
	assert_peak(porter_peak_reset(t), 1300, 1300);
	assert_peak(porter_peak(t), 300, 300);
	hill(t, 500);
	assert_peak(porter_peak(t), 800, 800);
	/* What it gets later changes nothing of that. */
	assert_int_equal(porter_tracked_set_limit(t, 1 << 20), 0);
	assert_peak(porter_peak(t), 800, 800);
	hill(t, 600);
	assert_peak(porter_peak(t), 900, 900);
	assert_peak(porter_peak_reset(t), 900, 900);
	porter_free(of(t), x, 300);
	assert_int_equal(left_at_destroy(t), 0);
}

static void the_default_keeps_one_too(void **state)
{
	porter_tracked *t = porter_tracked_cast(porter_get_allocator());
	int64_t before = porter_bytes_used(t);

	(void)state;
	hill(t, 5000);
	assert_peak(porter_peak_reset(t), before + 5000, before + 5000);
	assert_peak(porter_peak(t), before, before);
}

static void small_and_large_hills_are_exact(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	size_t most = 0;

	(void)state;
	for (size_t size = 1; size < 100000000; size += 1 + size / 2) {
		void *x = porter_allocate(of(t), size);

		hill(t, size / 3);
		porter_free(of(t), x, size);
		most = size + size / 3;
		assert_peak(porter_peak(t), (int64_t)most, (int64_t)most);
		hill(t, most - 1);
	}
	assert_int_equal(left_at_destroy(t), 0);
}

static void *hills(void *context)
{
	for (int i = 0; i < 100; i++)
		hill(context, 700);
	return NULL;
}

static void one_thread_after_the_other_is_near(void **state)
{
	porter_tracked *t = make(NULL);
	void *x = porter_allocate(of(t), 50);
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 20; i++) {
		hills(t);
		assert_int_equal(pthread_create(&thread, NULL, hills, t), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_peak_around(porter_peak(t), 750);
	}
	porter_free(of(t), x, 50);
	assert_int_equal(left_at_destroy(t), 0);
}

static void a_parent_has_a_peak_of_its_own(void **state)
{
	porter_tracked *root = make(NULL), *one = make(root), *two = make(root);
	void *x = porter_allocate(of(one), 100);

	(void)state;
	hill(two, 300);
	porter_free(of(one), x, 100);
	hill(one, 50);
	hill(two, 350);
	assert_peak(porter_peak(one), 100, 100);
	assert_peak(porter_peak(two), 350, 350);
	assert_peak_around(porter_peak(root), 400);
	assert_int_equal(left_at_destroy(one), 0);
	assert_int_equal(left_at_destroy(two), 0);
	assert_int_equal(left_at_destroy(root), 0);
}

/* The numbers are wrong then, and nothing else. */
static void wrong_sizes_stop_nobody(void **state)
{
	porter_tracked *t = make(NULL);
	struct porter_interval peak;

	(void)state;
	porter_free(of(t), porter_allocate(of(t), 50), 100);
	for (int i = 0; i < 3; i++) {
		porter_peak_reset(t);
		peak = porter_peak(t);
		assert_true(peak.lower <= peak.upper);
		hill(t, 10);
	}
	porter_tracked_destroy(t, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_most_that_was_charged),
		cmocka_unit_test(a_new_period_begins_with_what_is_charged),
		cmocka_unit_test(a_tracker_made_without_options_keeps_one_too),
		cmocka_unit_test(the_default_keeps_one_too),
		cmocka_unit_test(small_and_large_hills_are_exact),
		cmocka_unit_test(one_thread_after_the_other_is_near),
		cmocka_unit_test(a_parent_has_a_peak_of_its_own),
		cmocka_unit_test(wrong_sizes_stop_nobody),
	};

	return run_all("peak", tests);
}
