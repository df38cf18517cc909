/* SPDX-License-Identifier: MIT */
/*
 * Families: a parent counts what its descendants use, and binds them.
 */
#define WITHOUT_KINDS
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
	assert_int_equal(porter_tracked_destroy(t), 0);
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

	(void)state;
	errno = 0;
	assert_int_equal(porter_tracked_destroy(root), -1);
	assert_int_equal(errno, EBUSY);
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
	assert_int_equal(porter_tracked_destroy(child), 300);
	assert_int_equal(porter_bytes_used(root), 0);
	x = porter_allocate(of(root), 1000);
	assert_non_null(x);
	porter_free(of(root), x, 1000);
	free(left);
	end(root);
}

static int collect(porter_tracked *child, void *context)
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
	assert_int_equal(porter_tracked_foreach_child(root, collect, seen), 0);
	for (int i = 0; i < 3; i++) {
		o.name = names[i];
		child[i] = porter_tracked_new_with(NULL, &o);
	}
	assert_int_equal(porter_tracked_foreach_child(root, collect, seen), 42);
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

static void a_plain_parent_becomes_one_of_a_family(void **state)
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

/* ---- At work in a child, while another thread comes ---- */

/* Whose free() stops, once, after the block is given back. */
struct gate {
	porter_allocator base;
	pthread_barrier_t inside, go_on;
	bool closed;
};

static void *gate_allocate(porter_allocator *self, size_t size,
			   size_t alignment)
{
	(void)self;
	(void)alignment;
	return malloc(size);
}

static void gate_free(porter_allocator *self, void *ptr, size_t size,
		      size_t alignment)
{
	struct gate *g = (struct gate *)self;

	(void)size;
	(void)alignment;
	free(ptr);
	if (!g->closed)
		return;
	g->closed = false;
	pthread_barrier_wait(&g->inside);
	pthread_barrier_wait(&g->go_on);
}

static void *gate_reallocate(porter_allocator *self, void *ptr, size_t old_size,
			     size_t new_size, size_t alignment)
{
	(void)self;
	(void)old_size;
	(void)alignment;
	return realloc(ptr, new_size);
}

static const struct porter_allocator_vtable gate_table = {
	.size = sizeof(gate_table),
	.name = "gate",
	.allocate = gate_allocate,
	.reallocate = gate_reallocate,
	.free = gate_free,
};

struct busy {
	struct gate gate;
	porter_tracked *root, *mid, *one, *two, *beside;
};

enum { BLOCK = 5000, MANY = 200, GAP = 400000, PEAK = MANY * BLOCK + GAP };

/* Gets room in the one, then is at work in the other, then in the one again. */
static void *busy_in_one(void *context)
{
	struct busy *b = context;
	void *blocks[MANY], *other;

	for (int i = 0; i < MANY; i++)
		blocks[i] = porter_allocate(of(b->one), BLOCK);
	other = porter_allocate(of(b->one), GAP);
	porter_free(of(b->one), other, GAP);
	other = porter_allocate(of(b->two), 1);
	b->gate.closed = true;
	porter_free(of(b->one), blocks[0], BLOCK);
	for (int i = 1; i < MANY; i++)
		porter_free(of(b->one), blocks[i], BLOCK);
	porter_free(of(b->two), other, 1);
	return NULL;
}

static porter_tracked *behind_gate(struct busy *b, porter_tracked *parent,
				   int64_t limit)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent,
					    .limit = limit,
					    .quantum = 65536 };
	porter_tracked *t = porter_tracked_new_with(&b->gate.base, &o);

	assert_non_null(t);
	return t;
}

/*
 * What is being given back is not in use any more, as soon as others have got
 * it: so who comes then must not take it for in use at its peak, whichever
 * child the other thread is at work in; also when its room there was taken back
 * on another's behalf before.
 */
static void peak_beside(bool refused_before)
{
	struct busy b = { .gate.base.vtable = &gate_table };
	pthread_t thread;
	void *mine;

	pthread_barrier_init(&b.gate.inside, NULL, 2);
	pthread_barrier_init(&b.gate.go_on, NULL, 2);
	b.root = behind_gate(&b, NULL, 20 * PEAK);
	b.mid = behind_gate(&b, b.root, 0);
	b.one = behind_gate(&b, b.mid, 0);
	b.two = behind_gate(&b, b.mid, 0);
	b.beside = behind_gate(&b, b.root, 0);
	assert_int_equal(pthread_create(&thread, NULL, busy_in_one, &b), 0);
	pthread_barrier_wait(&b.gate.inside);
	if (refused_before)
		assert_null(porter_allocate(of(b.beside), 20 * PEAK));
	mine = porter_allocate(of(b.one), GAP + BLOCK / 2);
	assert_in_range(porter_peak(b.one).lower, 0, PEAK);
	assert_in_range(porter_peak(b.mid).lower, 0, PEAK);
	assert_in_range(porter_peak(b.root).lower, 0, PEAK);
	assert_true(porter_peak(b.root).upper >= PEAK);
	pthread_barrier_wait(&b.gate.go_on);
	pthread_join(thread, NULL);
	porter_free(of(b.one), mine, GAP + BLOCK / 2);
	end(b.one);
	end(b.two);
	end(b.mid);
	end(b.beside);
	end(b.root);
	pthread_barrier_destroy(&b.gate.inside);
	pthread_barrier_destroy(&b.gate.go_on);
}

static void a_peak_leaves_out_what_is_being_freed_in_a_child(void **state)
{
	(void)state;
	peak_beside(false);
}

static void
a_peak_leaves_out_what_is_being_freed_where_room_was_taken_back(void **state)
{
	(void)state;
	peak_beside(true);
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
		cmocka_unit_test(a_plain_parent_becomes_one_of_a_family),
		cmocka_unit_test(
			a_peak_leaves_out_what_is_being_freed_in_a_child),
		cmocka_unit_test(
			a_peak_leaves_out_what_is_being_freed_where_room_was_taken_back),
	};

	return run_all("family", tests);
}
