/* SPDX-License-Identifier: MIT */
/*
 * Blocks that are smaller than malloc's alignment are aligned as asked all the
 * same, whichever malloc is in the process.
 *
 * Built twice: with the malloc that is there, which check-preloaded.sh exchanges,
 * and with one that misaligns whatever it may (odd_malloc.c).
 */
#include "support.h"

#include <portermem/portermem.h>

#include <string.h>

enum { SIZES = 2 * sizeof(void *) + 20, NEIGHBOURS = 40 };

static void check_block(const char *how, const void *block, size_t size,
			size_t alignment)
{
	if (!block || (uintptr_t)block % alignment != 0)
		fail_msg("%s: %zu bytes, to be aligned to %zu, at %p", how,
			 size, alignment, block);
}

static void *zeroed(porter_allocator *a, size_t size, size_t alignment)
{
	unsigned char *block = a->vtable->allocate_zeroed(a, size, alignment);

	check_block("allocate_zeroed", block, size, alignment);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(block[i], 0);
	return block;
}

static void *plain(porter_allocator *a, size_t size, size_t alignment)
{
	void *block = porter_allocate_aligned(a, size, alignment);

	check_block("allocate", block, size, alignment);
	return block;
}

/* One that has come down from a size that was aligned by itself. */
static void *shrunk(porter_allocator *a, size_t size, size_t alignment)
{
	void *block = porter_allocate_aligned(a, size + 100, alignment);

	assert_non_null(block);
	memset(block, 'x', size + 100);
	block = porter_reallocate_aligned(a, block, size + 100, size,
					  alignment);
	check_block("reallocate", block, size, alignment);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(((char *)block)[i], 'x');
	return block;
}

/* Many, since neighbours differ. */
static void neighbours(porter_allocator *a, size_t size, size_t alignment)
{
	void *held[3 * NEIGHBOURS];

	for (size_t i = 0; i < ARRAY_SIZE(held); i += 3) {
		held[i] = plain(a, size, alignment);
		held[i + 1] = zeroed(a, size, alignment);
		held[i + 2] = shrunk(a, size, alignment);
	}
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		porter_free_aligned(a, held[i], size, alignment);
}

static void all_sizes(porter_allocator *a)
{
	for (size_t alignment = 1; alignment <= 64; alignment *= 2)
		for (size_t size = 0; size <= SIZES; size++)
			neighbours(a, size, alignment);
}

static void backends_align_them(void **state)
{
	static const char *const names[] = { "system", "jemalloc", "mimalloc" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		porter_allocator *a = porter_backend(names[i]);

		if (a)
			all_sizes(a);
	}
}

/* What the underlying allocator is asked for beside does not count. */
static void all_sizes_of(porter_tracked *t)
{
	porter_allocator *a = porter_tracked_allocator(t);
	void *one = porter_allocate(a, 1), *three = porter_allocate(a, 3);

	all_sizes(a);
	assert_int_equal(porter_bytes_used(t), 4);
	porter_free(a, one, 1);
	porter_free(a, three, 3);
	assert_int_equal(porter_bytes_used(t), 0);
}

static void trackers_align_them(void **state)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *t = porter_tracked_new(NULL), *bounded, *child, *over;

	(void)state;
	all_sizes_of(t);
	over = porter_tracked_new(porter_tracked_allocator(t));
	all_sizes_of(over);
	o.limit = 1 << 20;
	bounded = porter_tracked_new_with(NULL, &o);
	all_sizes_of(bounded);
	o.limit = 0;
	o.parent = bounded;
	child = porter_tracked_new_with(NULL, &o);
	all_sizes_of(child);
	assert_int_equal(porter_tracked_set_limit(t, 1 << 20), 0);
	all_sizes_of(t);
	assert_int_equal(left_at_destroy(over), 0);
	assert_int_equal(left_at_destroy(t), 0);
	assert_int_equal(left_at_destroy(child), 0);
	assert_int_equal(left_at_destroy(bounded), 0);
	all_sizes(porter_get_allocator());
}

static void blocks_with_a_header_are_aligned(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	for (size_t size = 0; size <= SIZES; size++) {
		void *held[3 * NEIGHBOURS];

		for (size_t i = 0; i < ARRAY_SIZE(held); i += 3) {
			held[i] = porter_malloc(t, size);
			held[i + 1] = porter_calloc(t, size, 1);
			held[i + 2] = porter_realloc(t, porter_malloc(t, 200),
						     size + 1);
		}
		for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
			check_block("porter_malloc() and so on", held[i], size,
				    PORTER_ALIGNMENT);
			porter_mfree(t, held[i]);
		}
	}
	assert_int_equal(left_at_destroy(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backends_align_them),
		cmocka_unit_test(trackers_align_them),
		cmocka_unit_test(blocks_with_a_header_are_aligned),
	};

	return run_all("small blocks", tests);
}
