/* SPDX-License-Identifier: MIT */
/*
 * porter_malloc() and its relatives: blocks that remember the size asked for.
 */
#include "picky.h"
#include "subjects.h"

#include <string.h>

/* A tracker over the subject, which may be a tracker itself. */
#define TRACKER(t, s, state)            \
	porter_tracked *t;              \
	SUBJECT(s, state);              \
	t = porter_tracked_new((s)->a); \
	assert_non_null(t)

static void end(porter_tracked *t)
{
	assert_int_equal(porter_bytes_used(t), 0);
	assert_int_equal(left_at_destroy(t), 0);
}

static bool is_aligned(const void *ptr)
{
	return ((uintptr_t)ptr & (PORTER_ALIGNMENT - 1)) == 0;
}

static struct porter_stats stats_of(const porter_tracked *t)
{
	struct porter_stats s = { .size = sizeof(s) };

	assert_int_equal(porter_tracked_stats(t, &s), 0);
	return s;
}

static void a_block_remembers_exactly_the_size_asked_for(void **state)
{
	TRACKER(t, s, state);
	for (size_t size = 0; size < 5000; size += size < 100 ? 1 : 97) {
		char *x = porter_malloc(t, size);

		assert_non_null(x);
		assert_true(is_aligned(x));
		assert_int_equal(porter_msize(t, x), size);
		assert_int_equal(porter_bytes_used(t), size);
		memset(x, 0xff, size);
		assert_int_equal(porter_msize(t, x), size);
		porter_mfree(t, x);
		assert_int_equal(porter_bytes_used(t), 0);
	}
	end(t);
}

static void calloc_gives_zeros_and_multiplies(void **state)
{
	TRACKER(t, s, state);
	for (size_t count = 0; count < 70; count += 3) {
		/* Dirt, for the next one to be cleaned of. */
		char *dirty = porter_malloc(t, count * 9), *x;

		memset(dirty, 0xff, count * 9);
		porter_mfree(t, dirty);
		x = porter_calloc(t, count, 9);
		assert_non_null(x);
		assert_true(is_aligned(x));
		assert_int_equal(porter_msize(t, x), count * 9);
		assert_int_equal(porter_bytes_used(t), count * 9);
		for (size_t i = 0; i < count * 9; i++)
			assert_int_equal(x[i], 0);
		porter_mfree(t, x);
	}
	end(t);
}

static void a_product_that_overflows_gets_null_and_enomem(void **state)
{
	static const size_t bad[][2] = {
		{ SIZE_MAX, 2 },
		{ 2, SIZE_MAX },
		{ SIZE_MAX / 2 + 1, 2 }, /* 0, were it not for overflow */
		{ SIZE_MAX / 4 + 1, 8 },
		{ PTRDIFF_MAX, 1 },
		{ 1, (size_t)PTRDIFF_MAX + 1 },
	};

	skip_where_half_may_be_had();
	TRACKER(t, s, state);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		assert_null(porter_calloc(t, bad[i][0], bad[i][1]));
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(stats_of(t).failures, i + 1);
	}
	assert_int_equal(stats_of(t).allocations, 0);
	end(t);
}

static void sizes_whose_header_would_overflow_get_null(void **state)
{
	static const size_t bad[] = {
		SIZE_MAX,
		SIZE_MAX - PORTER_ALIGNMENT,
		SIZE_MAX - PORTER_ALIGNMENT + 1,
		(size_t)PTRDIFF_MAX + 1,
		PTRDIFF_MAX,
		(size_t)PTRDIFF_MAX - PORTER_ALIGNMENT,
		(size_t)PTRDIFF_MAX - PORTER_ALIGNMENT + 1,
	};
	char *x;

	skip_where_half_may_be_had();
	TRACKER(t, s, state);
	x = porter_malloc(t, 40);
	memset(x, 'x', 40);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		assert_null(porter_malloc(t, bad[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(porter_realloc(t, x, bad[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(porter_realloc(t, NULL, bad[i]));
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(stats_of(t).failures, 3 * (i + 1));
	}
	assert_int_equal(porter_msize(t, x), 40);
	assert_int_equal(x[39], 'x');
	assert_int_equal(porter_bytes_used(t), 40);
	assert_int_equal(stats_of(t).reallocations, 0);
	porter_mfree(t, x);
	end(t);
}

static void realloc_keeps_contents_and_counts_the_difference(void **state)
{
	static const size_t sizes[] = { 1,    100, 16,	   5000, 4999, 200000,
					3000, 17,  150000, 1,	 64 };
	size_t size = 10;
	unsigned char *x;

	TRACKER(t, s, state);
	x = porter_malloc(t, size);
	for (size_t i = 0; i < size; i++)
		x[i] = (unsigned char)i;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t kept = size < sizes[i] ? size : sizes[i];

		size = sizes[i];
		x = porter_realloc(t, x, size);
		assert_non_null(x);
		assert_true(is_aligned(x));
		assert_int_equal(porter_msize(t, x), size);
		assert_int_equal(porter_bytes_used(t), size);
		for (size_t j = 0; j < kept; j++)
			assert_int_equal(x[j], (unsigned char)j);
		for (size_t j = 0; j < size; j++)
			x[j] = (unsigned char)j;
	}
	assert_int_equal(stats_of(t).reallocations, ARRAY_SIZE(sizes));
	assert_int_equal(stats_of(t).allocations, 1);
	porter_mfree(t, x);
	end(t);
}

static void realloc_of_null_allocates_and_to_0_frees(void **state)
{
	void *x;

	TRACKER(t, s, state);
	x = porter_realloc(t, NULL, 33);
	assert_int_equal(porter_msize(t, x), 33);
	assert_int_equal(stats_of(t).allocations, 1);
	x = porter_realloc(t, x, 0);
	assert_non_null(x);
	assert_int_equal(porter_msize(t, x), 0);
	assert_int_equal(porter_bytes_used(t), 0);
	assert_int_equal(stats_of(t).allocations, 2);
	assert_int_equal(stats_of(t).frees, 1);
	/* From size 0 up again. */
	x = porter_realloc(t, x, 10);
	assert_int_equal(porter_bytes_used(t), 10);
	porter_mfree(t, x);
	x = porter_realloc(t, NULL, 0);
	assert_non_null(x);
	porter_mfree(t, x);
	end(t);
}

static void a_block_whose_size_is_known_is_freed_by_it(void **state)
{
	struct porter_stats s1;
	void *x, *y, *z;

	TRACKER(t, s, state);
	for (size_t size = 0; size < 5000; size += size < 100 ? 1 : 97) {
		x = porter_malloc(t, size);
		y = porter_calloc(t, size, 1);
		z = porter_realloc(t, porter_malloc(t, 7), size + 1);
		assert_int_equal(porter_bytes_used(t), 3 * size + 1);
		porter_mfree_sized(t, y, size);
		assert_int_equal(porter_bytes_used(t), 2 * size + 1);
		porter_mfree_sized(t, x, size);
		porter_mfree_sized(t, z, size + 1);
		assert_int_equal(porter_bytes_used(t), 0);
	}
	s1 = stats_of(t);
	assert_int_equal(s1.frees, s1.allocations);
	porter_mfree_sized(t, NULL, 0);
	porter_mfree_sized(t, NULL, 100);
	assert_int_equal(stats_of(t).frees, s1.frees);
	assert_int_equal(stats_of(t).total_freed, s1.total_freed);
	end(t);
}

static void null_has_size_0_and_is_freed_by_doing_nothing(void **state)
{
	TRACKER(t, s, state);
	assert_int_equal(porter_msize(t, NULL), 0);
	porter_mfree(t, NULL);
	assert_int_equal(stats_of(t).frees, 0);
	end(t);
}

static void headers_come_from_below_and_do_not_count(void **state)
{
	struct picky picky;
	porter_tracked *t;
	void *x, *y, *z;

	SUBJECT(s, state);
	picky_init(&picky, s->a);
	t = porter_tracked_new(&picky.base);
	x = porter_malloc(t, 100);
	y = porter_calloc(t, 10, 10);
	z = porter_malloc(t, 0);
	x = porter_realloc(t, x, 300);
	assert_int_equal(porter_bytes_used(t), 400);
	assert_int_equal(picky.live_bytes, 400 + 3 * PORTER_ALIGNMENT);
	porter_mfree(t, z);
	porter_mfree_sized(t, y, 100);
	porter_mfree(t, x);
	end(t);
	picky_fini(&picky);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_remembers_exactly_the_size_asked_for),
		cmocka_unit_test(calloc_gives_zeros_and_multiplies),
		cmocka_unit_test(a_product_that_overflows_gets_null_and_enomem),
		cmocka_unit_test(sizes_whose_header_would_overflow_get_null),
		cmocka_unit_test(
			realloc_keeps_contents_and_counts_the_difference),
		cmocka_unit_test(realloc_of_null_allocates_and_to_0_frees),
		cmocka_unit_test(a_block_whose_size_is_known_is_freed_by_it),
		cmocka_unit_test(null_has_size_0_and_is_freed_by_doing_nothing),
		cmocka_unit_test(headers_come_from_below_and_do_not_count),
	};

	return run_all_with_subjects("malloc", tests);
}
