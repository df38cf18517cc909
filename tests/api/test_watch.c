/* SPDX-License-Identifier: MIT */
/*
 * Watches: what is a crossing, told once, in which order; per mille, hierarchies.
 * Event loops and forks are in test_watch_fd.c, callbacks in
 * test_watch_told.c and test_watch_callback.c.
 */
#include "api/watch_heap.h"

#include <limits.h>

/* ---- Errors ---- */

static void what_makes_no_sense_is_refused(void **state)
{
	const size_t size = sizeof(struct porter_watch);
	const struct porter_watch wrong[] = {
		{ .size = size - 1, .high = 2, .low = 1 },
		{ .size = 0, .high = 2, .low = 1 },
		{ .size = size, .high = 1, .low = 1 },
		{ .size = size, .high = 1, .low = 2 },
		{ .size = size, .high = 1, .low = -1 },
		{ .size = size, .high = 0, .low = 0 },
		{ .size = size,
		  .high = 1001,
		  .low = 1,
		  .unit = PORTER_WATCH_PER_MILLE },
		{ .size = size,
		  .high = 2,
		  .low = 1,
		  .unit = (enum porter_watch_unit)2 },
	};
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		errno = 0;
		assert_int_equal(porter_watch_add(t, &wrong[i]), -1);
		assert_int_equal(errno, EINVAL);
	}
	errno = 0;
	assert_int_equal(porter_watch_add(t, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(left_at_destroy(t), 0);
}

static void expect_no_such_watch(porter_tracked *t, int watch)
{
	struct porter_watch_event e = { .size = sizeof(e) };

	errno = 0;
	assert_int_equal(porter_watch_fd(t, watch), -1);
	assert_int_equal(errno, ENOENT);
	errno = 0;
	assert_int_equal(porter_watch_read(t, watch, &e), -1);
	assert_int_equal(errno, ENOENT);
	errno = 0;
	assert_int_equal(porter_watch_remove(t, watch), -1);
	assert_int_equal(errno, ENOENT);
}

static void watches_that_are_not_there_are_told_so(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_tracked *other = porter_tracked_new(NULL);
	int watch, of_other;

	(void)state;
	expect_no_such_watch(t, 0); /* It has no watches. */
	watch = add(t, HIGH, LOW);
	of_other = add(other, HIGH, LOW);
	expect_no_such_watch(t, -1);
	expect_no_such_watch(t, INT_MAX);
	expect_no_such_watch(t, of_other);
	assert_int_equal(porter_watch_remove(t, watch), 0);
	expect_no_such_watch(t, watch);
	assert_int_equal(left_at_destroy(t), 0);
	assert_int_equal(left_at_destroy(other), 0);
}

/* Who still has the number of one that was removed must not remove another. */
static void a_number_is_not_used_again(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int kept = add(t, HIGH, LOW), watch = add(t, HIGH, LOW);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int next;

		assert_int_equal(porter_watch_remove(t, watch), 0);
		next = add(t, HIGH, LOW);
		assert_int_not_equal(next, watch);
		assert_int_not_equal(next, kept);
		expect_no_such_watch(t, watch);
		watch = next;
	}
	assert_int_equal(porter_watch_remove(t, kept), 0);
	assert_int_equal(porter_watch_remove(t, watch), 0);
	assert_int_equal(left_at_destroy(t), 0);
}

static void an_event_that_is_too_small_is_refused(void **state)
{
	struct porter_watch_event small = { .size = sizeof(small) - 1 };
	struct {
		struct porter_watch_event event;
		uint64_t more;
	} large;
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	watch = add(h.t, HIGH, LOW);
	fill_to(&h, HIGH);
	errno = 0;
	assert_int_equal(porter_watch_read(h.t, watch, &small), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(porter_watch_read(h.t, watch, NULL), -1);
	assert_int_equal(errno, EINVAL);
	large.event.size = sizeof(large);
	large.more = 1;
	assert_int_equal(porter_watch_read(h.t, watch, &large.event), 0);
	assert_int_equal(large.event.size, sizeof(large));
	assert_int_equal(large.more, 0);
	end(&h);
}

/* ---- What is a crossing ---- */

static void each_crossing_is_told_once_at_the_mark(void **state)
{
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	watch = add(h.t, HIGH, LOW);
	for (uint64_t round = 0; round < 50; round++) {
		fill_to(&h, HIGH - STEP);
		expect_nothing(h.t, watch);
		fill_to(&h, HIGH);
		expect(h.t, watch, 2 * round + 1, 0, HIGH);
		expect_nothing(h.t, watch);
		fill_to(&h, 3 * HIGH);
		fill_to(&h, LOW + STEP);
		fill_to(&h, 2 * HIGH);
		fill_to(&h, LOW + STEP);
		expect_nothing(h.t, watch);
		fill_to(&h, LOW);
		expect(h.t, watch, 2 * round + 2, 0, LOW);
		fill_to(&h, 0);
		expect_nothing(h.t, watch);
	}
	end(&h);
}

/* The marks are so far apart that the thread has room between them. */
static void a_mark_is_not_hidden_by_room(void **state)
{
	enum { BLOCK = 512, TOP = 3900, BOTTOM = 100 };
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	h.step = BLOCK;
	watch = add(h.t, BLOCK * TOP, BLOCK * BOTTOM);
	for (uint64_t round = 0; round < 20; round++) {
		fill_to(&h, BLOCK * (TOP - 1));
		expect_nothing(h.t, watch);
		fill_to(&h, BLOCK * TOP);
		expect(h.t, watch, 2 * round + 1, 0, BLOCK * TOP);
		fill_to(&h, BLOCK * (BOTTOM + 1));
		expect_nothing(h.t, watch);
		fill_to(&h, BLOCK * BOTTOM);
		expect(h.t, watch, 2 * round + 2, 0, BLOCK * BOTTOM);
	}
	end(&h);
}

static void a_mark_that_is_reached_already_is_crossed(void **state)
{
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	fill_to(&h, 2 * HIGH);
	watch = add(h.t, HIGH, LOW);
	assert_true(readable(porter_watch_fd(h.t, watch)));
	expect(h.t, watch, 1, 0, 2 * HIGH);
	end(&h);
}

static void what_nobody_read_is_counted_as_suppressed(void **state)
{
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	watch = add(h.t, HIGH, LOW);
	for (int i = 0; i < 5; i++) {
		fill_to(&h, HIGH);
		fill_to(&h, LOW);
	}
	expect(h.t, watch, 10, 9, LOW);
	fill_to(&h, HIGH);
	expect(h.t, watch, 11, 0, HIGH);
	end(&h);
}

static void watches_of_one_tracker_keep_apart(void **state)
{
	struct heap h;
	int a, b, c;

	(void)state;
	begin(&h);
	a = add(h.t, 3 * HIGH, 2 * HIGH);
	b = add(h.t, HIGH, LOW);
	c = add(h.t, 2 * HIGH, STEP);
	fill_to(&h, 2 * HIGH);
	expect_nothing(h.t, a);
	expect(h.t, b, 1, 0, HIGH);
	expect(h.t, c, 1, 0, 2 * HIGH);
	fill_to(&h, 3 * HIGH);
	expect(h.t, a, 1, 0, 3 * HIGH);
	assert_int_equal(porter_watch_remove(h.t, b), 0);
	fill_to(&h, 0);
	expect(h.t, a, 2, 0, 2 * HIGH);
	expect(h.t, c, 2, 0, STEP);
	assert_int_equal(porter_watch_remove(h.t, a), 0);
	assert_int_equal(porter_watch_remove(h.t, c), 0);
	fill_to(&h, 3 * HIGH);
	end(&h);
}

static void an_allocation_that_crosses_leaves_errno_alone(void **state)
{
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	watch = add(h.t, HIGH, LOW);
	must(porter_watch_fd(h.t, watch) >= 0);
	fill_to(&h, HIGH - STEP);
	errno = 4711;
	fill_to(&h, HIGH);
	assert_int_equal(errno, 4711);
	fill_to(&h, LOW);
	assert_int_equal(errno, 4711);
	end(&h);
}

/* ---- Per mille ---- */

static void per_mille_follow_the_limit(void **state)
{
	struct porter_watch w = { .size = sizeof(w),
				  .high = 900,
				  .low = 500,
				  .unit = PORTER_WATCH_PER_MILLE };
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	watch = porter_watch_add(h.t, &w);
	assert_true(watch >= 0);
	fill_to(&h, 900000); /* There is no limit. */
	expect_nothing(h.t, watch);
	porter_tracked_set_limit(h.t, 1000001);
	expect_nothing(h.t, watch);
	fill_to(&h, 901000); /* 900.9 rounds up to 900001 */
	expect(h.t, watch, 1, 0, 901000);
	porter_tracked_set_limit(h.t, 1500000);
	expect_nothing(h.t, watch);
	porter_tracked_set_limit(h.t, 1802000);
	expect(h.t, watch, 2, 0, 901000);
	porter_tracked_set_limit(h.t, 1001000);
	expect(h.t, watch, 3, 0, 901000);
	porter_tracked_set_limit(h.t, 0);
	expect(h.t, watch, 4, 0, 901000);
	fill_to(&h, 1000000);
	fill_to(&h, 0);
	expect_nothing(h.t, watch);
	end(&h);
}

static void limits_of_all_sizes_make_marks(void **state)
{
	struct porter_watch w = { .size = sizeof(w),
				  .high = 1000,
				  .low = 999,
				  .unit = PORTER_WATCH_PER_MILLE };
	porter_tracked *t = porter_tracked_new(NULL);
	int watch = porter_watch_add(t, &w);

	(void)state;
	for (int64_t limit = 1; limit > 0 && limit < INT64_MAX / 4;
	     limit = limit * 3 + 1) {
		assert_int_equal(porter_tracked_set_limit(t, limit), 0);
		expect_nothing(t, watch);
	}
	assert_int_equal(porter_tracked_set_limit(t, 1), 0);
	porter_free(porter_tracked_allocator(t),
		    porter_allocate(porter_tracked_allocator(t), 1), 1);
	expect(t, watch, 2, 1, 0);
	assert_int_equal(left_at_destroy(t), 0);
}

/* ---- Hierarchies ---- */

static void what_children_do_crosses_a_parents_mark(void **state)
{
	porter_tracked *parent = porter_tracked_new(NULL);
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent };
	struct heap one, other;
	int watch = add(parent, HIGH, LOW);

	(void)state;
	heap_over(&one, porter_tracked_new_with(NULL, &o));
	heap_over(&other, porter_tracked_new_with(NULL, &o));
	fill_to(&one, HIGH / 2);
	fill_to(&other, HIGH / 2 - STEP);
	expect_nothing(parent, watch);
	fill_to(&other, HIGH / 2);
	expect(parent, watch, 1, 0, HIGH);
	fill_to(&one, LOW);
	expect_nothing(parent, watch);
	fill_to(&other, 0);
	expect(parent, watch, 2, 0, LOW);
	end(&one);
	end(&other);
	assert_int_equal(left_at_destroy(parent), 0);
}

static void a_child_that_leaves_its_bytes_crosses_the_low_mark(void **state)
{
	porter_tracked *parent = porter_tracked_new(&nothing);
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent };
	porter_tracked *child = porter_tracked_new_with(&nothing, &o);
	int watch = add(parent, HIGH, LOW);

	(void)state;
	must(porter_allocate(porter_tracked_allocator(child), HIGH));
	expect(parent, watch, 1, 0, HIGH);
	assert_int_equal(left_at_destroy(child), HIGH);
	expect(parent, watch, 2, 0, 0);
	assert_int_equal(left_at_destroy(parent), 0);
}

static void a_tracker_with_children_keeps_its_watches(void **state)
{
	porter_tracked *parent = porter_tracked_new(NULL);
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent };
	struct heap h;
	int watch = add(parent, HIGH, LOW);

	(void)state;
	heap_over(&h, porter_tracked_new_with(NULL, &o));
	errno = 0;
	assert_int_equal(porter_tracked_destroy(parent, NULL), -1);
	assert_int_equal(errno, EBUSY);
	fill_to(&h, HIGH);
	expect(parent, watch, 1, 0, HIGH);
	end(&h);
	assert_int_equal(left_at_destroy(parent), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(watches_that_are_not_there_are_told_so),
		cmocka_unit_test(a_number_is_not_used_again),
		cmocka_unit_test(an_event_that_is_too_small_is_refused),
		cmocka_unit_test(each_crossing_is_told_once_at_the_mark),
		cmocka_unit_test(a_mark_is_not_hidden_by_room),
		cmocka_unit_test(a_mark_that_is_reached_already_is_crossed),
		cmocka_unit_test(what_nobody_read_is_counted_as_suppressed),
		cmocka_unit_test(watches_of_one_tracker_keep_apart),
		cmocka_unit_test(an_allocation_that_crosses_leaves_errno_alone),
		cmocka_unit_test(per_mille_follow_the_limit),
		cmocka_unit_test(limits_of_all_sizes_make_marks),
		cmocka_unit_test(what_children_do_crosses_a_parents_mark),
		cmocka_unit_test(
			a_child_that_leaves_its_bytes_crosses_the_low_mark),
		cmocka_unit_test(a_tracker_with_children_keeps_its_watches),
	};

	return run_all("watch", tests);
}
