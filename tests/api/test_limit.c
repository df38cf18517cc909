/* SPDX-License-Identifier: MIT */
/*
 * Limits: what the header promises of them. Under load, beside an oracle:
 * tests/stress/limit.c.
 */
#define WITHOUT_KINDS
#include "picky.h"
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <string.h>

static porter_tracked *make(porter_tracked *parent, int64_t limit)
{
	struct porter_tracked_options o = {
		.size = sizeof(o),
		.parent = parent,
		.limit = limit,
	};
	porter_tracked *t = porter_tracked_new_with(NULL, &o);

	assert_non_null(t);
	return t;
}

static porter_allocator *of(porter_tracked *t)
{
	return porter_tracked_allocator(t);
}

static struct porter_stats stats_of(const porter_tracked *t)
{
	struct porter_stats s = { .size = sizeof(s) };

	assert_int_equal(porter_tracked_stats(t, &s), 0);
	return s;
}

static void end(porter_tracked *t)
{
	assert_int_equal(left_at_destroy(t), 0);
}

/* ---- One tracker ---- */

static void all_up_to_the_limit_and_not_a_byte_more(void **state)
{
	porter_tracked *t = make(NULL, 1000);
	void *x = porter_allocate(of(t), 600), *y;

	(void)state;
	errno = 0;
	assert_null(porter_allocate(of(t), 401));
	assert_int_equal(errno, ENOMEM);
	y = porter_allocate(of(t), 400);
	assert_non_null(y);
	assert_null(porter_allocate(of(t), 1));
	assert_int_equal(porter_bytes_used(t), 1000);
	porter_free(of(t), x, 600);
	x = porter_allocate(of(t), 600);
	assert_non_null(x);
	porter_free(of(t), x, 600);
	porter_free(of(t), y, 400);
	end(t);
}

static void a_refusal_counts_as_one_and_changes_nothing_else(void **state)
{
	porter_tracked *t = make(NULL, 1000);
	void *x = porter_allocate(of(t), 600);
	struct porter_stats before = stats_of(t), after;

	(void)state;
	memset(x, 7, 600);
	assert_null(porter_allocate(of(t), 500));
	assert_null(porter_allocate_aligned(of(t), 500, 4096));
	assert_null(porter_reallocate(of(t), x, 600, 1001));
	assert_null(porter_malloc(t, 401));
	assert_null(porter_calloc(t, 401, 1));
	assert_int_equal(((char *)x)[599], 7);
	after = stats_of(t);
	assert_int_equal(after.refusals, 5);
	after.refusals = before.refusals;
	assert_memory_equal(&before, &after, sizeof(before));
	porter_free(of(t), x, 600);
	end(t);
}

static void nothing_of_size_0_is_refused(void **state)
{
	porter_tracked *t = make(NULL, 16);
	void *x = porter_allocate(of(t), 16), *y;

	(void)state;
	y = porter_allocate(of(t), 0);
	assert_non_null(y);
	porter_free(of(t), y, 0);
	porter_free(of(t), x, 16);
	end(t);
}

static void the_largest_sizes_are_refused_at_any_use(void **state)
{
	porter_tracked *t = make(NULL, 1000);
	porter_tracked *free_of_limits = make(NULL, 0);

	(void)state;
	assert_null(porter_allocate(of(t), PTRDIFF_MAX));
	assert_null(porter_allocate(of(t), SIZE_MAX));
	assert_null(porter_malloc(t, PTRDIFF_MAX - 64));
	assert_int_equal(porter_bytes_used(t), 0);
	if (sizeof(size_t) == 8)
		assert_null(porter_allocate(of(free_of_limits), PTRDIFF_MAX));
	assert_int_equal(porter_bytes_used(free_of_limits), 0);
	end(t);
	end(free_of_limits);
}

static void
a_limit_below_what_is_in_use_refuses_until_it_came_down(void **state)
{
	porter_tracked *t = make(NULL, 0);
	void *x = porter_allocate(of(t), 600), *y = porter_allocate(of(t), 400);
	void *z;

	(void)state;
	assert_int_equal(porter_tracked_limit(t), 0);
	assert_int_equal(porter_tracked_set_limit(t, 500), 0);
	assert_int_equal(porter_tracked_limit(t), 500);
	assert_null(porter_allocate(of(t), 1));
	x = porter_reallocate(of(t), x, 600, 550);
	assert_non_null(x);
	x = porter_reallocate(of(t), x, 550, 0); /* gives back, so it may */
	assert_non_null(x);
	porter_free(of(t), x, 0);
	assert_null(porter_allocate(of(t), 101));
	z = porter_allocate(of(t), 100);
	assert_non_null(z);
	assert_int_equal(porter_tracked_set_limit(t, 0), 0);
	x = porter_allocate(of(t), 100000);
	assert_non_null(x);
	porter_free(of(t), x, 100000);
	porter_free(of(t), y, 400);
	porter_free(of(t), z, 100);
	end(t);
}

static void shrinking_makes_room_and_growing_takes_it(void **state)
{
	porter_tracked *t = make(NULL, 1000);
	void *x = porter_allocate(of(t), 1000), *y;

	(void)state;
	x = porter_reallocate(of(t), x, 1000, 300);
	assert_non_null(x);
	y = porter_allocate(of(t), 700);
	assert_non_null(y);
	assert_null(porter_reallocate(of(t), x, 300, 301));
	porter_free(of(t), y, 700);
	x = porter_reallocate(of(t), x, 300, 1000);
	assert_non_null(x);
	porter_free(of(t), x, 1000);
	end(t);
}

static void a_plain_tracker_and_the_default_can_get_a_limit(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_tracked *usual = porter_tracked_cast(porter_get_allocator());
	void *x = porter_allocate(of(t), 700), *y;

	(void)state;
	assert_int_equal(porter_tracked_set_limit(t, 1000), 0);
	assert_ptr_equal(porter_tracked_cast(of(t)), t);
	assert_null(porter_allocate(of(t), 301));
	y = porter_allocate(of(t), 300);
	assert_non_null(y);
	porter_free(of(t), x, 700);
	porter_free(of(t), y, 300);
	end(t);
	assert_int_equal(porter_tracked_set_limit(usual, 1 << 20), 0);
	assert_null(porter_allocate(porter_get_allocator(), (1 << 20) + 1));
	x = porter_allocate(porter_get_allocator(), 1 << 20);
	assert_non_null(x);
	porter_free(porter_get_allocator(), x, 1 << 20);
	assert_int_equal(porter_tracked_set_limit(usual, 0), 0);
}

/* Another thread frees what this one allocated; its room comes back. */
static void *free_1000(void *block)
{
	void **both = block;

	porter_free(both[0], both[1], 1000);
	return NULL;
}

static void what_another_thread_frees_can_be_taken(void **state)
{
	porter_tracked *t = make(NULL, 1000);

	(void)state;
	for (int i = 0; i < 100; i++) {
		void *both[2] = { of(t), porter_allocate(of(t), 1000) };
		pthread_t thread;

		assert_non_null(both[1]);
		assert_null(porter_allocate(of(t), 1));
		assert_int_equal(pthread_create(&thread, NULL, free_1000, both),
				 0);
		pthread_join(thread, NULL);
	}
	assert_int_equal(porter_bytes_used(t), 0);
	end(t);
}

/* Threads that ended, or wait, keep no room from others. */
enum { HOARDERS = 8, LIMIT = 8 << 20 };

static void *use_a_little(void *tracker)
{
	porter_allocator *a = of(tracker);

	for (int i = 0; i < 1000; i++) {
		void *x = porter_allocate(a, 1000);

		must(x);
		porter_free(a, x, 1000);
	}
	return NULL;
}

static void room_that_others_left_is_taken_back(void **state)
{
	porter_tracked *t = make(NULL, LIMIT);
	pthread_t threads[HOARDERS];
	void *all;

	(void)state;
	for (int i = 0; i < HOARDERS; i++)
		must(pthread_create(&threads[i], NULL, use_a_little, t) == 0);
	for (int i = 0; i < HOARDERS; i++)
		pthread_join(threads[i], NULL);
	all = porter_allocate(of(t), LIMIT);
	assert_non_null(all);
	porter_free(of(t), all, LIMIT);
	end(t);
}

static void a_failure_below_leaves_the_limit_as_it_was(void **state)
{
	struct porter_tracked_options o = { .size = sizeof(o), .limit = 1000 };
	static struct picky p;
	struct porter_stats s;
	porter_tracked *t;
	void *x, *y;

	(void)state;
	picky_init(&p, NULL);
	t = porter_tracked_new_with(&p.base, &o);
	x = porter_allocate(of(t), 500);
	for (int i = 0; i < 3; i++) {
		p.fail_at = p.requests + 1;
		errno = 0;
		y = i == 0 ? porter_allocate(of(t), 500) :
		    i == 1 ? porter_malloc(t, 500) :
			     porter_reallocate(of(t), x, 500, 1000);
		assert_null(y);
		assert_int_equal(errno, ENOMEM);
	}
	s = stats_of(t);
	assert_int_equal(s.failures, 3);
	assert_int_equal(s.refusals, 0);
	assert_int_equal(s.bytes_used, 500);
	assert_int_equal(s.total_allocated, 500);
	assert_int_equal(s.total_freed, 0);
	assert_int_equal(s.allocations, 1);
	y = porter_allocate(of(t), 500);
	assert_non_null(y);
	assert_int_equal(porter_peak(t).lower, 1000);
	assert_int_equal(porter_peak(t).upper, 1000);
	porter_free(of(t), x, 500);
	porter_free(of(t), y, 500);
	end(t);
	picky_fini(&p);
}

/* ---- Being asked before a refusal ---- */

struct cache {
	porter_allocator *a;
	void *block;
	int calls, yes;
	porter_tracked *asked;
	size_t size;
};

static int give_up_the_cache(porter_tracked *t, size_t size, void *context)
{
	struct cache *c = context;

	c->calls++;
	c->asked = t;
	c->size = size;
	porter_free(c->a, c->block, c->block ? 800 : 0);
	c->block = NULL;
	return c->yes;
}

static void who_is_asked_before_a_refusal_can_make_room(void **state)
{
	struct cache c = { .yes = 1 };
	struct porter_tracked_options o = {
		.size = sizeof(o),
		.limit = 1000,
		.on_refused = give_up_the_cache,
		.refused_context = &c,
	};
	porter_tracked *t = porter_tracked_new_with(NULL, &o), *child;
	void *x;

	(void)state;
	c.a = of(t);
	c.block = porter_allocate(of(t), 800);
	x = porter_allocate(of(t), 900);
	assert_non_null(x);
	assert_int_equal(c.calls, 1);
	assert_int_equal(c.size, 900);
	assert_ptr_equal(c.asked, t);
	assert_int_equal(stats_of(t).refusals, 0);
	/* One retry, not more, when there is still no room. */
	assert_null(porter_allocate(of(t), 200));
	assert_int_equal(c.calls, 2);
	assert_int_equal(stats_of(t).refusals, 1);
	c.yes = 0;
	assert_null(porter_allocate(of(t), 200));
	assert_int_equal(c.calls, 3);
	/* A child without one of its own: the ancestor is asked. */
	child = make(t, 0);
	assert_null(porter_allocate(of(child), 200));
	assert_int_equal(c.calls, 4);
	assert_ptr_equal(c.asked, child);
	porter_free(of(t), x, 900);
	end(child);
	end(t);
}

static int raise_the_limit(porter_tracked *t, size_t size, void *context)
{
	(void)context;
	return porter_tracked_set_limit(t, porter_tracked_limit(t) +
						   (int64_t)size) == 0;
}

static void who_is_asked_can_raise_the_limit(void **state)
{
	struct porter_tracked_options o = {
		.size = sizeof(o),
		.limit = 1,
		.on_refused = raise_the_limit,
	};
	porter_tracked *t = porter_tracked_new_with(NULL, &o);
	void *x = porter_allocate(of(t), 100);

	(void)state;
	assert_non_null(x);
	x = porter_reallocate(of(t), x, 100, 5000);
	assert_non_null(x);
	porter_free(of(t), x, 5000);
	assert_int_equal(stats_of(t).refusals, 0);
	end(t);
}

/* ---- Options ---- */

static void names_are_copied_and_cut(void **state)
{
	char name[100];
	struct porter_tracked_options o = { .size = sizeof(o), .name = name };
	porter_tracked *t;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	t = porter_tracked_new_with(NULL, &o);
	name[0] = 'y';
	assert_int_equal(strlen(porter_tracked_name(t)), PORTER_NAME_SIZE - 1);
	assert_int_equal(porter_tracked_name(t)[0], 'x');
	end(t);
	t = porter_tracked_new(NULL);
	assert_string_equal(porter_tracked_name(t), "");
	end(t);
}

static void senseless_options_are_refused(void **state)
{
	struct porter_tracked_options good = { .size = sizeof(good) };
	struct porter_tracked_options o = good;
	porter_tracked *t;

	(void)state;
	t = porter_tracked_new_with(NULL, NULL);
	assert_non_null(t);
	errno = 0;
	assert_int_equal(porter_tracked_set_limit(t, -1), -1);
	assert_int_equal(errno, EINVAL);
	end(t);
	for (int i = 0; i < 3; i++) {
		o = good;
		if (i == 0)
			o.size = offsetof(struct porter_tracked_options,
					  quantum);
		o.limit = i == 1 ? -1 : 0;
		o.quantum = i == 2 ? INT64_MIN : 0;
		errno = 0;
		assert_null(porter_tracked_new_with(NULL, &o));
		assert_int_equal(errno, EINVAL);
	}
}

static void a_senseless_limit_is_refused(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL), *bound = make(NULL, 100);

	(void)state;
	errno = 0;
	assert_int_equal(porter_tracked_set_limit(t, -1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(porter_tracked_set_limit(bound, INT64_MIN), -1);
	assert_int_equal(porter_tracked_limit(bound), 100);
	assert_int_equal(porter_tracked_set_limit(t, 0), 0);
	assert_int_equal(porter_tracked_limit(t), 0);
	end(t);
	end(bound);
}

static void any_quantum_and_any_limit_keep_the_promise(void **state)
{
	static const int64_t quanta[] = { 0, 1, 511, 4096, 1 << 20, INT64_MAX };
	static const int64_t limits[] = { 1, 2, 4095, 1 << 20, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quanta); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(limits); k++) {
			struct porter_tracked_options o = {
				.size = sizeof(o),
				.quantum = quanta[i],
				.limit = limits[k],
			};
			porter_tracked *t = porter_tracked_new_with(NULL, &o);
			size_t size = limits[k] < 1 << 22 ? (size_t)limits[k] :
							    1 << 22;

			for (int round = 0; round < 100; round++) {
				void *x = porter_allocate(of(t), size);

				assert_non_null(x);
				if (limits[k] < 1 << 22)
					assert_null(porter_allocate(of(t), 1));
				porter_free(of(t), x, size);
			}
			end(t);
		}
	}
}

static void in_the_child(void *tracker)
{
	porter_tracked *t = tracker;
	void *x;

	must(porter_bytes_used(t) == 600);
	must(!porter_allocate(of(t), 401));
	x = porter_allocate(of(t), 400);
	must(x);
	porter_free(of(t), x, 400);
	must(porter_bytes_used(t) == 600);
}

static void a_child_process_has_the_same_limit(void **state)
{
	porter_tracked *t = make(NULL, 2000);
	void *x = porter_allocate(of(t), 600);

	(void)state;
	use_a_little(t);
	assert_int_equal(porter_tracked_set_limit(t, 1000), 0);
	assert_int_equal(in_child(in_the_child, t).status, 0);
	porter_free(of(t), x, 600);
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_up_to_the_limit_and_not_a_byte_more),
		cmocka_unit_test(
			a_refusal_counts_as_one_and_changes_nothing_else),
		cmocka_unit_test(nothing_of_size_0_is_refused),
		cmocka_unit_test(the_largest_sizes_are_refused_at_any_use),
		cmocka_unit_test(
			a_limit_below_what_is_in_use_refuses_until_it_came_down),
		cmocka_unit_test(shrinking_makes_room_and_growing_takes_it),
		cmocka_unit_test(
			a_plain_tracker_and_the_default_can_get_a_limit),
		cmocka_unit_test(what_another_thread_frees_can_be_taken),
		cmocka_unit_test(room_that_others_left_is_taken_back),
		cmocka_unit_test(a_failure_below_leaves_the_limit_as_it_was),
		cmocka_unit_test(who_is_asked_before_a_refusal_can_make_room),
		cmocka_unit_test(who_is_asked_can_raise_the_limit),
		cmocka_unit_test(names_are_copied_and_cut),
		cmocka_unit_test(senseless_options_are_refused),
		cmocka_unit_test(a_senseless_limit_is_refused),
		cmocka_unit_test(any_quantum_and_any_limit_keep_the_promise),
		cmocka_unit_test(a_child_process_has_the_same_limit),
	};

	return run_all("limit", tests);
}
