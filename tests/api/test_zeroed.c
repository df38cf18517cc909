/* SPDX-License-Identifier: MIT */
/*
 * Zeroed blocks: all bytes are 0, whoever gives them; and what nobody touched
 * takes no memory.
 */
#define WITHOUT_KINDS
#include "subjects.h"

#include <string.h>

static bool is_zero(const unsigned char *x, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (x[i])
			return false;
	return true;
}

/* ---- Every allocator that comes with the library ---- */

/* Dirt, for the next one to be cleaned of. */
static void leave_dirt(porter_allocator *a, size_t size, size_t alignment)
{
	void *dirty[4];

	for (size_t i = 0; i < ARRAY_SIZE(dirty); i++) {
		dirty[i] = porter_allocate_aligned(a, size, alignment);
		assert_non_null(dirty[i]);
		memset(dirty[i], 0xff, size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirty); i++)
		porter_free_aligned(a, dirty[i], size, alignment);
}

static void all_sizes_and_alignments_are_zero(void **state)
{
	static const size_t sizes[] = { 0,    1,    7,	  8,	 16,	100,
					1000, 4096, 5000, 70000, 300000 };

	SUBJECT(s, state);
	for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t size = sizes[i];
			unsigned char *x;

			leave_dirt(s->a, size, alignment);
			x = s->a->vtable->allocate_zeroed(s->a, size,
							  alignment);
			assert_non_null(x);
			assert_int_equal((uintptr_t)x & (alignment - 1), 0);
			assert_true(is_zero(x, size));
			assert_int_equal(counted(s, (int64_t)size), size);
			/* It is a block like any other. */
			memset(x, 'x', size);
			x = porter_reallocate_aligned(s->a, x, size, size + 9,
						      alignment);
			assert_non_null(x);
			assert_true(size == 0 || x[size - 1] == 'x');
			porter_free_aligned(s->a, x, size + 9, alignment);
		}
	}
}

static void too_much_is_a_failure(void **state)
{
	skip_where_half_may_be_had();
	SUBJECT(s, state);
	for (size_t alignment = 1; alignment <= 4096; alignment *= 8) {
		errno = 0;
		assert_null(s->a->vtable->allocate_zeroed(s->a, PTRDIFF_MAX,
							  alignment));
		assert_int_equal(errno, ENOMEM);
	}
	assert_int_equal(counted(s, 0), 0);
}

static void a_tracker_on_it_is_zero_and_counts(void **state)
{
	porter_tracked *t;

	SUBJECT(s, state);
	t = porter_tracked_new(s->a);
	for (size_t size = 0; size < 20000; size += 1 + size / 3) {
		unsigned char *x;

		leave_dirt(s->a, size + PORTER_ALIGNMENT, PORTER_ALIGNMENT);
		x = porter_calloc(t, 1, size);
		assert_non_null(x);
		assert_true(is_zero(x, size));
		assert_int_equal(porter_msize(t, x), size);
		assert_int_equal(porter_bytes_used(t), size);
		porter_mfree_sized(t, x, size);
	}
	assert_int_equal(left_at_destroy(t), 0);
}

/* ---- Memory that nobody touched ---- */

static porter_tracked *over(porter_allocator *a, int64_t limit)
{
	const struct porter_tracked_options o = { .size = sizeof(o),
						  .limit = limit };
	porter_tracked *t = limit ? porter_tracked_new_with(a, &o) :
				    porter_tracked_new(a);

	assert_non_null(t);
	return t;
}

static const size_t MUCH = (size_t)256 << 20;

static int64_t resident(void)
{
	struct porter_process_usage usage = PORTER_PROCESS_USAGE_INIT;

	must(porter_process_memory(&usage) == 0);
	return usage.resident;
}

/* What is beside it in the process may grow a little, too. */
static bool is_sparse(int64_t before)
{
	return resident() - before < (int64_t)MUCH / 8;
}

static void calloc_of_much(porter_tracked *t)
{
	int64_t before = resident();
	char *x = porter_calloc(t, MUCH / 1024, 1024);

	assert_non_null(x);
	assert_true(is_sparse(before));
	assert_int_equal(porter_bytes_used(t), MUCH);
	assert_int_equal(x[MUCH / 2], 0);
	porter_mfree(t, x);
}

static void calloc_of_much_and_end(porter_tracked *t)
{
	calloc_of_much(t);
	assert_int_equal(left_at_destroy(t), 0);
}

static bool touches_by_itself(porter_allocator *a)
{
	int64_t before = resident();
	char *x = a->vtable->allocate_zeroed(a, MUCH, PORTER_ALIGNMENT);
	bool touches = !is_sparse(before);

	must(x);
	porter_free(a, x, MUCH);
	return touches;
}

static void skip_where_much_is_different(const struct subject *s)
{
	if (under_a_tool())
		skip_because("resident memory is another under a tool");
	if (resident() < 0)
		skip_because("the kernel does not say what is resident");
	/* mimalloc 2.0 does, with mi_calloc() as well. */
	if (strcmp(s->backend, "mimalloc") == 0 && touches_by_itself(s->a))
		skip_because("this mimalloc writes all that it zeroes");
}

static void calloc_of_much_leaves_it_untouched(void **state)
{
	SUBJECT(s, state);
	skip_where_much_is_different(s);
	calloc_of_much_and_end(over(s->a, 0));
	calloc_of_much_and_end(over(s->a, (int64_t)1 << 40));
	calloc_of_much_and_end(over(s->a, (int64_t)MUCH));
}

static void trackers_on_trackers_leave_it_untouched(void **state)
{
	porter_tracked *one, *two, *three;

	SUBJECT(s, state);
	skip_where_much_is_different(s);
	one = over(s->a, 0);
	two = over(porter_tracked_allocator(one), (int64_t)1 << 40);
	three = over(porter_tracked_allocator(two), 0);
	calloc_of_much_and_end(three);
	calloc_of_much_and_end(two);
	assert_int_equal(left_at_destroy(one), 0);
}

static void a_child_leaves_it_untouched(void **state)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *parent;

	SUBJECT(s, state);
	skip_where_much_is_different(s);
	parent = over(NULL, (int64_t)1 << 40);
	o.parent = parent;
	calloc_of_much_and_end(porter_tracked_new_with(s->a, &o));
	assert_int_equal(left_at_destroy(parent), 0);
}

static void alignments_below_1024_leave_it_untouched(void **state)
{
	SUBJECT(s, state);
	skip_where_much_is_different(s);
	for (size_t alignment = 32; alignment < 1024; alignment *= 2) {
		int64_t before = resident();
		char *x = s->a->vtable->allocate_zeroed(s->a, MUCH, alignment);

		assert_non_null(x);
		assert_true(is_sparse(before));
		assert_int_equal(x[MUCH - 1], 0);
		porter_free_aligned(s->a, x, MUCH, alignment);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sizes_and_alignments_are_zero),
		cmocka_unit_test(too_much_is_a_failure),
		cmocka_unit_test(a_tracker_on_it_is_zero_and_counts),
		cmocka_unit_test(calloc_of_much_leaves_it_untouched),
		cmocka_unit_test(trackers_on_trackers_leave_it_untouched),
		cmocka_unit_test(a_child_leaves_it_untouched),
		cmocka_unit_test(alignments_below_1024_leave_it_untouched),
	};

	return run_all_with_subjects("zeroed", tests);
}
