/* SPDX-License-Identifier: MIT */
/*
 * No memory, at every call in turn: NULL, ENOMEM, and all as before.
 *
 * A script of operations runs again and again; in the n-th run the n-th
 * request fails, until a run has come to its end without a failure. The
 * request fails in an allocator underneath, and in malloc itself, which the
 * tracker calls directly: there it is wrapped by the linker.
 */
#include "picky.h"
#include "support.h"

#include <portermem/portermem.h>

#include <string.h>

/* ---- malloc that fails ---- */

static size_t calls, failing_call;
static bool counting, and_all_later;

static bool call_fails(void)
{
	if (!counting)
		return false;
	calls++;
	return and_all_later ? calls >= failing_call : calls == failing_call;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *__wrap_malloc(size_t size)
{
	return call_fails() ? no_memory() : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return call_fails() ? no_memory() : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
	return call_fails() ? no_memory() : __real_realloc(ptr, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return call_fails() ? no_memory() :
			      __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
	return call_fails() ? ENOMEM :
			      __real_posix_memalign(out, alignment, size);
}

/* ---- The script ---- */

/* What the tracker must say, and how often something failed in this run. */
struct run {
	porter_tracked *t;
	struct porter_stats model;
	bool failed;
};

static void compare(struct run *r)
{
	struct porter_stats now = { .size = sizeof(now) };

	counting = false;
	assert_int_equal(porter_tracked_stats(r->t, &now), 0);
	r->model.size = sizeof(now);
	r->model.bytes_used =
		(int64_t)(r->model.total_allocated - r->model.total_freed);
	assert_memory_equal(&now, &r->model, sizeof(now));
	counting = true;
}

/* Notes what a request gave; true when it was a block. */
static bool gave(struct run *r, const void *block)
{
	if (!block) {
		assert_int_equal(errno, ENOMEM);
		r->model.failures++;
		r->failed = true;
	}
	errno = 0;
	return block != NULL;
}

static void check_bytes(const char *block, size_t size, char byte)
{
	for (size_t i = 0; i < size; i++)
		if (block[i] != byte)
			fail_msg("byte %zu of %zu has changed", i, size);
}

/* The old size in, the new one out; it stays what it was on failure. */
static char *resize(struct run *r, char *x, size_t *size, size_t to,
		    size_t alignment)
{
	porter_allocator *a = porter_tracked_allocator(r->t);
	size_t kept = *size < to ? *size : to;
	char *y = porter_reallocate_aligned(a, x, *size, to, alignment);

	if (!gave(r, y)) {
		check_bytes(x, *size, 'x'); /* The old block is whole. */
		compare(r);
		return x;
	}
	check_bytes(y, kept, 'x');
	if (to == 0) {
		r->model.allocations++;
		r->model.frees++;
		r->model.total_freed += *size;
	} else {
		r->model.reallocations++;
		r->model.total_allocated += to > *size ? to - *size : 0;
		r->model.total_freed += to < *size ? *size - to : 0;
	}
	compare(r);
	*size = to;
	memset(y, 'x', to);
	return y;
}

static void allocate_and_resize(struct run *r, size_t alignment)
{
	static const size_t sizes[] = { 1000, 10, 5000, 0, 3, 200000, 100 };
	porter_allocator *a = porter_tracked_allocator(r->t);
	size_t size = 100;
	char *x = porter_allocate_aligned(a, size, alignment);

	if (!gave(r, x)) {
		compare(r);
		return;
	}
	r->model.allocations++;
	r->model.total_allocated += size;
	compare(r);
	memset(x, 'x', size);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		x = resize(r, x, &size, sizes[i], alignment);
	porter_free_aligned(a, x, size, alignment);
	r->model.frees++;
	r->model.total_freed += size;
	compare(r);
}

static void with_blocks_that_remember(struct run *r, bool zeroed)
{
	char *x = zeroed ? porter_calloc(r->t, 10, 10) :
			   porter_malloc(r->t, 100);
	char *y;

	if (!gave(r, x)) {
		compare(r);
		return;
	}
	r->model.allocations++;
	r->model.total_allocated += 100;
	compare(r);
	memset(x, 'x', 100);
	y = porter_realloc(r->t, x, 5000);
	if (gave(r, y)) {
		r->model.reallocations++;
		r->model.total_allocated += 4900;
		x = y;
	}
	compare(r);
	assert_int_equal(porter_msize(r->t, x), y ? 5000 : 100);
	check_bytes(x, 100, 'x');
	y = porter_realloc(r->t, x, 0);
	if (gave(r, y)) {
		r->model.allocations++;
		r->model.frees++;
		r->model.total_freed = r->model.total_allocated;
		x = y;
	} else {
		check_bytes(x, 100, 'x'); /* It was not freed. */
	}
	compare(r);
	r->model.frees++;
	r->model.total_freed += porter_msize(r->t, x);
	porter_mfree(r->t, x);
	compare(r);
}

static bool run_script(porter_tracked *t)
{
	struct run r = { .t = t };

	for (size_t alignment = 1; alignment <= 8192; alignment *= 2)
		allocate_and_resize(&r, alignment);
	with_blocks_that_remember(&r, false);
	with_blocks_that_remember(&r, true);
	return r.failed;
}

/* ---- Whose n-th call fails ---- */

static void any_request_of_the_allocator_below_may_fail(void **state)
{
	size_t n = 0;
	bool failed;

	(void)state;
	do {
		struct picky picky;
		porter_tracked *t;

		picky_init(&picky, NULL);
		t = porter_tracked_new(&picky.base);
		picky.fail_at = ++n;
		failed = run_script(t);
		assert_int_equal(left_at_destroy(t), 0);
		picky_fini(&picky);
		counting = false;
	} while (failed);
	assert_in_range(n, 100, 1000);
}

static void any_request_of_the_second_below_may_fail(void **state)
{
	size_t n = 0;
	bool failed;

	(void)state;
	do {
		struct picky picky;
		porter_tracked *inner, *outer;

		picky_init(&picky, NULL);
		inner = porter_tracked_new(&picky.base);
		outer = porter_tracked_new(porter_tracked_allocator(inner));
		picky.fail_at = ++n;
		failed = run_script(outer);
		assert_int_equal(left_at_destroy(outer), 0);
		assert_int_equal(left_at_destroy(inner), 0);
		picky_fini(&picky);
		counting = false;
	} while (failed);
}

/* Until a run comes to its end before the call that would have failed. */
static size_t run_until_no_call_fails(void)
{
	failing_call = 0;
	do {
		porter_tracked *t = porter_tracked_new(NULL);

		failing_call++;
		calls = 0;
		counting = true;
		run_script(t);
		counting = false;
		assert_int_equal(left_at_destroy(t), 0);
	} while (calls >= failing_call);
	return failing_call;
}

static void any_call_of_malloc_may_fail(void **state)
{
	(void)state;
	assert_in_range(run_until_no_call_fails(), 100, 1000);
}

static void all_calls_of_malloc_may_fail_from_the_nth_on(void **state)
{
	(void)state;
	and_all_later = true;
	assert_in_range(run_until_no_call_fails(), 100, 1000);
	and_all_later = false;
}

static void the_first_call_of_each_function_may_fail(void **state)
{
	struct porter_stats s = { .size = sizeof(s) };
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	void *x[4];

	(void)state;
	counting = true;
	for (int i = 0; i < 4; i++) {
		calls = 0;
		failing_call = 1;
		errno = 0;
		x[i] = i == 0 ? porter_allocate(a, 10) :
		       i == 1 ? porter_allocate_aligned(a, 10, 64) :
		       i == 2 ? porter_malloc(t, 10) :
				porter_calloc(t, 1, 10);
		assert_null(x[i]);
		assert_int_equal(errno, ENOMEM);
	}
	counting = false;
	porter_tracked_stats(t, &s);
	assert_int_equal(s.failures, 4);
	assert_int_equal(s.allocations, 0);
	assert_int_equal(left_at_destroy(t), 0);
}

static void
a_tracker_or_a_counter_needs_no_malloc_or_fails_cleanly(void **state)
{
	(void)state;
	for (failing_call = 1; failing_call < 5; failing_call++) {
		porter_tracked *t;
		porter_counter *c;

		calls = 0;
		counting = true;
		errno = 0;
		t = porter_tracked_new(NULL);
		assert_true(t || errno == ENOMEM);
		c = porter_counter_new();
		assert_true(c || errno == ENOMEM);
		counting = false;
		porter_counter_destroy(c);
		assert_int_equal(left_at_destroy(t), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_request_of_the_allocator_below_may_fail),
		cmocka_unit_test(any_request_of_the_second_below_may_fail),
		cmocka_unit_test(any_call_of_malloc_may_fail),
		cmocka_unit_test(all_calls_of_malloc_may_fail_from_the_nth_on),
		cmocka_unit_test(the_first_call_of_each_function_may_fail),
		cmocka_unit_test(
			a_tracker_or_a_counter_needs_no_malloc_or_fails_cleanly),
	};

	return run_all("failure", tests);
}
