/* SPDX-License-Identifier: MIT */
/*
 * Bounds that are certified (G3), and exact reads under load.
 */
#include "support.h"

#include <portermem/portermem.h>

static void at_rest_the_bounds_are_equal_and_right(void **state)
{
	porter_counter *c = porter_counter_new();
	struct porter_interval seen = porter_counter_interval(c);

	(void)state;
	assert_int_equal(seen.lower, 0);
	assert_int_equal(seen.upper, 0);
	porter_counter_add(c, 100);
	porter_counter_sub(c, 130);
	seen = porter_counter_interval(c);
	assert_int_equal(seen.lower, -30);
	assert_int_equal(seen.upper, -30);
	porter_counter_destroy(c);
}

static void at_rest_the_first_try_is_exact(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	void *x = porter_allocate(a, 77);
	struct porter_interval seen = porter_bytes_used_interval(t);
	int64_t exact = -1;

	(void)state;
	assert_int_equal(seen.lower, 77);
	assert_int_equal(seen.upper, 77);
	assert_int_equal(porter_bytes_used_exact(t, &exact, 1), 0);
	assert_int_equal(exact, 77);
	porter_free(a, x, 77);
	assert_int_equal(left_at_destroy(t), 0);
}

static void no_try_or_no_place_is_einval(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int64_t exact = 4711;

	(void)state;
	errno = 0;
	assert_int_equal(porter_bytes_used_exact(t, NULL, 5), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(porter_bytes_used_exact(t, &exact, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(exact, 4711);
	assert_int_equal(left_at_destroy(t), 0);
}

/*
 * Threads that turn n to n + 1 and back keep the value between n and n + the
 * number of them, at every instant: so bounds that miss that span altogether
 * are wrong, and an exact value lies in it.
 */
enum { UPDATERS = 2, LEVEL = 1000000 };

struct load {
	porter_tracked *t;
	size_t rounds, done, exact, agreed;
};

static void update_or_check(void *arg, size_t number)
{
	struct load *load = arg;
	porter_allocator *a = porter_tracked_allocator(load->t);

	if (number < UPDATERS) {
		for (size_t i = 0; i < load->rounds; i++) {
			void *x = porter_allocate(a, 1);

			must(x);
			porter_free(a, x, 1);
		}
		__atomic_fetch_add(&load->done, 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&load->done, __ATOMIC_ACQUIRE) < UPDATERS) {
		struct porter_interval seen =
			porter_bytes_used_interval(load->t);
		int64_t exact;

		must(seen.lower <= LEVEL + UPDATERS);
		must(seen.upper >= LEVEL);
		must(seen.lower <= seen.upper);
		if (seen.lower == seen.upper) {
			must(seen.lower >= LEVEL);
			must(seen.lower <= LEVEL + UPDATERS);
			load->agreed++;
		}
		if (porter_bytes_used_exact(load->t, &exact, 1000) == 0) {
			must(exact >= LEVEL && exact <= LEVEL + UPDATERS);
			load->exact++;
		}
	}
}

static void under_load_the_bounds_hold_the_true_value(void **state)
{
	struct load load = { .t = porter_tracked_new(NULL),
			     .rounds = scaled(1000000) };
	porter_allocator *a = porter_tracked_allocator(load.t);
	void *x = porter_allocate(a, LEVEL);

	(void)state;
	assert_true(in_threads(UPDATERS + 1, update_or_check, &load));
	print_message("# exact %zu times, agreed %zu times\n", load.exact,
		      load.agreed);
	porter_free(a, x, LEVEL);
	assert_int_equal(left_at_destroy(load.t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_rest_the_bounds_are_equal_and_right),
		cmocka_unit_test(at_rest_the_first_try_is_exact),
		cmocka_unit_test(no_try_or_no_place_is_einval),
		cmocka_unit_test(under_load_the_bounds_hold_the_true_value),
	};

	return run_all("interval", tests);
}
