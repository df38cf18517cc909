/* SPDX-License-Identifier: MIT */
/*
 * The allocator of the process: tracked, replaced atomically. (What the
 * environment has to do with it: tests/check-default.sh.)
 */
#include "support.h"

#include <portermem/portermem.h>

static void the_default_is_tracked(void **state)
{
	porter_allocator *a = porter_get_allocator();
	porter_tracked *t = porter_tracked_cast(a);
	int64_t before;
	void *x;

	(void)state;
	assert_non_null(a);
	assert_non_null(t);
	assert_ptr_equal(porter_get_allocator(), a);
	before = porter_bytes_used(t);
	x = porter_allocate(a, 1024);
	assert_int_equal(porter_bytes_used(t), before + 1024);
	porter_free(a, x, 1024);
	assert_int_equal(porter_bytes_used(t), before);
}

static void set_returns_the_one_before(void **state)
{
	porter_allocator *built_in = porter_get_allocator();
	porter_allocator *system = porter_backend("system");
	porter_tracked *own = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(own);

	(void)state;
	assert_ptr_equal(porter_set_allocator(system), built_in);
	assert_ptr_equal(porter_get_allocator(), system);
	assert_ptr_equal(porter_set_allocator(a), system);
	assert_ptr_equal(porter_get_allocator(), a);
	assert_ptr_equal(porter_set_allocator(a), a);
	assert_ptr_equal(porter_set_allocator(built_in), a);
	assert_ptr_equal(porter_get_allocator(), built_in);
	assert_int_equal(left_at_destroy(own), 0);
}

static void null_is_einval_and_changes_nothing(void **state)
{
	porter_allocator *before = porter_get_allocator();

	(void)state;
	errno = 0;
	assert_null(porter_set_allocator(NULL));
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(porter_get_allocator(), before);
}

/* ---- Side by side ---- */

enum { SETTERS = 2, USERS = 2, CHOICES = 4 };

struct exchange {
	porter_allocator *choices[CHOICES];
	porter_tracked *trackers[CHOICES];
	porter_allocator *first;
	size_t rounds;
	/* How often each was put in, less how often it came out. */
	int64_t in_less_out[CHOICES + 1];
};

static size_t number_of(const struct exchange *e, const porter_allocator *a)
{
	for (size_t i = 0; i < CHOICES; i++)
		if (e->choices[i] == a)
			return i;
	must(a == e->first);
	return CHOICES;
}

static void set_or_use(void *arg, size_t number)
{
	struct exchange *e = arg;

	for (size_t i = 0; i < e->rounds; i++) {
		size_t choice = (i + number) % CHOICES;

		if (number < SETTERS) {
			porter_allocator *before =
				porter_set_allocator(e->choices[choice]);

			__atomic_fetch_add(&e->in_less_out[choice], 1,
					   __ATOMIC_RELAXED);
			__atomic_fetch_sub(
				&e->in_less_out[number_of(e, before)], 1,
				__ATOMIC_RELAXED);
		} else {
			porter_allocator *a = porter_get_allocator();
			void *x;

			number_of(e, a);
			x = porter_allocate(a, 64);
			must(x);
			porter_free(a, x, 64);
		}
	}
}

static void set_is_atomic_under_concurrent_use(void **state)
{
	struct exchange e = { .first = porter_get_allocator(),
			      .rounds = scaled(100000) };
	porter_allocator *last;

	(void)state;
	for (size_t i = 0; i < CHOICES; i++) {
		e.trackers[i] = porter_tracked_new(NULL);
		e.choices[i] = porter_tracked_allocator(e.trackers[i]);
	}
	assert_true(in_threads(SETTERS + USERS, set_or_use, &e));
	last = porter_set_allocator(e.first);
	/* Each came out as often as it was put in: no exchange was lost. */
	e.in_less_out[number_of(&e, last)]--;
	for (size_t i = 0; i < CHOICES; i++)
		assert_int_equal(e.in_less_out[i], 0);
	assert_int_equal(e.in_less_out[CHOICES], -1);
	for (size_t i = 0; i < CHOICES; i++)
		assert_int_equal(left_at_destroy(e.trackers[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_is_tracked),
		cmocka_unit_test(set_returns_the_one_before),
		cmocka_unit_test(null_is_einval_and_changes_nothing),
		cmocka_unit_test(set_is_atomic_under_concurrent_use),
	};

	return run_all("default", tests);
}
