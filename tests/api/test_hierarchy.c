/* SPDX-License-Identifier: MIT */
/*
 * Hierarchies: a parent counts what its descendants use, and binds them.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

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

static void a_parent_has_what_its_descendants_have(void **state)
{
	porter_tracked *root = make(NULL, 0), *mid = make(root, 0);
	porter_tracked *leaf = make(mid, 0);
	void *x = porter_allocate(of(leaf), 100);
	void *y = porter_allocate(of(mid), 10);
	void *z = porter_allocate(of(root), 1);

	(void)state;
	assert_int_equal(porter_bytes_used(leaf), 100);
	assert_int_equal(porter_bytes_used(mid), 110);
	assert_int_equal(porter_bytes_used(root), 111);
	assert_int_equal(porter_bytes_used_interval(root).lower, 111);
	assert_int_equal(porter_bytes_used_interval(root).upper, 111);
	assert_int_equal(stats_of(root).allocations, 3);
	assert_ptr_equal(porter_tracked_parent(leaf), mid);
	assert_null(porter_tracked_parent(root));
	porter_free(of(leaf), x, 100);
	porter_free(of(mid), y, 10);
	porter_free(of(root), z, 1);
	end(leaf);
	assert_int_equal(stats_of(root).total_allocated, 111);
	assert_int_equal(stats_of(root).total_freed, 111);
	assert_int_equal(stats_of(root).frees, 3);
	end(mid);
	end(root);
}

static void the_limit_of_an_ancestor_binds(void **state)
{
	porter_tracked *root = make(NULL, 1000), *one = make(root, 0);
	porter_tracked *two = make(root, 600);
	void *x = porter_allocate(of(one), 700), *y;

	(void)state;
	assert_null(porter_allocate(of(two), 301));
	assert_int_equal(stats_of(two).refusals, 1);
	assert_int_equal(stats_of(root).refusals, 1);
	assert_int_equal(stats_of(one).refusals, 0);
	y = porter_allocate(of(two), 300);
	assert_non_null(y);
	porter_free(of(one), x, 700);
	assert_null(porter_reallocate(of(two), y, 300, 601));
	y = porter_reallocate(of(two), y, 300, 600);
	assert_non_null(y);
	porter_free(of(two), y, 600);
	end(one);
	end(two);
	end(root);
}

static void a_limit_that_comes_later_binds_the_children_there_are(void **state)
{
	porter_tracked *root = make(NULL, 0), *child = make(root, 0);
	void *x = porter_allocate(of(child), 700), *y;

	(void)state;
	for (int i = 0; i < 100; i++) {
		y = porter_allocate(of(child), 5000);
		porter_free(of(child), y, 5000);
	}
	assert_int_equal(porter_tracked_set_limit(root, 1000), 0);
	assert_null(porter_allocate(of(child), 301));
	y = porter_allocate(of(child), 300);
	assert_non_null(y);
	porter_free(of(child), x, 700);
	porter_free(of(child), y, 300);
	end(child);
	end(root);
}

static void a_parent_outlives_its_children(void **state)
{
	porter_tracked *root = make(NULL, 0), *child = make(root, 0);
	void *x = porter_allocate(of(root), 5);
	int64_t leaked = 77;

	(void)state;
	errno = 0;
	assert_int_equal(porter_tracked_destroy(root, &leaked), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(leaked, 77);
	assert_int_equal(porter_bytes_used(root), 5);
	porter_free(of(root), x, 5);
	end(child);
	end(root);
}

static void what_a_child_leaves_is_gone_from_its_parent(void **state)
{
	porter_tracked *root = make(NULL, 1000), *child = make(root, 0);
	void *left = porter_allocate(of(child), 300), *x;

	(void)state;
	assert_int_equal(left_at_destroy(child), 300);
	assert_int_equal(porter_bytes_used(root), 0);
	x = porter_allocate(of(root), 1000);
	assert_non_null(x);
	porter_free(of(root), x, 1000);
	free(left);
	end(root);
}

static int gather(porter_tracked *child, void *context)
{
	char *names = context;

	strcat(names, porter_tracked_name(child));
	return strcmp(porter_tracked_name(child), "b") == 0 ? 42 : 0;
}

static void children_can_be_visited(void **state)
{
	porter_tracked *root = make(NULL, 0), *child[3];
	struct porter_tracked_options o = { .size = sizeof(o), .parent = root };
	const char *names[3] = { "c", "b", "a" };
	char seen[8] = "";

	(void)state;
	assert_int_equal(porter_tracked_foreach_child(root, gather, seen), 0);
	for (int i = 0; i < 3; i++) {
		o.name = names[i];
		child[i] = porter_tracked_new_with(NULL, &o);
	}
	assert_int_equal(porter_tracked_foreach_child(root, gather, seen), 42);
	assert_string_equal(seen, "ab");
	for (int i = 0; i < 3; i++)
		end(child[i]);
	end(root);
}

static void ten_thousand_children_come_and_go(void **state)
{
	porter_tracked *root = make(NULL, 1 << 20);
	size_t rounds = scaled(10000);

	(void)state;
	for (size_t i = 0; i < rounds; i++) {
		porter_tracked *child = make(root, 1000);
		void *x = porter_allocate(of(child), 1000);

		assert_non_null(x);
		assert_null(porter_allocate(of(child), 1));
		assert_int_equal(porter_bytes_used(root), 1000);
		porter_free(of(child), x, 1000);
		end(child);
	}
	assert_int_equal(stats_of(root).total_allocated, 1000 * rounds);
	assert_int_equal(stats_of(root).refusals, rounds);
	end(root);
}

static void a_plain_parent_becomes_one_of_a_hierarchy(void **state)
{
	porter_tracked *root = porter_tracked_new(NULL), *child;
	void *x = porter_allocate(of(root), 100), *y;

	(void)state;
	child = make(root, 50);
	y = porter_allocate(of(child), 50);
	assert_int_equal(porter_bytes_used(root), 150);
	assert_null(porter_allocate(of(child), 1));
	porter_free(of(root), x, 100);
	porter_free(of(child), y, 50);
	end(child);
	end(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parent_has_what_its_descendants_have),
		cmocka_unit_test(the_limit_of_an_ancestor_binds),
		cmocka_unit_test(
			a_limit_that_comes_later_binds_the_children_there_are),
		cmocka_unit_test(a_parent_outlives_its_children),
		cmocka_unit_test(what_a_child_leaves_is_gone_from_its_parent),
		cmocka_unit_test(children_can_be_visited),
		cmocka_unit_test(ten_thousand_children_come_and_go),
		cmocka_unit_test(a_plain_parent_becomes_one_of_a_hierarchy),
	};

	return run_all("hierarchy", tests);
}
