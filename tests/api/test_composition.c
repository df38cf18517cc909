/* SPDX-License-Identifier: MIT */
/*
 * Allocators over allocators: trackers over trackers, a user's own above and
 * below, old tables and broken ones.
 */
#include "picky.h"
#include "support.h"

#include <portermem/portermem.h>

#include <string.h>

/* ---- Two deep ---- */

static void a_tracker_over_a_tracker_counts_in_both(void **state)
{
	porter_tracked *inner = porter_tracked_new(NULL);
	porter_tracked *outer =
		porter_tracked_new(porter_tracked_allocator(inner));
	porter_allocator *a = porter_tracked_allocator(outer);
	porter_allocator *b = porter_tracked_allocator(inner);
	void *x, *y;

	(void)state;
	x = porter_allocate(a, 100);
	y = porter_allocate_aligned(b, 10, 128);
	assert_int_equal(porter_bytes_used(outer), 100);
	assert_int_equal(porter_bytes_used(inner), 110);
	x = porter_reallocate(a, x, 100, 40);
	assert_int_equal(porter_bytes_used(outer), 40);
	assert_int_equal(porter_bytes_used(inner), 50);
	porter_free_aligned(b, y, 10, 128);
	porter_free(a, x, 40);
	assert_int_equal(porter_bytes_used(inner), 0);
	assert_int_equal(left_at_destroy(outer), 0);
	assert_int_equal(left_at_destroy(inner), 0);
}

static void a_failure_below_is_counted_in_each_tracker_above(void **state)
{
	struct picky picky;
	porter_tracked *inner, *outer;
	struct porter_stats s = { .size = sizeof(s) };

	(void)state;
	picky_init(&picky, NULL);
	inner = porter_tracked_new(&picky.base);
	outer = porter_tracked_new(porter_tracked_allocator(inner));
	picky.fail_at = 1;
	assert_null(porter_allocate(porter_tracked_allocator(outer), 8));
	assert_int_equal(errno, ENOMEM);
	porter_tracked_stats(inner, &s);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.allocations, 0);
	porter_tracked_stats(outer, &s);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.allocations, 0);
	assert_int_equal(left_at_destroy(outer), 0);
	assert_int_equal(left_at_destroy(inner), 0);
	picky_fini(&picky);
}

static void siblings_over_one_tracker_add_up_in_it(void **state)
{
	porter_tracked *parent = porter_tracked_new(NULL), *child[10];
	void *x[10];

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		child[i] = porter_tracked_new(porter_tracked_allocator(parent));
		x[i] = porter_allocate(porter_tracked_allocator(child[i]),
				       i * 10);
	}
	assert_int_equal(porter_bytes_used(parent), 450);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(porter_bytes_used(child[i]), i * 10);
		porter_free(porter_tracked_allocator(child[i]), x[i], i * 10);
		assert_int_equal(left_at_destroy(child[i]), 0);
	}
	assert_int_equal(left_at_destroy(parent), 0);
}

/* ---- A user's own, above: it embeds, and passes on ---- */

struct tagged {
	porter_allocator base;
	porter_allocator *below;
	size_t calls;
};

static void *tagged_allocate(porter_allocator *self, size_t size,
			     size_t alignment)
{
	struct tagged *g = (struct tagged *)self;

	g->calls++;
	return porter_allocate_aligned(g->below, size, alignment);
}

static void *tagged_reallocate(porter_allocator *self, void *ptr,
			       size_t old_size, size_t new_size,
			       size_t alignment)
{
	struct tagged *g = (struct tagged *)self;

	g->calls++;
	return porter_reallocate_aligned(g->below, ptr, old_size, new_size,
					 alignment);
}

static void tagged_free(porter_allocator *self, void *ptr, size_t size,
			size_t alignment)
{
	struct tagged *g = (struct tagged *)self;

	g->calls++;
	porter_free_aligned(g->below, ptr, size, alignment);
}

/* Static, so what is not named is NULL, as release_unused may be. */
static const struct porter_allocator_vtable tagged_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "tagged",
	.allocate = tagged_allocate,
	.reallocate = tagged_reallocate,
	.free = tagged_free,
};

static void a_users_allocator_stands_above_and_below(void **state)
{
	struct picky picky;
	porter_tracked *t, *top;
	struct tagged tagged;
	porter_allocator *a;
	char *x;

	(void)state;
	picky_init(&picky, NULL);
	t = porter_tracked_new(&picky.base);
	tagged = (struct tagged){ .base = { &tagged_vtable },
				  .below = porter_tracked_allocator(t) };
	top = porter_tracked_new(&tagged.base);
	a = porter_tracked_allocator(top);
	x = porter_allocate_aligned(a, 70, 64);
	memset(x, 'x', 70);
	x = porter_reallocate_aligned(a, x, 70, 700, 64);
	assert_int_equal(x[69], 'x');
	assert_int_equal((uintptr_t)x % 64, 0);
	assert_int_equal(porter_bytes_used(top), 700);
	assert_int_equal(porter_bytes_used(t), 700);
	assert_int_equal(picky.live_bytes, 700);
	porter_free_aligned(a, x, 700, 64);
	assert_int_equal(tagged.calls, 3);
	assert_int_equal(left_at_destroy(top), 0);
	assert_int_equal(left_at_destroy(t), 0);
	picky_fini(&picky);
}

static void the_rules_hold_for_a_users_allocator_by_itself(void **state)
{
	struct tagged tagged = { .base = { &tagged_vtable },
				 .below = porter_backend("system") };
	void *x;

	(void)state;
	errno = 0;
	assert_null(porter_allocate(&tagged.base, SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(porter_allocate_aligned(&tagged.base, 1, 3));
	assert_int_equal(errno, EINVAL);
	porter_free(&tagged.base, NULL, 0);
	assert_int_equal(tagged.calls, 0);
	/* To 0: an allocation and a free, since tables need not know. */
	x = porter_reallocate(&tagged.base, NULL, 0, 5);
	x = porter_reallocate(&tagged.base, x, 5, 0);
	assert_non_null(x);
	assert_int_equal(tagged.calls, 3);
	porter_free(&tagged.base, x, 0);
}

/* What a tracker is, its table says, not the name in it. */
static void a_wrapper_with_a_trackers_name_is_no_tracker(void **state)
{
	porter_tracked *inner = porter_tracked_new(NULL), *outer;
	struct porter_allocator_vtable table = tagged_vtable;
	struct tagged tagged = { .base = { &table },
				 .below = porter_tracked_allocator(inner) };

	(void)state;
	table.name = tagged.below->vtable->name;
	assert_null(porter_tracked_cast(&tagged.base));
	/* Nor where the library looks by itself. */
	errno = 0;
	assert_null(porter_allocate(&tagged.base, SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	outer = porter_tracked_new(&tagged.base);
	assert_int_equal(porter_charge(outer, 10), 0);
	assert_int_equal(porter_bytes_used(inner), 0);
	porter_refund(outer, 10);
	assert_int_equal(left_at_destroy(outer), 0);
	assert_int_equal(left_at_destroy(inner), 0);
}

static void only_trackers_cast_to_trackers(void **state)
{
	struct picky picky;
	struct tagged tagged = { .base = { &tagged_vtable } };
	porter_tracked *inner, *outer;

	(void)state;
	picky_init(&picky, NULL);
	inner = porter_tracked_new(&picky.base);
	outer = porter_tracked_new(porter_tracked_allocator(inner));
	assert_ptr_equal(porter_tracked_cast(porter_tracked_allocator(outer)),
			 outer);
	assert_ptr_equal(porter_tracked_cast(porter_tracked_allocator(inner)),
			 inner);
	assert_null(porter_tracked_cast(&picky.base));
	assert_null(porter_tracked_cast(&tagged.base));
	assert_null(porter_tracked_cast(porter_backend("system")));
	assert_int_equal(left_at_destroy(outer), 0);
	assert_int_equal(left_at_destroy(inner), 0);
	picky_fini(&picky);
}

/* ---- Tables of other sizes ---- */

static void release_unused_goes_down_to_the_last(void **state)
{
	struct picky picky;
	porter_tracked *inner, *outer;

	(void)state;
	picky_init(&picky, NULL);
	inner = porter_tracked_new(&picky.base);
	outer = porter_tracked_new(porter_tracked_allocator(inner));
	porter_release_unused(porter_tracked_allocator(outer));
	assert_int_equal(picky.releases, 1);
	assert_int_equal(left_at_destroy(outer), 0);
	assert_int_equal(left_at_destroy(inner), 0);
	picky_fini(&picky);
}

/* The table as it was before release_unused: nothing may be read behind it. */
struct old_vtable {
	size_t size;
	const char *name;
	void *(*allocate)(porter_allocator *self, size_t size,
			  size_t alignment);
	void *(*reallocate)(porter_allocator *self, void *ptr, size_t old_size,
			    size_t new_size, size_t alignment);
	void (*free)(porter_allocator *self, void *ptr, size_t size,
		     size_t alignment);
};

static void a_table_that_ends_before_release_unused_is_a_table(void **state)
{
	/* From malloc, so that tools see where it ends. */
	struct old_vtable *v = malloc(sizeof(*v));
	struct tagged tagged = { .below = porter_backend("system") };
	porter_tracked *t;
	void *x;

	(void)state;
	*v = (struct old_vtable){ sizeof(*v), "old", tagged_allocate,
				  tagged_reallocate, tagged_free };
	tagged.base.vtable = (const void *)v;
	t = porter_tracked_new(&tagged.base);
	assert_non_null(t);
	x = porter_allocate(porter_tracked_allocator(t), 10);
	assert_int_equal(porter_bytes_used(t), 10);
	porter_release_unused(&tagged.base);
	porter_release_unused(porter_tracked_allocator(t));
	porter_free(porter_tracked_allocator(t), x, 10);
	assert_int_equal(left_at_destroy(t), 0);
	free(v);
}

static void a_table_longer_than_known_is_a_table(void **state)
{
	struct {
		struct porter_allocator_vtable known;
		void (*later)(void);
	} v = { .known = tagged_vtable };
	struct tagged tagged = { .base = { &v.known },
				 .below = porter_backend("system") };
	porter_tracked *t;
	void *x;

	(void)state;
	v.known.size = sizeof(v);
	t = porter_tracked_new(&tagged.base);
	assert_non_null(t);
	x = porter_allocate(porter_tracked_allocator(t), 10);
	porter_release_unused(porter_tracked_allocator(t));
	porter_free(porter_tracked_allocator(t), x, 10);
	assert_int_equal(left_at_destroy(t), 0);
}

static void expect_einval(const porter_allocator *a)
{
	errno = 0;
	assert_null(porter_tracked_new((porter_allocator *)(uintptr_t)a));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(porter_set_allocator((porter_allocator *)(uintptr_t)a));
	assert_int_equal(errno, EINVAL);
}

static void a_table_that_lacks_a_function_is_einval(void **state)
{
	static const size_t sizes[] = {
		0,
		sizeof(size_t),
		offsetof(struct porter_allocator_vtable, allocate),
		offsetof(struct porter_allocator_vtable, reallocate),
		offsetof(struct porter_allocator_vtable, free),
		offsetof(struct porter_allocator_vtable, release_unused) - 1,
	};
	struct porter_allocator_vtable v;
	porter_allocator a = { .vtable = NULL };
	porter_allocator *before = porter_get_allocator();

	(void)state;
	expect_einval(&a);
	a.vtable = &v;
	v = tagged_vtable;
	v.allocate = NULL;
	expect_einval(&a);
	v = tagged_vtable;
	v.reallocate = NULL;
	expect_einval(&a);
	v = tagged_vtable;
	v.free = NULL;
	expect_einval(&a);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		v = tagged_vtable;
		v.size = sizes[i];
		expect_einval(&a);
	}
	assert_ptr_equal(porter_get_allocator(), before);
}

/* ---- Bytes from elsewhere ---- */

static void charged_bytes_count_in_all_trackers_below(void **state)
{
	porter_tracked *inner = porter_tracked_new(NULL);
	porter_tracked *outer =
		porter_tracked_new(porter_tracked_allocator(inner));
	struct porter_stats s = { .size = sizeof(s) };

	(void)state;
	assert_int_equal(porter_charge(outer, 100), 0);
	assert_int_equal(porter_charge(inner, 10), 0);
	assert_int_equal(porter_bytes_used(outer), 100);
	assert_int_equal(porter_bytes_used(inner), 110);
	porter_tracked_stats(inner, &s);
	assert_int_equal(s.allocations, 2);
	errno = 0;
	assert_int_equal(porter_charge(outer, (size_t)PTRDIFF_MAX + 1), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(porter_bytes_used(outer), 100);
	porter_refund(outer, 100);
	porter_refund(inner, 10);
	porter_tracked_stats(inner, &s);
	assert_int_equal(s.frees, 2);
	assert_int_equal(left_at_destroy(outer), 0);
	assert_int_equal(left_at_destroy(inner), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracker_over_a_tracker_counts_in_both),
		cmocka_unit_test(
			a_failure_below_is_counted_in_each_tracker_above),
		cmocka_unit_test(siblings_over_one_tracker_add_up_in_it),
		cmocka_unit_test(a_users_allocator_stands_above_and_below),
		cmocka_unit_test(
			the_rules_hold_for_a_users_allocator_by_itself),
		cmocka_unit_test(only_trackers_cast_to_trackers),
		cmocka_unit_test(a_wrapper_with_a_trackers_name_is_no_tracker),
		cmocka_unit_test(release_unused_goes_down_to_the_last),
		cmocka_unit_test(
			a_table_that_ends_before_release_unused_is_a_table),
		cmocka_unit_test(a_table_longer_than_known_is_a_table),
		cmocka_unit_test(a_table_that_lacks_a_function_is_einval),
		cmocka_unit_test(charged_bytes_count_in_all_trackers_below),
	};

	return run_all("composition", tests);
}
