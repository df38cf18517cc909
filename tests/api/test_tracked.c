/* SPDX-License-Identifier: MIT */
/*
 * The tracked allocator's numbers: what counts, when, and how it is told.
 *
 * The first tests are those of the Go component that this library is the C
 * counterpart of.
 */
#include "picky.h"
#include "support.h"

#include <portermem/portermem.h>

#include <string.h>

static int fresh(void **state)
{
	*state = porter_tracked_new(NULL);
	return *state ? 0 : -1;
}

static int clean(void **state)
{
	return left_at_destroy(*state) == 0 ? 0 : -1;
}

#define test_fresh(test) cmocka_unit_test_setup_teardown(test, fresh, clean)

static struct porter_stats stats_of(const porter_tracked *t)
{
	struct porter_stats s = { .size = sizeof(s) };

	assert_int_equal(porter_tracked_stats(t, &s), 0);
	return s;
}

/* ---- The Go component's own cases ---- */

static void two_blocks_of_1024_are_2048_bytes(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x, *y;

	assert_int_equal(porter_bytes_used(t), 0);
	x = porter_allocate(a, 1024);
	assert_int_equal(porter_bytes_used(t), 1024);
	y = porter_allocate(a, 1024);
	assert_int_equal(porter_bytes_used(t), 2048);
	porter_free(a, x, 1024);
	assert_int_equal(porter_bytes_used(t), 1024);
	porter_free(a, y, 1024);
	assert_int_equal(porter_bytes_used(t), 0);
}

static void a_block_grows_from_512_to_1024_and_shrinks_to_256(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_allocate(a, 512);

	assert_int_equal(porter_bytes_used(t), 512);
	x = porter_reallocate(a, x, 512, 1024);
	assert_int_equal(porter_bytes_used(t), 1024);
	x = porter_reallocate(a, x, 1024, 256);
	assert_int_equal(porter_bytes_used(t), 256);
	porter_free(a, x, 256);
	assert_int_equal(porter_bytes_used(t), 0);
}

static void blocks_are_freed_in_any_order(void **state)
{
	static const int orders[][4] = {
		{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 }
	};
	static const size_t sizes[] = { 100, 0, 3000, 17 };
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		void *held[4];
		int64_t left = 3117;

		for (int j = 0; j < 4; j++)
			held[j] = porter_allocate(a, sizes[j]);
		assert_int_equal(porter_bytes_used(t), left);
		for (int j = 0; j < 4; j++) {
			int which = orders[i][j];

			porter_free(a, held[which], sizes[which]);
			left -= (int64_t)sizes[which];
			assert_int_equal(porter_bytes_used(t), left);
		}
	}
}

/* ---- What counts ---- */

static void all_numbers_tell_what_was_done(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	struct porter_stats s;
	void *x, *y;

	x = porter_allocate(a, 100);
	y = porter_allocate_aligned(a, 50, 64);
	x = porter_reallocate(a, x, 100, 130);
	y = porter_reallocate_aligned(a, y, 50, 20, 64);
	s = stats_of(t);
	assert_int_equal(s.size, sizeof(s));
	assert_int_equal(s.bytes_used, 150);
	assert_int_equal(s.total_allocated, 180);
	assert_int_equal(s.total_freed, 30);
	assert_int_equal(s.allocations, 2);
	assert_int_equal(s.frees, 0);
	assert_int_equal(s.reallocations, 2);
	assert_int_equal(s.failures, 0);
	porter_free(a, x, 130);
	porter_free_aligned(a, y, 20, 64);
	s = stats_of(t);
	assert_int_equal(s.bytes_used, 0);
	assert_int_equal(s.total_allocated, 180);
	assert_int_equal(s.total_freed, 180);
	assert_int_equal(s.allocations, 2);
	assert_int_equal(s.frees, 2);
}

static void size_0_counts_as_one_allocation_of_0_bytes(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_allocate(a, 0);

	assert_int_equal(stats_of(t).allocations, 1);
	assert_int_equal(stats_of(t).total_allocated, 0);
	porter_free(a, x, 0);
	assert_int_equal(stats_of(t).frees, 1);
	assert_int_equal(stats_of(t).total_freed, 0);
}

static void freeing_null_counts_nothing(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);

	porter_free(a, NULL, 0);
	porter_free_aligned(a, NULL, 0, 4096);
	porter_mfree(t, NULL);
	assert_int_equal(stats_of(t).frees, 0);
	assert_int_equal(stats_of(t).total_freed, 0);
}

static void reallocating_null_counts_an_allocation(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_reallocate(a, NULL, 0, 30);

	assert_int_equal(stats_of(t).allocations, 1);
	assert_int_equal(stats_of(t).reallocations, 0);
	assert_int_equal(stats_of(t).bytes_used, 30);
	porter_free(a, x, 30);
}

static void reallocating_to_0_counts_a_free_and_an_allocation(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_allocate(a, 30);

	x = porter_reallocate(a, x, 30, 0);
	assert_int_equal(stats_of(t).allocations, 2);
	assert_int_equal(stats_of(t).frees, 1);
	assert_int_equal(stats_of(t).bytes_used, 0);
	porter_free(a, x, 0);
	assert_int_equal(stats_of(t).frees, 2);
}

static void a_reallocation_to_the_same_size_counts_no_bytes(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_allocate(a, 30);

	x = porter_reallocate(a, x, 30, 30);
	assert_int_equal(stats_of(t).reallocations, 1);
	assert_int_equal(stats_of(t).total_allocated, 30);
	assert_int_equal(stats_of(t).total_freed, 0);
	porter_free(a, x, 30);
}

static void the_sizes_asked_for_count_and_no_rounding(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);

	for (size_t size = 1; size < 2000; size += 7) {
		void *x = porter_allocate(a, size);
		void *y = porter_allocate_aligned(a, size, 64);

		assert_int_equal(porter_bytes_used(t), 2 * size);
		porter_free(a, x, size);
		porter_free_aligned(a, y, size, 64);
	}
}

static void refusals_count_as_failures_and_nothing_else(void **state)
{
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x;

	skip_where_half_may_be_had();
	x = porter_allocate(a, 30);
	assert_null(porter_allocate(a, SIZE_MAX));
	assert_int_equal(stats_of(t).failures, 1);
	assert_null(porter_allocate_aligned(a, 1, 3));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(stats_of(t).failures, 2);
	assert_null(porter_allocate(a, PTRDIFF_MAX));
	assert_int_equal(stats_of(t).failures, 3);
	assert_null(porter_reallocate(a, x, 30, PTRDIFF_MAX));
	assert_int_equal(stats_of(t).failures, 4);
	assert_null(porter_reallocate(a, x, 30, SIZE_MAX));
	assert_int_equal(stats_of(t).failures, 5);
	assert_null(porter_reallocate(a, NULL, 0, SIZE_MAX));
	assert_int_equal(stats_of(t).failures, 6);
	assert_int_equal(stats_of(t).allocations, 1);
	assert_int_equal(stats_of(t).reallocations, 0);
	assert_int_equal(stats_of(t).total_allocated, 30);
	assert_int_equal(stats_of(t).total_freed, 0);
	porter_free(a, x, 30);
}

static void
what_breaks_a_rule_never_reaches_the_underlying_allocator(void **state)
{
	struct picky picky;
	porter_tracked *t;
	porter_allocator *a;
	size_t requests;
	void *x;

	(void)state;
	skip_where_half_may_be_had();
	picky_init(&picky, NULL);
	t = porter_tracked_new(&picky.base);
	a = porter_tracked_allocator(t);
	x = porter_allocate(a, 10);
	requests = picky.requests;
	assert_null(porter_allocate(a, (size_t)PTRDIFF_MAX + 1));
	assert_null(porter_allocate(a, SIZE_MAX));
	assert_null(porter_allocate_aligned(a, 10, 0));
	assert_null(porter_allocate_aligned(a, 10, 24));
	assert_null(porter_reallocate(a, x, 10, (size_t)PTRDIFF_MAX + 1));
	assert_null(porter_reallocate_aligned(a, x, 10, 20, 12));
	porter_free(a, NULL, 0);
	assert_int_equal(picky.requests, requests);
	assert_int_equal(picky.frees, 0);
	/* The largest size allowed does reach it; of some kinds, 2^60. */
	if (!getenv("PORTER_TEST_KIND")) {
		assert_null(porter_allocate(a, PTRDIFF_MAX));
		assert_int_equal(picky.requests, requests + 1);
	}
	porter_free(a, x, 10);
	assert_int_equal(left_at_destroy(t), 0);
	picky_fini(&picky);
}

/* ---- How the numbers are told ---- */

static void a_struct_smaller_than_the_first_is_refused_untouched(void **state)
{
	struct porter_stats s, before;

	/* In the first version it ended with failures. */
	for (size_t size = 0; size < offsetof(struct porter_stats, refusals);
	     size++) {
		memset(&s, 0x5a, sizeof(s));
		s.size = size;
		before = s;
		errno = 0;
		assert_int_equal(porter_tracked_stats(*state, &s), -1);
		assert_int_equal(errno, EINVAL);
		assert_memory_equal(&s, &before, sizeof(s));
	}
	errno = 0;
	assert_int_equal(porter_tracked_stats(*state, NULL), -1);
	assert_int_equal(errno, EINVAL);
}

static void a_struct_larger_than_known_gets_zeros_at_its_end(void **state)
{
	struct {
		struct porter_stats stats;
		char later[100], beyond[8];
	} s;
	porter_tracked *t = *state;
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_allocate(a, 77);

	memset(&s, 0x5a, sizeof(s));
	s.stats.size = sizeof(s.stats) + sizeof(s.later);
	assert_int_equal(porter_tracked_stats(t, &s.stats), 0);
	assert_int_equal(s.stats.bytes_used, 77);
	assert_int_equal(s.stats.size, sizeof(s.stats) + sizeof(s.later));
	for (size_t i = 0; i < sizeof(s.later); i++)
		assert_int_equal(s.later[i], 0);
	for (size_t i = 0; i < sizeof(s.beyond); i++)
		assert_int_equal(s.beyond[i], 0x5a);
	porter_free(a, x, 77);
}

/* ---- Its life ---- */

static void destroy_tells_the_bytes_still_in_use(void **state)
{
	porter_allocator *below = porter_backend("system");
	porter_tracked *t = porter_tracked_new(below);
	void *x = porter_allocate(porter_tracked_allocator(t), 1234);
	int64_t leaked = 77;

	(void)state;
	assert_int_equal(porter_tracked_destroy(t, &leaked), 0);
	assert_int_equal(leaked, 1234);
	porter_free(below, x, 1234);
	assert_int_equal(porter_tracked_destroy(NULL, &leaked), 0);
	assert_int_equal(leaked, 0);
	assert_int_equal(porter_tracked_destroy(NULL, NULL), 0);
}

static void a_new_tracker_starts_at_0_whatever_ids_held_before(void **state)
{
	porter_allocator *below = porter_backend("system");

	(void)state;
	for (int i = 0; i < 200; i++) {
		porter_tracked *t = porter_tracked_new(below);
		porter_allocator *a = porter_tracked_allocator(t);
		struct porter_stats s = stats_of(t);
		void *x;

		assert_int_equal(s.bytes_used, 0);
		assert_int_equal(s.total_allocated, 0);
		assert_int_equal(s.total_freed, 0);
		assert_int_equal(s.allocations, 0);
		assert_int_equal(s.frees, 0);
		assert_int_equal(s.reallocations, 0);
		assert_int_equal(s.failures, 0);
		x = porter_allocate(a, 100);
		x = porter_reallocate(a, x, 100, 90);
		x = porter_reallocate(a, x, 90, 95);
		assert_null(porter_allocate(a, SIZE_MAX));
		assert_int_equal(left_at_destroy(t), 95);
		porter_free(below, x, 95);
	}
}

static void ten_thousand_trackers_count_each_their_own(void **state)
{
	size_t n = scaled(10000);
	porter_tracked **t = calloc(n, sizeof(porter_tracked *));
	void **x = calloc(n, sizeof(void *));

	(void)state;
	for (size_t i = 0; i < n; i++) {
		t[i] = porter_tracked_new(NULL);
		assert_non_null(t[i]);
		x[i] = porter_allocate(porter_tracked_allocator(t[i]), i % 100);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(porter_bytes_used(t[i]), i % 100);
	for (size_t i = 0; i < n; i++) {
		porter_free(porter_tracked_allocator(t[i]), x[i], i % 100);
		assert_int_equal(left_at_destroy(t[i]), 0);
	}
	free(x);
	free(t);
}

static void a_tracker_casts_to_itself_and_others_to_null(void **state)
{
	porter_tracked *t = *state;

	assert_ptr_equal(porter_tracked_cast(porter_tracked_allocator(t)), t);
	assert_null(porter_tracked_cast(porter_backend("system")));
	assert_null(porter_tracked_cast(NULL));
	assert_string_equal(porter_tracked_allocator(t)->vtable->name,
			    "tracked");
}

/* ---- Its size ---- */

/* The second field of statm: pages that are in memory. */
static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	must(file);
	must(fscanf(file, "%*s %zu", &pages) == 1);
	fclose(file);
	return pages * 4096;
}

static void an_untouched_tracker_takes_less_than_4_kib(void **state)
{
	enum { TRACKERS = 2000 };
	porter_tracked *t[TRACKERS];
	size_t before, after;

	(void)state;
	if (under_a_tool())
		skip_because("the tool's memory counts too");
	before = resident_bytes();
	for (size_t i = 0; i < TRACKERS; i++)
		t[i] = porter_tracked_new(NULL);
	after = resident_bytes();
	for (size_t i = 0; i < TRACKERS; i++)
		assert_int_equal(left_at_destroy(t[i]), 0);
	assert_in_range((after - before) / TRACKERS, 0, 4095);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_fresh(two_blocks_of_1024_are_2048_bytes),
		test_fresh(a_block_grows_from_512_to_1024_and_shrinks_to_256),
		test_fresh(blocks_are_freed_in_any_order),
		test_fresh(all_numbers_tell_what_was_done),
		test_fresh(size_0_counts_as_one_allocation_of_0_bytes),
		test_fresh(freeing_null_counts_nothing),
		test_fresh(reallocating_null_counts_an_allocation),
		test_fresh(reallocating_to_0_counts_a_free_and_an_allocation),
		test_fresh(a_reallocation_to_the_same_size_counts_no_bytes),
		test_fresh(the_sizes_asked_for_count_and_no_rounding),
		test_fresh(refusals_count_as_failures_and_nothing_else),
		cmocka_unit_test(
			what_breaks_a_rule_never_reaches_the_underlying_allocator),
		test_fresh(
			a_struct_smaller_than_the_first_is_refused_untouched),
		test_fresh(a_struct_larger_than_known_gets_zeros_at_its_end),
		cmocka_unit_test(destroy_tells_the_bytes_still_in_use),
		cmocka_unit_test(
			a_new_tracker_starts_at_0_whatever_ids_held_before),
		cmocka_unit_test(ten_thousand_trackers_count_each_their_own),
		test_fresh(a_tracker_casts_to_itself_and_others_to_null),
		cmocka_unit_test(an_untouched_tracker_takes_less_than_4_kib),
	};

	return run_all("tracked", tests);
}
