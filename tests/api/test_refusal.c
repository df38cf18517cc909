/* SPDX-License-Identifier: MIT */
/*
 * porter_last_refusal(): what a thread is told about its last one.
 */
#define WITHOUT_KINDS
#include "picky.h"
#include "support.h"

#include <portermem/portermem.h>

#include <string.h>

static porter_tracked *make(const char *name, porter_tracked *parent,
			    int64_t limit)
{
	const struct porter_tracked_options o = {
		.size = sizeof(o),
		.name = name,
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

static void end(porter_tracked *t)
{
	assert_int_equal(left_at_destroy(t), 0);
}

static struct porter_refusal last(void)
{
	struct porter_refusal r = PORTER_REFUSAL_INIT;

	must(porter_last_refusal(&r) == 0);
	must(r.size == sizeof(r));
	must(r.charged + (int64_t)r.asked > r.limit);
	must(r.stock >= 0 && r.stock <= r.limit);
	return r;
}

static bool none(void)
{
	struct porter_refusal r = PORTER_REFUSAL_INIT;

	errno = 0;
	return porter_last_refusal(&r) == -1 && errno == ENOENT;
}

static void refuse(porter_tracked *t, size_t size)
{
	errno = 0;
	must(!porter_allocate(of(t), size));
	must(errno == ENOMEM);
}

/* ---- Which limit it was ---- */

static void the_level_that_refused_is_told(void **state)
{
	porter_tracked *server = make("server", NULL, 1000);
	porter_tracked *queries = make("queries", server, 800);
	porter_tracked *query = make("query 17", queries, 0);
	porter_tracked *cache = make("cache", server, 0);
	void *x = porter_allocate(of(cache), 300);
	void *y = porter_allocate(of(query), 500);
	struct porter_refusal r;

	(void)state;
	refuse(query, 201); /* 300 + 500 + 201 > 1000 */
	r = last();
	assert_string_equal(r.asked_name, "query 17");
	assert_string_equal(r.name, "server");
	assert_int_equal(r.limit, 1000);
	assert_int_equal(r.charged, 800);
	assert_int_equal(r.asked, 201);
	assert_int_equal(r.reserved, 0);

	refuse(query, 301); /* above both: the nearest that refuses */
	r = last();
	assert_string_equal(r.asked_name, "query 17");
	assert_string_equal(r.name, "queries");
	assert_int_equal(r.limit, 800);
	assert_int_equal(r.charged, 500);
	assert_int_equal(r.asked, 301);

	assert_int_equal(porter_tracked_set_limit(query, 600), 0);
	refuse(query, 101);
	r = last();
	assert_string_equal(r.asked_name, "query 17");
	assert_string_equal(r.name, "query 17");
	assert_int_equal(r.limit, 600);
	assert_int_equal(r.charged, 500);
	assert_int_equal(r.asked, 101);
	porter_free(of(query), y, 500);
	porter_free(of(cache), x, 300);
	end(query);
	end(cache);
	end(queries);
	end(server);
}

static void all_ways_to_ask_are_told_of(void **state)
{
	porter_tracked *t = make("t", NULL, 1000);
	char *x = porter_allocate(of(t), 600), *y;

	(void)state;
	refuse(t, 401);
	assert_int_equal(last().asked, 401);
	assert_null(porter_allocate_aligned(of(t), 402, 4096));
	assert_int_equal(last().asked, 402);
	assert_null(porter_reallocate(of(t), x, 600, 1003));
	assert_int_equal(last().asked, 403);
	assert_int_equal(porter_charge(t, 404), -1);
	assert_int_equal(last().asked, 404);
	assert_int_equal(porter_charge(t, 100), 0);
	assert_int_equal(porter_charge_resize(t, 100, 505), -1);
	assert_int_equal(last().asked, 405);
	assert_int_equal(last().charged, 700);
	porter_refund(t, 100);
	assert_null(porter_malloc(t, 406));
	assert_int_equal(last().asked, 406);
	assert_null(porter_calloc(t, 407, 1));
	assert_int_equal(last().asked, 407);
	y = porter_malloc(t, 200);
	assert_null(porter_realloc(t, y, 608));
	assert_int_equal(last().asked, 408);
	assert_int_equal(last().charged, 800);
	porter_mfree(t, y);
	porter_free(of(t), x, 600);
	/* What came after has not changed it. */
	assert_int_equal(last().asked, 408);
	assert_int_equal(last().charged, 800);
	end(t);
}

/* ---- Failures that are no refusals ---- */

static void fail_otherwise(porter_tracked *t, int how)
{
	static const bool narrow = PTRDIFF_MAX <= INT32_MAX;
	void *block;

	/* A malloc whose addresses have 32 bits may have as much as that. */
	if (narrow && (how == 2 || how == 3 || how == 6 || how == 7))
		how = 0;
	switch (how) {
	case 0:
		must(!porter_allocate(of(t), SIZE_MAX));
		break;
	case 1:
		must(!porter_allocate_aligned(of(t), 10, 3));
		break;
	case 2: /* malloc has none */
		must(!porter_allocate(of(t), PTRDIFF_MAX));
		break;
	case 3:
		must(!porter_malloc(t, PTRDIFF_MAX));
		break;
	case 4:
		must(!porter_calloc(t, SIZE_MAX, 2));
		break;
	case 5:
		must(porter_charge(t, SIZE_MAX) == -1);
		break;
	case 6:
		must(!porter_allocate_aligned(of(t), PTRDIFF_MAX - 4096, 4096));
		break;
	case 7:
		block = porter_allocate(of(t), 10);
		must(block &&
		     !porter_reallocate(of(t), block, 10, PTRDIFF_MAX));
		porter_free(of(t), block, 10);
		break;
	default:
		must(!porter_allocate_aligned(porter_backend("system"), 1, 3));
	}
}

static void another_failure_is_not_blamed_on_a_limit(void **state)
{
	porter_tracked *small = make("small", NULL, 1000);
	porter_tracked *free_one = make("free", NULL, 0);
	porter_tracked *above = porter_tracked_new(of(free_one));
	void *block;

	(void)state;
	for (int how = 0; how < 9; how++) {
		refuse(small, 1001);
		assert_int_equal(last().asked, 1001);
		block = porter_allocate(of(free_one), 100);
		assert_int_equal(last().asked, 1001); /* that was no failure */
		porter_free(of(free_one), block, 100);
		fail_otherwise(free_one, how);
		assert_true(none());
		refuse(small, 1002);
		fail_otherwise(above, how);
		assert_true(none());
	}
	end(above);
	end(free_one);
	end(small);
}

static int make_requests_that_fail(porter_tracked *t, size_t size,
				   void *context)
{
	(void)t;
	(void)size;
	fail_otherwise(context, 0);
	return 0;
}

static void what_on_refused_does_hides_no_refusal(void **state)
{
	porter_tracked *t = make("t", NULL, 1000), *other = make("o", NULL, 0);

	(void)state;
	assert_int_equal(porter_tracked_set_on_refused(
				 t, make_requests_that_fail, other),
			 0);
	refuse(t, 1001);
	assert_int_equal(last().asked, 1001);
	assert_string_equal(last().name, "t");
	end(other);
	end(t);
}

/* Threads have stock of the level that refuses what would never fit. */
static void what_is_charged_is_not_told_too_low(void **state)
{
	porter_tracked *parent = make("parent", NULL, 1 << 20);
	porter_tracked *child = make("child", parent, 0);
	void *blocks[80];
	struct porter_refusal r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		blocks[i] = porter_allocate(of(child), 1000);
		refuse(child, 80 << 20);
		r = last();
		assert_true(r.charged >= 1000 * (int64_t)(i + 1));
		assert_true(r.charged - r.stock <= 1000 * (int64_t)(i + 1));
		assert_true(r.charged >= r.largest[0].bytes_used);
	}
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		porter_free(of(child), blocks[i], 1000);
	end(child);
	end(parent);
}

static void a_limit_that_was_set_later_is_told_of(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	void *x = porter_allocate(of(t), 600);
	struct porter_refusal r;

	(void)state;
	assert_int_equal(porter_tracked_set_limit(t, 500), 0);
	refuse(t, 1);
	r = last();
	assert_string_equal(r.asked_name, "");
	assert_string_equal(r.name, "");
	assert_int_equal(r.limit, 500);
	assert_int_equal(r.charged, 600);
	assert_int_equal(r.asked, 1);
	porter_free(of(t), x, 600);
	end(t);
}

static void a_tracker_below_refuses_in_its_own_name(void **state)
{
	porter_tracked *below = make("below", NULL, 100);
	porter_tracked *above = porter_tracked_new(of(below));
	struct porter_refusal r;

	(void)state;
	refuse(above, 101);
	r = last();
	assert_string_equal(r.asked_name, "below");
	assert_string_equal(r.name, "below");
	end(above);
	end(below);
}

/* ---- The largest children ---- */

static void the_largest_children_are_told_the_largest_first(void **state)
{
	static const struct {
		const char *name;
		size_t size;
	} kinds[] = {
		{ "a", 100 }, { "b", 400 }, { "c", 0 },
		{ "d", 300 }, { "e", 200 },
	};
	porter_tracked *parent = make("parent", NULL, 1000);
	porter_tracked *children[ARRAY_SIZE(kinds)];
	void *blocks[ARRAY_SIZE(kinds)];
	struct porter_refusal r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		children[i] = make(kinds[i].name, parent, 0);
		blocks[i] = porter_allocate(of(children[i]), kinds[i].size);
		assert_non_null(blocks[i]);
	}
	refuse(children[2], 1);
	r = last();
	assert_string_equal(r.asked_name, "c");
	assert_string_equal(r.name, "parent");
	assert_int_equal(r.children_count, 3);
	assert_string_equal(r.largest[0].name, "b");
	assert_int_equal(r.largest[0].bytes_used, 400);
	assert_string_equal(r.largest[1].name, "d");
	assert_int_equal(r.largest[1].bytes_used, 300);
	assert_string_equal(r.largest[2].name, "e");
	assert_int_equal(r.largest[2].bytes_used, 200);

	/* They are as they are now, the rest is as it was. */
	porter_free(of(children[1]), blocks[1], 400);
	r = last();
	assert_int_equal(r.charged, 1000);
	assert_string_equal(r.largest[0].name, "d");
	assert_string_equal(r.largest[2].name, "a");
	blocks[1] = porter_allocate(of(children[1]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		porter_free(of(children[i]), blocks[i],
			    i == 1 ? 0 : kinds[i].size);
		if (i != 2)
			end(children[i]);
	}
	r = last();
	assert_int_equal(r.children_count, 1);
	assert_string_equal(r.largest[0].name, "c");
	assert_int_equal(r.largest[0].bytes_used, 0);
	assert_string_equal(r.largest[1].name, "");
	end(children[2]);
	end(parent);
}

static void grandchildren_count_in_their_parents(void **state)
{
	porter_tracked *root = make("root", NULL, 1000);
	porter_tracked *child = make("child", root, 0);
	porter_tracked *grandchild = make("grandchild", child, 0);
	void *x = porter_allocate(of(grandchild), 700);
	struct porter_refusal r;

	(void)state;
	refuse(grandchild, 301);
	r = last();
	assert_string_equal(r.name, "root");
	assert_int_equal(r.children_count, 1);
	assert_string_equal(r.largest[0].name, "child");
	assert_int_equal(r.largest[0].bytes_used, 700);
	/* Of the one whose limit it was, not of the root. */
	assert_int_equal(porter_tracked_set_limit(grandchild, 800), 0);
	refuse(grandchild, 101);
	assert_int_equal(last().children_count, 0);
	porter_free(of(grandchild), x, 700);
	end(grandchild);
	end(child);
	end(root);
}

/* ---- Whose it is, and how long ---- */

static void was_refused_elsewhere(void *tracker)
{
	must(none());
	refuse(tracker, 222);
	must(last().asked == 222);
}

static void is_not_refused(void *unused)
{
	(void)unused;
	must(none());
}

static void each_thread_has_its_own(void **state)
{
	porter_tracked *t = make("t", NULL, 100);

	(void)state;
	refuse(t, 111);
	in_a_thread(was_refused_elsewhere, t);
	assert_int_equal(last().asked, 111);
	/* A thread that goes on in the slot of one that has ended. */
	in_a_thread(was_refused_elsewhere, t);
	in_a_thread(is_not_refused, t);
	end(t);
}

static void it_goes_with_the_trackers_that_it_is_about(void **state)
{
	porter_tracked *parent = make("parent", NULL, 100);
	porter_tracked *child = make("child", parent, 0);
	porter_tracked *others[100];

	(void)state;
	refuse(child, 101);
	assert_string_equal(last().asked_name, "child");
	end(child);
	assert_true(none());
	/* What comes in its place is another. */
	child = make("other", parent, 0);
	assert_true(none());
	refuse(child, 102);
	assert_string_equal(last().asked_name, "other");
	end(child);
	refuse(parent, 103);
	assert_string_equal(last().asked_name, "parent");
	end(parent);
	assert_true(none());
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = make("other", NULL, 0);
	assert_true(none());
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		end(others[i]);
}

static void in_the_child(void *unused)
{
	(void)unused;
	must(last().asked == 111);
}

static void the_child_of_a_fork_has_it_too(void **state)
{
	porter_tracked *t = make("t", NULL, 100);

	(void)state;
	refuse(t, 111);
	assert_int_equal(in_child(in_the_child, NULL).status, 0);
	end(t);
}

static void what_fails_below_was_not_refused(void **state)
{
	const struct porter_tracked_options o = { .size = sizeof(o),
						  .limit = 100000 };
	struct picky picky;
	porter_tracked *t;

	(void)state;
	picky_init(&picky, NULL);
	t = porter_tracked_new_with(&picky.base, &o);
	refuse(t, 100001);
	picky.fail_at = 1;
	picky.fail_after = true;
	assert_null(porter_allocate(of(t), 10));
	/* There may be a tracker under the program's own allocator. */
	assert_int_equal(last().asked, 100001);
	assert_null(porter_allocate(of(t), SIZE_MAX));
	assert_true(none());
	end(t);
	picky_fini(&picky);
}

static void senseless_questions_are_refused(void **state)
{
	porter_tracked *t = make("t", NULL, 100);
	struct {
		struct porter_refusal r;
		char beyond[16];
	} larger;
	struct porter_refusal r = PORTER_REFUSAL_INIT;

	(void)state;
	refuse(t, 101);
	errno = 0;
	assert_int_equal(porter_last_refusal(NULL), -1);
	assert_int_equal(errno, EINVAL);
	r.size = sizeof(r) - 1;
	r.asked = 7;
	errno = 0;
	assert_int_equal(porter_last_refusal(&r), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(r.asked, 7);
	/* A struct of a version to come. */
	memset(&larger, 0xff, sizeof(larger));
	larger.r.size = sizeof(larger);
	assert_int_equal(porter_last_refusal(&larger.r), 0);
	assert_int_equal(larger.r.size, sizeof(larger));
	assert_int_equal(larger.r.asked, 101);
	for (size_t i = 0; i < sizeof(larger.beyond); i++)
		assert_int_equal(larger.beyond[i], 0);
	end(t);
	/* Without a refusal, nothing is written. */
	r.size = sizeof(r);
	assert_int_equal(porter_last_refusal(&r), -1);
	assert_int_equal(r.asked, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_level_that_refused_is_told),
		cmocka_unit_test(all_ways_to_ask_are_told_of),
		cmocka_unit_test(another_failure_is_not_blamed_on_a_limit),
		cmocka_unit_test(what_on_refused_does_hides_no_refusal),
		cmocka_unit_test(what_is_charged_is_not_told_too_low),
		cmocka_unit_test(a_limit_that_was_set_later_is_told_of),
		cmocka_unit_test(a_tracker_below_refuses_in_its_own_name),
		cmocka_unit_test(
			the_largest_children_are_told_the_largest_first),
		cmocka_unit_test(grandchildren_count_in_their_parents),
		cmocka_unit_test(each_thread_has_its_own),
		cmocka_unit_test(it_goes_with_the_trackers_that_it_is_about),
		cmocka_unit_test(the_child_of_a_fork_has_it_too),
		cmocka_unit_test(what_fails_below_was_not_refused),
		cmocka_unit_test(senseless_questions_are_refused),
	};

	return run_all("refusal", tests);
}
