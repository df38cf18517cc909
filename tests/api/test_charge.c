/* SPDX-License-Identifier: MIT */
/*
 * Bytes from elsewhere, where somebody has a say in them: limits, peaks,
 * hierarchies, trackers on trackers. That all kinds of trackers count them alike:
 * test_composition.c.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

#include <sched.h>

static porter_tracked *make(porter_tracked *underlying, porter_tracked *parent,
			    int64_t limit)
{
	const struct porter_tracked_options o = {
		.size = sizeof(o),
		.parent = parent,
		.limit = limit,
	};
	porter_tracked *t = porter_tracked_new_with(
		underlying ? porter_tracked_allocator(underlying) : NULL, &o);

	assert_non_null(t);
	return t;
}

static struct porter_stats stats_of(const porter_tracked *t)
{
	struct porter_stats s = { .size = sizeof(s) };

	assert_int_equal(porter_tracked_stats(t, &s), 0);
	return s;
}

static void charge(porter_tracked *t, size_t size)
{
	assert_int_equal(porter_charge(t, size), 0);
}

static void no_charge(porter_tracked *t, size_t size)
{
	errno = 0;
	assert_int_equal(porter_charge(t, size), -1);
	assert_int_equal(errno, ENOMEM);
}

static void resize(porter_tracked *t, size_t old_size, size_t new_size)
{
	assert_int_equal(porter_charge_resize(t, old_size, new_size), 0);
}

static void no_resize(porter_tracked *t, size_t old_size, size_t new_size)
{
	errno = 0;
	assert_int_equal(porter_charge_resize(t, old_size, new_size), -1);
	assert_int_equal(errno, ENOMEM);
}

static void end(porter_tracked *t)
{
	assert_int_equal(left_at_destroy(t), 0);
}

/* Of what was asked for in vain: nothing but these is left. */
static void asked_in_vain(const porter_tracked *t, uint64_t failures,
			  uint64_t refusals)
{
	struct porter_stats s = stats_of(t);

	assert_int_equal(s.failures, failures);
	assert_int_equal(s.refusals, refusals);
	assert_int_equal(s.bytes_used, 0);
	assert_int_equal(s.total_allocated, 0);
	assert_int_equal(s.total_freed, 0);
	assert_int_equal(s.allocations, 0);
	assert_int_equal(s.frees, 0);
}

/* ---- Limits ---- */

static void a_limit_refuses_a_charge_as_it_does_a_block(void **state)
{
	porter_tracked *t = make(NULL, NULL, 1000);
	porter_allocator *a = porter_tracked_allocator(t);
	void *x;

	(void)state;
	no_charge(t, 1001);
	asked_in_vain(t, 0, 1);
	charge(t, 600);
	no_charge(t, 401);
	assert_null(porter_allocate(a, 401));
	x = porter_allocate(a, 400);
	assert_non_null(x);
	no_charge(t, 1);
	charge(t, 0);
	assert_int_equal(porter_bytes_used(t), 1000);
	porter_refund(t, 600);
	porter_refund(t, 0);
	charge(t, 600);
	assert_int_equal(stats_of(t).refusals, 4);
	assert_int_equal(stats_of(t).failures, 0);
	porter_refund(t, 600);
	porter_free(a, x, 400);
	assert_int_equal(stats_of(t).allocations, 4);
	assert_int_equal(stats_of(t).frees, 4);
	end(t);
}

static void the_largest_sizes_are_failures(void **state)
{
	porter_tracked *plain = porter_tracked_new(NULL);
	porter_tracked *t = make(plain, NULL, 1000);

	(void)state;
	no_charge(t, SIZE_MAX);
	no_charge(t, (size_t)PTRDIFF_MAX + 1);
	asked_in_vain(t, 2, 0);
	asked_in_vain(plain, 0, 0);
	end(t);
	no_charge(plain, SIZE_MAX);
	asked_in_vain(plain, 1, 0);
	end(plain);
}

static int raise_limit(porter_tracked *t, size_t size, void *seen)
{
	*(size_t *)seen = size;
	return porter_tracked_set_limit(t, 5000) == 0;
}

static void who_is_asked_before_a_refusal_is_asked_for_a_charge(void **state)
{
	size_t seen = 0;
	const struct porter_tracked_options o = {
		.size = sizeof(o),
		.limit = 1000,
		.on_refused = raise_limit,
		.refused_context = &seen,
	};
	porter_tracked *t = porter_tracked_new_with(NULL, &o);

	(void)state;
	charge(t, 5000);
	assert_int_equal(seen, 5000);
	assert_int_equal(stats_of(t).refusals, 0);
	porter_refund(t, 5000);
	end(t);
}

/* ---- Hierarchies ---- */

static void a_charge_counts_in_the_hierarchy_and_its_limits_bind(void **state)
{
	porter_tracked *parent = make(NULL, NULL, 1000);
	porter_tracked *one = make(NULL, parent, 0);
	porter_tracked *other = make(NULL, parent, 0);

	(void)state;
	charge(one, 700);
	assert_int_equal(porter_bytes_used(parent), 700);
	no_charge(other, 301);
	asked_in_vain(other, 0, 1);
	charge(other, 300);
	assert_int_equal(porter_bytes_used(parent), 1000);
	no_charge(parent, 1);
	porter_refund(one, 700);
	charge(parent, 700);
	porter_refund(parent, 700);
	porter_refund(other, 300);
	assert_int_equal(porter_bytes_used(parent), 0);
	end(one);
	end(other);
	end(parent);
}

/* ---- Trackers on trackers ---- */

/* Three on each other, the lowest with a limit; each asks those below it. */
static void refused_below(porter_tracked *middle, porter_tracked *lowest)
{
	porter_tracked *top =
		porter_tracked_new(porter_tracked_allocator(middle));

	no_charge(top, 101);
	asked_in_vain(top, 1, 0);
	asked_in_vain(middle, 1, 0);
	asked_in_vain(lowest, 0, 1);
	/* There is as much room as before, in all of them. */
	charge(top, 100);
	assert_int_equal(porter_bytes_used(top), 100);
	assert_int_equal(porter_bytes_used(middle), 100);
	assert_int_equal(porter_bytes_used(lowest), 100);
	porter_refund(top, 100);
	end(top);
	end(middle);
	end(lowest);
}

static void a_refusal_below_is_undone_where_only_counted(void **state)
{
	porter_tracked *lowest = make(NULL, NULL, 100);

	(void)state;
	refused_below(porter_tracked_new(porter_tracked_allocator(lowest)),
		      lowest);
}

static void a_refusal_below_is_taken_back_and_in_the_peak(void **state)
{
	porter_tracked *lowest = make(NULL, NULL, 100);
	porter_tracked *middle = make(lowest, NULL, 0);

	(void)state;
	charge(middle, 60);
	porter_refund(middle, 60);
	no_charge(middle, 1 << 20);
	/* It was charged there, until the one below refused. */
	assert_int_equal(porter_peak(middle).lower, 1 << 20);
	assert_int_equal(porter_peak(middle).upper, 1 << 20);
	assert_int_equal(porter_bytes_used(middle), 0);
	end(middle);
	end(lowest);
	lowest = make(NULL, NULL, 100);
	refused_below(make(lowest, NULL, 0), lowest);
}

static void a_refusal_below_is_undone_where_there_is_a_limit(void **state)
{
	porter_tracked *lowest = make(NULL, NULL, 100);

	(void)state;
	refused_below(make(lowest, NULL, 120), lowest);
}

static void a_refusal_below_is_undone_in_the_hierarchy(void **state)
{
	porter_tracked *lowest = make(NULL, NULL, 100);
	porter_tracked *parent = make(NULL, NULL, 120);

	(void)state;
	refused_below(make(lowest, parent, 0), lowest);
	assert_int_equal(porter_bytes_used(parent), 0);
	/* What its child had is the parent's as well. */
	assert_int_equal(stats_of(parent).failures, 1);
	assert_int_equal(stats_of(parent).refusals, 0);
	assert_int_equal(stats_of(parent).total_allocated, 100);
	end(parent);
}

/* ---- Peaks ---- */

static void a_charge_is_in_the_peak(void **state)
{
	porter_tracked *t = make(NULL, NULL, 0);
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_allocate(a, 1000);
	struct porter_interval peak;

	(void)state;
	charge(t, 3000000);
	porter_refund(t, 3000000);
	porter_free(a, x, 1000);
	peak = porter_peak_reset(t);
	assert_int_equal(peak.lower, 3001000);
	assert_int_equal(peak.upper, 3001000);
	peak = porter_peak(t);
	assert_int_equal(peak.upper, 0);
	end(t);
}

/* ---- Charges that change in size ---- */

static void a_change_of_size_is_one_operation(porter_tracked *t,
					      const porter_tracked *counts_too)
{
	struct porter_stats s;

	charge(t, 1000);
	resize(t, 1000, 1500);
	assert_int_equal(porter_bytes_used(t), 1500);
	resize(t, 1500, 300);
	resize(t, 300, 300);
	resize(t, 300, 0);
	assert_int_equal(porter_bytes_used(t), 0);
	resize(t, 0, 70);
	assert_int_equal(porter_bytes_used(t), 70);
	s = stats_of(t);
	assert_int_equal(s.allocations, 1);
	assert_int_equal(s.frees, 0);
	assert_int_equal(s.reallocations, 5);
	assert_int_equal(s.total_allocated, 1000 + 500 + 70);
	assert_int_equal(s.total_freed, 1200 + 300);
	assert_int_equal(s.failures + s.refusals, 0);
	/* At no time were both sizes charged. */
	assert_int_equal(porter_peak(t).lower, 1500);
	assert_int_equal(porter_peak(t).upper, 1500);
	if (counts_too) {
		assert_int_equal(porter_bytes_used(counts_too), 70);
		assert_int_equal(stats_of(counts_too).reallocations, 5);
		assert_int_equal(stats_of(counts_too).total_freed, 1500);
	}
	porter_refund(t, 70);
	end(t);
}

static void all_kinds_count_a_change_of_size_alike(void **state)
{
	porter_tracked *parent = make(NULL, NULL, 0);
	porter_tracked *below = porter_tracked_new(NULL);
	porter_tracked *limited_below = make(NULL, NULL, 1500);

	(void)state;
	a_change_of_size_is_one_operation(make(NULL, NULL, 0), NULL);
	a_change_of_size_is_one_operation(make(NULL, NULL, 1500), NULL);
	a_change_of_size_is_one_operation(make(NULL, NULL, 1 << 30), NULL);
	a_change_of_size_is_one_operation(make(NULL, parent, 0), parent);
	a_change_of_size_is_one_operation(make(below, NULL, 0), below);
	a_change_of_size_is_one_operation(make(limited_below, NULL, 0),
					  limited_below);
	end(limited_below);
	end(below);
	end(parent);
}

static void a_tracker_that_only_counts_counts_a_change_of_size(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	a_change_of_size_is_one_operation(t, NULL);
}

static void growth_that_is_refused_leaves_all_as_it_was(void **state)
{
	porter_tracked *parent = make(NULL, NULL, 2000);
	porter_tracked *t = make(NULL, parent, 1000);
	struct porter_stats before, after;

	(void)state;
	charge(parent, 1200);
	charge(t, 600);
	before = stats_of(t);
	no_resize(t, 600, 1001); /* its own limit */
	no_resize(t, 600, 801);	 /* that of the parent */
	no_resize(t, 600, PTRDIFF_MAX);
	no_resize(t, 600, SIZE_MAX);
	after = stats_of(t);
	assert_int_equal(after.refusals + after.failures, 4);
	assert_true(after.refusals >= 2 && after.failures >= 1);
	after.refusals = before.refusals;
	after.failures = before.failures;
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(porter_bytes_used(parent), 1800);
	assert_int_equal(porter_peak(t).upper, 600);
	/* All that there is room for. */
	resize(t, 600, 800);
	porter_refund(t, 800);
	porter_refund(parent, 1200);
	end(t);
	end(parent);
}

static void shrinking_never_fails(void **state)
{
	porter_tracked *parent = make(NULL, NULL, 0);
	porter_tracked *t = make(NULL, parent, 0);

	(void)state;
	charge(t, 5000);
	assert_int_equal(porter_tracked_set_limit(t, 1), 0);
	assert_int_equal(porter_tracked_set_limit(parent, 1), 0);
	no_resize(t, 5000, 5001);
	for (size_t size = 5000; size > 0; size--)
		resize(t, size, size - 1);
	resize(t, 0, 0);
	resize(t, 0, 1);
	no_resize(t, 1, 2);
	resize(t, 1, 1);
	assert_int_equal(porter_bytes_used(parent), 1);
	assert_int_equal(stats_of(t).refusals, 2);
	porter_refund(t, 1);
	end(t);
	end(parent);
}

static void growth_that_is_refused_below_is_undone(void **state)
{
	porter_tracked *lowest = make(NULL, NULL, 100);
	porter_tracked *middle = make(lowest, NULL, 0);
	porter_tracked *top =
		porter_tracked_new(porter_tracked_allocator(middle));

	(void)state;
	charge(top, 60);
	no_resize(top, 60, 101);
	assert_int_equal(porter_bytes_used(top), 60);
	assert_int_equal(porter_bytes_used(middle), 60);
	assert_int_equal(porter_bytes_used(lowest), 60);
	assert_int_equal(stats_of(top).failures, 1);
	assert_int_equal(stats_of(middle).failures, 1);
	assert_int_equal(stats_of(lowest).refusals, 1);
	assert_int_equal(stats_of(top).reallocations, 0);
	assert_int_equal(stats_of(top).total_allocated, 60);
	assert_int_equal(stats_of(middle).total_allocated, 60);
	/* Smaller always goes, all the way down. */
	assert_int_equal(porter_tracked_set_limit(lowest, 1), 0);
	resize(top, 60, 2);
	assert_int_equal(porter_bytes_used(lowest), 2);
	assert_int_equal(stats_of(lowest).reallocations, 1);
	porter_refund(top, 2);
	end(top);
	end(middle);
	end(lowest);
}

/* ---- Threads ---- */

enum { THREADS = 8, EACH = 100, ROOM = 3 };

/* At any time no more than ROOM of them have what they want. */
static void charge_and_refund(void *tracker, size_t number)
{
	porter_tracked *t = tracker;
	size_t granted = 0, wanted = scaled(20000);

	(void)number;
	while (granted < wanted) {
		/* Who has some may be waiting for a processor. */
		if (porter_charge(t, EACH) != 0) {
			sched_yield();
			continue;
		}
		if (granted++ % 16 == 0)
			sched_yield();
		must(porter_bytes_used(t) >= EACH);
		porter_refund(t, EACH);
	}
}

static void grow_and_shrink(void *tracker, size_t number)
{
	porter_tracked *t = tracker;
	size_t wanted = scaled(20000), mine = EACH / 2;

	(void)number;
	for (size_t granted = 0; granted < wanted;) {
		if (porter_charge_resize(t, mine, mine + EACH) != 0) {
			sched_yield();
			continue;
		}
		granted++;
		must(porter_bytes_used(t) >= (int64_t)mine + EACH);
		must(porter_charge_resize(t, mine + EACH, mine) == 0);
	}
	porter_refund(t, mine);
}

static void threads_that_resize_stay_below_the_limit(void **state)
{
	size_t threads = threads_allowed(THREADS);
	int64_t limit = (int64_t)threads * EACH / 2 + ROOM * EACH;
	porter_tracked *t = make(NULL, NULL, limit);
	struct porter_stats s;

	(void)state;
	for (size_t i = 0; i < threads; i++)
		charge(t, EACH / 2);
	if (!in_threads(threads, grow_and_shrink, t))
		skip_because("no more threads here");
	assert_true(porter_peak(t).lower <= limit);
	s = stats_of(t);
	assert_int_equal(s.allocations, threads);
	assert_int_equal(s.frees, threads);
	assert_int_equal(s.reallocations, 2 * threads * scaled(20000));
	assert_int_equal(s.total_allocated, s.total_freed);
	end(t);
}

static void threads_that_charge_stay_below_the_limit(void **state)
{
	porter_tracked *lowest = make(NULL, NULL, ROOM * EACH);
	porter_tracked *top = make(lowest, NULL, 0);
	struct porter_stats s;

	(void)state;
	if (!in_threads(threads_allowed(THREADS), charge_and_refund, top))
		skip_because("no more threads here");
	assert_true(porter_peak(lowest).lower <= ROOM * EACH);
	assert_true(porter_peak(lowest).lower >= EACH);
	s = stats_of(top);
	assert_int_equal(s.allocations, s.frees);
	assert_int_equal(s.total_allocated, s.allocations * EACH);
	assert_int_equal(s.failures, stats_of(lowest).refusals);
	assert_int_equal(s.allocations, stats_of(lowest).allocations);
	end(top);
	end(lowest);
}

/* 2^60 bytes. */
static void charge_as_much_as_there_can_be(porter_tracked *t)
{
	size_t huge = (size_t)1 << (sizeof(size_t) * 8 - 4);

	charge(t, huge);
	for (int i = 0; i < 10; i++)
		no_charge(t, huge);
	no_charge(t, 1);
	no_charge(t, PTRDIFF_MAX);
	no_resize(t, 0, 1);
	no_resize(t, huge, huge + 1);
	no_resize(t, huge, SIZE_MAX);
	assert_int_equal(porter_bytes_used(t), huge);
	resize(t, huge, huge - 1);
	no_charge(t, 2);
	charge(t, 1);
	porter_refund(t, huge);
}

/* Where 64 bits would not do for the sum. */
static void more_than_there_can_be_is_refused(void **state)
{
	porter_tracked *t = make(NULL, NULL, 0);

	(void)state;
	if (sizeof(size_t) < 8)
		skip_because("all that fits in addresses can be added up");
	charge_as_much_as_there_can_be(t);
	charge(t, 1);
	assert_int_equal(porter_tracked_set_limit(t, 1), 0);
	no_charge(t, 1);
	porter_refund(t, 1);
	end(t);
}

/* Nor where nobody has a limit. */
static void a_tracker_that_only_counts_adds_up_no_more_either(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	if (sizeof(size_t) < 8)
		skip_because("there is no such number");
	no_charge(t, PTRDIFF_MAX);
	charge_as_much_as_there_can_be(t);
	assert_int_equal(porter_tracked_set_limit(t, 1000), 0);
	no_charge(t, 1001);
	assert_int_equal(porter_tracked_set_limit(t, INT64_MAX), 0);
	charge_as_much_as_there_can_be(t);
	assert_int_equal(porter_peak(t).lower, (int64_t)1 << 60);
	assert_int_equal(porter_peak(t).upper, (int64_t)1 << 60);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_refuses_a_charge_as_it_does_a_block),
		cmocka_unit_test(the_largest_sizes_are_failures),
		cmocka_unit_test(more_than_there_can_be_is_refused),
		cmocka_unit_test(
			a_tracker_that_only_counts_adds_up_no_more_either),
		cmocka_unit_test(
			who_is_asked_before_a_refusal_is_asked_for_a_charge),
		cmocka_unit_test(
			a_charge_counts_in_the_hierarchy_and_its_limits_bind),
		cmocka_unit_test(a_refusal_below_is_undone_where_only_counted),
		cmocka_unit_test(a_refusal_below_is_taken_back_and_in_the_peak),
		cmocka_unit_test(
			a_refusal_below_is_undone_where_there_is_a_limit),
		cmocka_unit_test(a_refusal_below_is_undone_in_the_hierarchy),
		cmocka_unit_test(a_charge_is_in_the_peak),
		cmocka_unit_test(all_kinds_count_a_change_of_size_alike),
		cmocka_unit_test(
			a_tracker_that_only_counts_counts_a_change_of_size),
		cmocka_unit_test(growth_that_is_refused_leaves_all_as_it_was),
		cmocka_unit_test(shrinking_never_fails),
		cmocka_unit_test(growth_that_is_refused_below_is_undone),
		cmocka_unit_test(threads_that_resize_stay_below_the_limit),
		cmocka_unit_test(threads_that_charge_stay_below_the_limit),
	};

	return run_all("charge", tests);
}
