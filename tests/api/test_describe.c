/* SPDX-License-Identifier: MIT */
/*
 * A tracker in a line: what it says, and how it is cut.
 */
#include "support.h"

#include <inttypes.h>
#include <string.h>

static porter_tracked *make(const char *name, porter_tracked *parent)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *t;

	o.name = name;
	o.parent = parent;
	t = porter_tracked_new_with(NULL, &o);
	must(t);
	return t;
}

static void expect_line(const porter_tracked *t, const char *wanted)
{
	char line[1024];

	memset(line, 'x', sizeof(line));
	assert_int_equal(porter_tracked_describe(t, line, sizeof(line)),
			 strlen(wanted));
	assert_string_equal(line, wanted);
}

static void end(porter_tracked *t)
{
	left_at_destroy(t);
}

static void a_tracker_is_told_with_its_blocks_and_its_peak(void **state)
{
	porter_tracked *t = make("cache", NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	void *x, *y;

	(void)state;
	expect_line(t, "cache: 0 bytes in 0 blocks, peak 0");
	x = porter_allocate(a, 4000);
	y = porter_allocate(a, 96);
	expect_line(t, "cache: 4096 bytes in 2 blocks, peak 4096");
	porter_free(a, x, 4000);
	expect_line(t, "cache: 96 bytes in 1 block, peak 4096");
	porter_free(a, y, 96);
	end(t);
}

static void one_without_a_name_is_told_so(void **state)
{
	porter_tracked *t = make(NULL, NULL);

	(void)state;
	assert_int_equal(porter_charge(t, 5), 0);
	expect_line(t, "unnamed: 5 bytes in 1 block, peak 5");
	end(t);
}

/* Without the peak of the parent, which may be an interval. */
static void expect_children(const porter_tracked *t, const char *wanted)
{
	struct porter_interval peak = porter_peak(t);
	char line[1024], number[64];
	const char *rest;

	assert_true(porter_tracked_describe(t, line, sizeof(line)) > 0);
	rest = strstr(line, ", peak ");
	assert_non_null(rest);
	snprintf(number, sizeof(number),
		 peak.lower == peak.upper ? ", peak %" PRId64 :
					    ", peak %" PRId64 " to %" PRId64,
		 peak.lower, peak.upper);
	assert_int_equal(strncmp(rest, number, strlen(number)), 0);
	assert_string_equal(rest + strlen(number), wanted);
}

static void children_are_named_the_largest_first(void **state)
{
	porter_tracked *parent = make("queries", NULL), *child[5];
	static const char *const names[] = { "a", "b", "", "d", "e" };
	static const size_t bytes[] = { 10, 300, 20, 4000, 15 };

	(void)state;
	child[0] = make(names[0], parent);
	assert_int_equal(porter_charge(child[0], bytes[0]), 0);
	expect_children(parent, ", 1 child: a 10");
	for (size_t i = 1; i < 5; i++) {
		child[i] = make(names[i], parent);
		assert_int_equal(porter_charge(child[i], bytes[i]), 0);
		if (i == 2)
			expect_children(parent, ", 3 children: b 300, "
						"unnamed 20, a 10");
	}
	expect_children(parent,
			", 5 children, most in d 4000, b 300, unnamed 20");
	for (size_t i = 0; i < 5; i++)
		end(child[i]);
	end(parent);
}

/* The peak is an interval while a second thread has stock. */
static void use(void *t)
{
	for (int i = 0; i < 100; i++)
		must(porter_charge(t, 10000) == 0);
	for (int i = 0; i < 99; i++)
		porter_refund(t, 10000);
}

static void a_peak_that_is_not_exact_has_both_bounds(void **state)
{
	porter_tracked *t = make("both", NULL);

	(void)state;
	use(t);
	in_a_thread(use, t);
	expect_children(t, "");
	end(t);
}

/* As porter_tracked_destroy() is about to say no more than a number. */
static void it_names_what_is_about_to_leak(void **state)
{
	porter_tracked *t = make("leaky", NULL);
	char line[200];

	(void)state;
	assert_int_equal(porter_charge(t, 123), 0);
	assert_true(porter_tracked_describe(t, line, sizeof(line)) > 0);
	assert_int_equal(left_at_destroy(t), 123);
	assert_string_equal(line, "leaky: 123 bytes in 1 block, peak 123");
}

static void a_name_cannot_break_the_line(void **state)
{
	porter_tracked *t = make("a\nb\r\x1b[2Jc\x7f\xc3\xa9", NULL);

	(void)state;
	expect_line(t, "a?b??[2Jc?\xc3\xa9: 0 bytes in 0 blocks, peak 0");
	end(t);
}

static void a_line_is_cut_where_it_does_not_fit(void **state)
{
	porter_tracked *t = make("x\xc3\xa9y", NULL);
	const char *all = "x\xc3\xa9y: 0 bytes in 0 blocks, peak 0";
	int length = (int)strlen(all);

	(void)state;
	assert_int_equal(porter_tracked_describe(t, NULL, 0), length);
	for (size_t size = 1; size < 100; size++) {
		char line[101];
		size_t kept = size - 1 < strlen(all) ? size - 1 : strlen(all);

		if (kept == 2) /* half of the second character */
			kept = 1;
		memset(line, '#', sizeof(line));
		assert_int_equal(porter_tracked_describe(t, line, size),
				 length);
		assert_int_equal(strlen(line), kept);
		assert_int_equal(strncmp(line, all, kept), 0);
		assert_int_equal(line[size], '#');
	}
	errno = 0;
	assert_int_equal(porter_tracked_describe(t, NULL, 1), -1);
	assert_int_equal(errno, EINVAL);
	end(t);
}

/* As long as names can be, and numbers. */
static void the_longest_line_is_told_whole(void **state)
{
	char name[PORTER_NAME_SIZE];
	porter_tracked *parent, *child[4];
	char line[1024];
	int length;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	parent = make(name, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(child); i++) {
		child[i] = make(name, parent);
		assert_int_equal(porter_charge(child[i], SIZE_MAX >> 7), 0);
	}
	length = porter_tracked_describe(parent, line, sizeof(line));
	assert_int_equal(length, strlen(line));
	assert_true(length > 4 * (PORTER_NAME_SIZE - 1));
	assert_non_null(strstr(line, ", 4 children, most in nnn"));
	for (size_t i = 0; i < ARRAY_SIZE(child); i++)
		end(child[i]);
	end(parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_tracker_is_told_with_its_blocks_and_its_peak),
		cmocka_unit_test(one_without_a_name_is_told_so),
		cmocka_unit_test(children_are_named_the_largest_first),
		cmocka_unit_test(a_peak_that_is_not_exact_has_both_bounds),
		cmocka_unit_test(it_names_what_is_about_to_leak),
		cmocka_unit_test(a_name_cannot_break_the_line),
		cmocka_unit_test(a_line_is_cut_where_it_does_not_fit),
		cmocka_unit_test(the_longest_line_is_told_whole),
	};

	return run_all("describe", tests);
}
