/* SPDX-License-Identifier: MIT */
/*
 * The rules of allocator.h, row by row, for every allocator that there is.
 */
#include "subjects.h"

#include <string.h>

static const size_t alignments[] = {
	1,   2,	  4,	8,    16,   32,	  64,	 128,
	256, 512, 1024, 2048, 4096, 8192, 65536, 2 * 1024 * 1024,
};

static bool is_aligned(const void *ptr, size_t alignment)
{
	return ((uintptr_t)ptr & (alignment - 1)) == 0;
}

static void size_0_gives_a_block_aligned_as_asked(void **state)
{
	SUBJECT(s, state);
	for (size_t i = 0; i < ARRAY_SIZE(alignments); i++) {
		void *a = porter_allocate_aligned(s->a, 0, alignments[i]);
		void *b = porter_allocate_aligned(s->a, 0, alignments[i]);

		assert_non_null(a);
		assert_non_null(b);
		assert_ptr_not_equal(a, b);
		assert_true(is_aligned(a, alignments[i]));
		assert_true(is_aligned(b, alignments[i]));
		assert_int_equal(counted(s, 0), 0);
		porter_free_aligned(s->a, a, 0, alignments[i]);
		porter_free_aligned(s->a, b, 0, alignments[i]);
	}
}

static void a_block_of_size_0_can_grow(void **state)
{
	SUBJECT(s, state);
	for (size_t i = 0; i < ARRAY_SIZE(alignments); i++) {
		void *a = porter_allocate_aligned(s->a, 0, alignments[i]);

		a = porter_reallocate_aligned(s->a, a, 0, 100, alignments[i]);
		assert_non_null(a);
		assert_true(is_aligned(a, alignments[i]));
		assert_int_equal(counted(s, 100), 100);
		memset(a, 1, 100);
		porter_free_aligned(s->a, a, 100, alignments[i]);
	}
}

static void blocks_are_aligned_as_asked(void **state)
{
	static const size_t sizes[] = { 1, 8, 16, 24, 100, 4096, 200000 };

	SUBJECT(s, state);
	for (size_t i = 0; i < ARRAY_SIZE(alignments); i++) {
		void *held[ARRAY_SIZE(sizes)];

		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			held[j] = porter_allocate_aligned(s->a, sizes[j],
							  alignments[i]);
			assert_non_null(held[j]);
			assert_true(is_aligned(held[j], alignments[i]));
			memset(held[j], (int)j, sizes[j]);
		}
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
			porter_free_aligned(s->a, held[j], sizes[j],
					    alignments[i]);
	}
}

static void
without_an_alignment_blocks_are_aligned_as_malloc_aligns(void **state)
{
	SUBJECT(s, state);
	for (size_t size = 0; size < 300; size++) {
		void *held[5]; /* Neighbours: the first may be so by chance. */

		for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
			held[i] = porter_allocate(s->a, size);
			assert_non_null(held[i]);
			assert_true(is_aligned(held[i], PORTER_ALIGNMENT));
		}
		for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
			held[i] = porter_reallocate(s->a, held[i], size,
						    size / 2 + 1);
			assert_true(is_aligned(held[i], PORTER_ALIGNMENT));
		}
		for (size_t i = 0; i < ARRAY_SIZE(held); i++)
			porter_free(s->a, held[i], size / 2 + 1);
	}
}

static void freeing_nothing_does_nothing(void **state)
{
	SUBJECT(s, state);
	porter_free(s->a, NULL, 0);
	porter_free_aligned(s->a, NULL, 0, 64);
	assert_int_equal(counted(s, 0), 0);
}

static void reallocating_nothing_is_an_allocation(void **state)
{
	void *a, *b;

	SUBJECT(s, state);
	a = porter_reallocate(s->a, NULL, 0, 100);
	b = porter_reallocate_aligned(s->a, NULL, 0, 50, 256);
	assert_non_null(a);
	assert_non_null(b);
	assert_true(is_aligned(b, 256));
	assert_int_equal(counted(s, 150), 150);
	porter_free(s->a, a, 100);
	porter_free_aligned(s->a, b, 50, 256);
	a = porter_reallocate(s->a, NULL, 0, 0);
	assert_non_null(a);
	porter_free(s->a, a, 0);
}

static void reallocating_to_0_frees_and_gives_a_block_of_size_0(void **state)
{
	SUBJECT(s, state);
	for (size_t i = 0; i < ARRAY_SIZE(alignments); i++) {
		void *a = porter_allocate_aligned(s->a, 100, alignments[i]);

		a = porter_reallocate_aligned(s->a, a, 100, 0, alignments[i]);
		assert_non_null(a);
		assert_true(is_aligned(a, alignments[i]));
		assert_int_equal(counted(s, 0), 0);
		/* And to 0 again. */
		a = porter_reallocate_aligned(s->a, a, 0, 0, alignments[i]);
		assert_non_null(a);
		porter_free_aligned(s->a, a, 0, alignments[i]);
	}
}

static void more_than_there_is_gets_null_and_enomem(void **state)
{
	static const size_t sizes[] = {
		(size_t)PTRDIFF_MAX + 1,  SIZE_MAX,
		SIZE_MAX - 4096,	  (size_t)PTRDIFF_MAX,
		(size_t)PTRDIFF_MAX - 64,
	};

	SUBJECT(s, state);
	skip_where_half_may_be_had();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(alignments); j++) {
			errno = 0;
			assert_null(porter_allocate_aligned(s->a, sizes[i],
							    alignments[j]));
			assert_int_equal(errno, ENOMEM);
		}
		errno = 0;
		assert_null(porter_allocate(s->a, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(porter_reallocate(s->a, NULL, 0, sizes[i]));
		assert_int_equal(errno, ENOMEM);
	}
	assert_int_equal(counted(s, 0), 0);
}

static void a_reallocation_that_fails_leaves_the_block_whole(void **state)
{
	static const size_t sizes[] = {
		(size_t)PTRDIFF_MAX + 1,
		SIZE_MAX,
		(size_t)PTRDIFF_MAX,
		(size_t)PTRDIFF_MAX / 2,
	};

	SUBJECT(s, state);
	skip_where_half_may_be_had();
	for (size_t i = 0; i < ARRAY_SIZE(alignments); i++) {
		char *a = porter_allocate_aligned(s->a, 100, alignments[i]);

		memset(a, 'x', 100);
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			errno = 0;
			assert_null(porter_reallocate_aligned(
				s->a, a, 100, sizes[j], alignments[i]));
			assert_int_equal(errno, ENOMEM);
		}
		for (size_t j = 0; j < 100; j++)
			assert_int_equal(a[j], 'x');
		assert_int_equal(counted(s, 100), 100);
		porter_free_aligned(s->a, a, 100, alignments[i]);
	}
}

static void an_alignment_no_power_of_2_gets_null_and_einval(void **state)
{
	static const size_t bad[] = { 0, 3, 5, 24, 48, 4095, SIZE_MAX };
	char *a;

	SUBJECT(s, state);
	a = porter_allocate(s->a, 10);
	memset(a, 'x', 10);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		assert_null(porter_allocate_aligned(s->a, 10, bad[i]));
		assert_int_equal(errno, EINVAL);
		errno = 0;
		assert_null(porter_allocate_aligned(s->a, 0, bad[i]));
		assert_int_equal(errno, EINVAL);
		errno = 0;
		assert_null(porter_reallocate_aligned(s->a, a, 10, 20, bad[i]));
		assert_int_equal(errno, EINVAL);
		errno = 0;
		assert_null(porter_reallocate_aligned(s->a, a, 10, 0, bad[i]));
		assert_int_equal(errno, EINVAL);
		errno = 0;
		assert_null(
			porter_reallocate_aligned(s->a, NULL, 0, 1, bad[i]));
		assert_int_equal(errno, EINVAL);
		assert_int_equal(counted(s, 10), 10);
		assert_int_equal(a[9], 'x');
	}
	porter_free(s->a, a, 10);
}

static void the_largest_alignment_gets_null_and_enomem(void **state)
{
	SUBJECT(s, state);
	if (WITH_ASAN)
		skip_because("libasan itself cannot count so far");
	errno = 0;
	assert_null(porter_allocate_aligned(s->a, 10, SIZE_MAX / 2 + 1));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(counted(s, 0), 0);
}

static void the_functions_are_symbols_too(void **state)
{
	/* Through pointers, so that no compiler can inline them. */
	void *(*volatile allocate)(porter_allocator *, size_t) =
		porter_allocate;
	void *(*volatile reallocate)(porter_allocator *, void *, size_t,
				     size_t) = porter_reallocate;
	void (*volatile release)(porter_allocator *, void *, size_t) =
		porter_free;
	void *a;

	SUBJECT(s, state);
	a = allocate(s->a, 10);
	a = reallocate(s->a, a, 10, 20);
	assert_int_equal(counted(s, 20), 20);
	release(s->a, a, 20);
	assert_int_equal(counted(s, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_0_gives_a_block_aligned_as_asked),
		cmocka_unit_test(a_block_of_size_0_can_grow),
		cmocka_unit_test(blocks_are_aligned_as_asked),
		cmocka_unit_test(
			without_an_alignment_blocks_are_aligned_as_malloc_aligns),
		cmocka_unit_test(freeing_nothing_does_nothing),
		cmocka_unit_test(reallocating_nothing_is_an_allocation),
		cmocka_unit_test(
			reallocating_to_0_frees_and_gives_a_block_of_size_0),
		cmocka_unit_test(more_than_there_is_gets_null_and_enomem),
		cmocka_unit_test(
			a_reallocation_that_fails_leaves_the_block_whole),
		cmocka_unit_test(
			an_alignment_no_power_of_2_gets_null_and_einval),
		cmocka_unit_test(the_largest_alignment_gets_null_and_enomem),
		cmocka_unit_test(the_functions_are_symbols_too),
	};

	return run_all_with_subjects("allocator", tests);
}
