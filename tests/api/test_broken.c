/* SPDX-License-Identifier: MIT */
/*
 * Broken invariants end the program, with a message that names them; what is
 * only refused changes nothing.
 */
#include "support.h"

#include <portermem/portermem.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void no_core_file(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
}

static void destroy_a_tracker_twice(void *unused)
{
	porter_tracked *t = porter_tracked_new(NULL);

	(void)unused;
	no_core_file();
	porter_tracked_destroy(t, NULL);
	porter_tracked_destroy(t, NULL);
}

static void destroy_a_counter_twice(void *unused)
{
	porter_counter *c = porter_counter_new();

	(void)unused;
	no_core_file();
	porter_counter_destroy(c);
	porter_counter_destroy(c);
}

/* Larger and more aligned than either; not 0, not what the library writes. */
static _Alignas(128) unsigned char garbage[4096];

static void destroy_a_tracker_that_is_none(void *unused)
{
	(void)unused;
	no_core_file();
	memset(garbage, 0x5a, sizeof(garbage));
	porter_tracked_destroy((porter_tracked *)(void *)(garbage + 1024),
			       NULL);
}

static void destroy_a_counter_that_is_none(void *unused)
{
	(void)unused;
	no_core_file();
	memset(garbage, 0x5a, sizeof(garbage));
	porter_counter_destroy((porter_counter *)(void *)(garbage + 1024));
}

static void expect_abort(void (*run)(void *), const char *function,
			 const char *what)
{
	struct child_end end = in_child(run, NULL);

	assert_true(WIFSIGNALED(end.status));
	assert_int_equal(WTERMSIG(end.status), SIGABRT);
	assert_non_null(strstr(end.text, "portermem: "));
	assert_non_null(strstr(end.text, function));
	assert_non_null(strstr(end.text, what));
}

static void a_tracker_destroyed_twice_is_named(void **state)
{
	(void)state;
	expect_abort(destroy_a_tracker_twice, "porter_tracked_destroy",
		     "destroyed already");
}

static void a_counter_destroyed_twice_is_named(void **state)
{
	(void)state;
	expect_abort(destroy_a_counter_twice, "porter_counter_destroy",
		     "destroyed already");
}

static void garbage_is_named(void **state)
{
	(void)state;
	expect_abort(destroy_a_tracker_that_is_none, "porter_tracked_destroy",
		     "no tracker");
	expect_abort(destroy_a_counter_that_is_none, "porter_counter_destroy",
		     "no counter");
}

static void the_default_cannot_be_destroyed(void **state)
{
	porter_allocator *built_in = porter_get_allocator();
	porter_tracked *t = porter_tracked_cast(built_in);
	porter_tracked *own = porter_tracked_new(NULL);
	int64_t leaked = 77;
	void *x;

	(void)state;
	errno = 0;
	assert_int_equal(porter_tracked_destroy(t, &leaked), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(leaked, 77);
	/* It works as before. */
	x = porter_allocate(built_in, 10);
	assert_non_null(x);
	porter_free(built_in, x, 10);

	porter_set_allocator(porter_tracked_allocator(own));
	errno = 0;
	assert_int_equal(porter_tracked_destroy(own, NULL), -1);
	assert_int_equal(errno, EBUSY);
	/* Nor the built-in one, which was replaced: it is never destroyed. */
	errno = 0;
	assert_int_equal(porter_tracked_destroy(t, NULL), -1);
	assert_int_equal(errno, EBUSY);
	porter_set_allocator(built_in);
	assert_int_equal(left_at_destroy(own), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracker_destroyed_twice_is_named),
		cmocka_unit_test(a_counter_destroyed_twice_is_named),
		cmocka_unit_test(garbage_is_named),
		cmocka_unit_test(the_default_cannot_be_destroyed),
	};

	return run_all("broken", tests);
}
