/* SPDX-License-Identifier: MIT */
/*
 * Zeroed blocks from allocators of a program's own: from those that have zeroed
 * memory, those that do not say so, and those whose table has no place for it.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

#include <string.h>

static bool is_zero(const unsigned char *x, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (x[i])
			return false;
	return true;
}

/* Gives blocks that are full of dirt, unless it is asked for zeroed ones. */
struct own {
	porter_allocator base;
	int zeroed, plain;
	bool fails;
};

static void *own_allocate(porter_allocator *self, size_t size, size_t alignment)
{
	struct own *own = (struct own *)self;
	void *block = own->fails ? NULL : malloc(size);

	(void)alignment;
	own->plain++;
	if (!block) {
		errno = ENOMEM;
		return NULL;
	}
	return memset(block, 0xff, size);
}

static void *own_zeroed(porter_allocator *self, size_t size, size_t alignment)
{
	struct own *own = (struct own *)self;
	void *block = own_allocate(self, size, alignment);

	own->plain--;
	own->zeroed++;
	return block ? memset(block, 0, size) : NULL;
}

static void *own_reallocate(porter_allocator *self, void *ptr, size_t old_size,
			    size_t new_size, size_t alignment)
{
	(void)self;
	(void)old_size;
	(void)alignment;
	return realloc(ptr, new_size);
}

static void own_free(porter_allocator *self, void *ptr, size_t size,
		     size_t alignment)
{
	(void)self;
	(void)size;
	(void)alignment;
	free(ptr);
}

static struct porter_allocator_vtable own_table(void)
{
	struct porter_allocator_vtable v = PORTER_ALLOCATOR_VTABLE_INIT;

	v.name = "own";
	v.allocate = own_allocate;
	v.reallocate = own_reallocate;
	v.free = own_free;
	return v;
}

static porter_tracked *over(porter_allocator *a, int64_t limit)
{
	const struct porter_tracked_options o = { .size = sizeof(o),
						  .limit = limit };
	porter_tracked *t = limit ? porter_tracked_new_with(a, &o) :
				    porter_tracked_new(a);

	assert_non_null(t);
	return t;
}

static void calloc_over(struct own *own, int64_t limit)
{
	porter_tracked *t = over(&own->base, limit);
	unsigned char *x = porter_calloc(t, 100, 10);
	struct porter_stats s = PORTER_STATS_INIT;

	assert_non_null(x);
	assert_true(is_zero(x, 1000));
	assert_int_equal(porter_tracked_stats(t, &s), 0);
	assert_int_equal(s.allocations, 1);
	assert_int_equal(s.bytes_used, 1000);
	own->fails = true;
	errno = 0;
	assert_null(porter_calloc(t, 100, 10));
	assert_int_equal(errno, ENOMEM);
	own->fails = false;
	assert_int_equal(porter_tracked_stats(t, &s), 0);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.allocations, 1);
	assert_int_equal(s.total_allocated, 1000);
	porter_mfree(t, x);
	assert_int_equal(left_at_destroy(t), 0);
}

static void a_table_that_ends_before_it_is_done_without(void **state)
{
	struct porter_allocator_vtable v = own_table();
	struct own own = { .base = { &v } };

	(void)state;
	/* What lies behind its end is not of the table. */
	v.allocate_zeroed = own_zeroed;
	v.size = offsetof(struct porter_allocator_vtable, allocate_zeroed);
	calloc_over(&own, 0);
	calloc_over(&own, 5000);
	v.size = offsetof(struct porter_allocator_vtable, release_unused);
	calloc_over(&own, 0);
	assert_int_equal(own.zeroed, 0);
	assert_int_equal(own.plain, 6);
}

static void a_table_may_have_null_there(void **state)
{
	struct porter_allocator_vtable v = own_table();
	struct own own = { .base = { &v } };

	(void)state;
	calloc_over(&own, 0);
	calloc_over(&own, 5000);
	assert_int_equal(own.plain, 4);
}

static void who_has_zeroed_memory_is_asked_for_it(void **state)
{
	struct porter_allocator_vtable v = own_table();
	struct own own = { .base = { &v } };
	porter_tracked *one, *two;
	void *x, *y;

	(void)state;
	v.allocate_zeroed = own_zeroed;
	calloc_over(&own, 0);
	calloc_over(&own, 5000);
	assert_int_equal(own.zeroed, 4);
	assert_int_equal(own.plain, 0);
	/* Through trackers as well; and no more often than need be. */
	one = over(&own.base, 0);
	two = over(porter_tracked_allocator(one), 5000);
	x = porter_calloc(two, 1, 100);
	y = porter_malloc(two, 100);
	assert_true(is_zero(x, 100));
	assert_int_equal(own.zeroed, 5);
	assert_int_equal(own.plain, 1);
	porter_mfree(two, y);
	porter_mfree(two, x);
	assert_int_equal(left_at_destroy(two), 0);
	assert_int_equal(left_at_destroy(one), 0);
}

static void a_tracker_refuses_zeroed_blocks_as_others(void **state)
{
	porter_tracked *t = over(NULL, 1000);
	porter_allocator *a = porter_tracked_allocator(t);
	struct porter_stats s = PORTER_STATS_INIT;
	void *x;

	(void)state;
	for (size_t alignment = 1; alignment <= 4096; alignment *= 4) {
		errno = 0;
		assert_null(a->vtable->allocate_zeroed(a, 1001, alignment));
		assert_int_equal(errno, ENOMEM);
		x = a->vtable->allocate_zeroed(a, 1000, alignment);
		assert_non_null(x);
		assert_int_equal(porter_bytes_used(t), 1000);
		porter_free_aligned(a, x, 1000, alignment);
	}
	assert_null(porter_calloc(t, 1001, 1));
	assert_int_equal(porter_tracked_stats(t, &s), 0);
	assert_int_equal(s.refusals, 8);
	assert_int_equal(s.failures, 0);
	assert_int_equal(left_at_destroy(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_that_ends_before_it_is_done_without),
		cmocka_unit_test(a_table_may_have_null_there),
		cmocka_unit_test(who_has_zeroed_memory_is_asked_for_it),
		cmocka_unit_test(a_tracker_refuses_zeroed_blocks_as_others),
	};

	return run_all("zeroed, own", tests);
}
