/* SPDX-License-Identifier: MIT */
/*
 * porter_tracked_trim(): evict until no more than so much is charged.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

#include <stdatomic.h>

enum { ENTRIES = 100, EACH = 1000 };

/* A cache: entries of EACH bytes, the last of which is evicted first. */
struct cache {
	porter_tracked *t;
	porter_tracked *trimmed; /* t or an ancestor */
	void *entries[ENTRIES];
	int count, calls;
};

static porter_allocator *of(porter_tracked *t)
{
	return porter_tracked_allocator(t);
}

static porter_tracked *child_of(porter_tracked *parent, int64_t limit)
{
	const struct porter_tracked_options o = {
		.size = sizeof(o),
		.parent = parent,
		.limit = limit,
	};
	porter_tracked *t = porter_tracked_new_with(NULL, &o);

	assert_non_null(t);
	return t;
}

static void fill(struct cache *c, porter_tracked *t)
{
	*c = (struct cache){ .t = t, .trimmed = t };
	while (c->count < ENTRIES) {
		c->entries[c->count] = porter_allocate(of(t), EACH);
		must(c->entries[c->count]);
		c->count++;
	}
}

static int evict(void *context)
{
	struct cache *c = context;

	c->calls++;
	if (c->count == 0)
		return 0;
	porter_free(of(c->t), c->entries[--c->count], EACH);
	return 1;
}

static int64_t trim(struct cache *c, int64_t target)
{
	return porter_tracked_trim(c->trimmed, target, evict, c);
}

static void empty(struct cache *c)
{
	while (c->count)
		porter_free(of(c->t), c->entries[--c->count], EACH);
	assert_int_equal(left_at_destroy(c->t), 0);
}

/* ---- How far ---- */

static void it_evicts_as_often_as_it_takes(struct cache *c)
{
	assert_int_equal(trim(c, 95 * EACH + 1), 95 * EACH);
	assert_int_equal(c->calls, 5);
	assert_int_equal(trim(c, 90 * EACH), 90 * EACH);
	assert_int_equal(c->calls, 10);
	assert_int_equal(trim(c, 90 * EACH - 1), 89 * EACH);
	assert_int_equal(c->calls, 11);
	/* Nothing to do. */
	assert_int_equal(trim(c, 89 * EACH), 89 * EACH);
	assert_int_equal(trim(c, INT64_MAX), 89 * EACH);
	assert_int_equal(c->calls, 11);
	assert_int_equal(trim(c, 0), 0);
	assert_int_equal(c->calls, 100);
	assert_int_equal(trim(c, 0), 0);
	assert_int_equal(c->calls, 100);
}

static void a_tracker_that_only_counts_is_trimmed(void **state)
{
	struct cache c;

	(void)state;
	fill(&c, porter_tracked_new(NULL));
	it_evicts_as_often_as_it_takes(&c);
	empty(&c);
}

static void a_tracker_far_from_its_limit_is_trimmed(void **state)
{
	struct cache c;

	(void)state;
	fill(&c, child_of(NULL, (int64_t)1 << 40));
	it_evicts_as_often_as_it_takes(&c);
	empty(&c);
}

static void a_tracker_at_its_limit_is_trimmed(void **state)
{
	struct cache c;

	(void)state;
	fill(&c, child_of(NULL, ENTRIES * EACH));
	it_evicts_as_often_as_it_takes(&c);
	empty(&c);
}

static void what_is_evicted_in_a_descendant_counts(void **state)
{
	porter_tracked *root = child_of(NULL, 0), *middle = child_of(root, 0);
	porter_tracked *sibling = child_of(root, 0);
	void *x = porter_allocate(of(sibling), 500);
	struct cache c;

	(void)state;
	fill(&c, child_of(middle, 0));
	c.trimmed = root;
	assert_int_equal(trim(&c, 50 * EACH + 500), 50 * EACH + 500);
	assert_int_equal(c.calls, 50);
	assert_int_equal(trim(&c, 0), 500);
	assert_int_equal(c.calls, 101);
	empty(&c);
	porter_free(of(sibling), x, 500);
	assert_int_equal(left_at_destroy(sibling), 0);
	assert_int_equal(left_at_destroy(middle), 0);
	assert_int_equal(left_at_destroy(root), 0);
}

/* ---- When it ends ---- */

static void it_ends_when_there_is_nothing_more(void **state)
{
	struct cache c;
	void *beside;

	(void)state;
	fill(&c, porter_tracked_new(NULL));
	beside = porter_allocate(of(c.t), 12345);
	assert_int_equal(trim(&c, 1), 12345);
	/* Once for each, and once to be told so. */
	assert_int_equal(c.calls, ENTRIES + 1);
	porter_free(of(c.t), beside, 12345);
	empty(&c);
}

static int evict_nothing(void *context)
{
	struct cache *c = context;

	c->calls++;
	return 1;
}

static void it_ends_when_an_eviction_frees_nothing(void **state)
{
	struct cache c;

	(void)state;
	fill(&c, porter_tracked_new(NULL));
	assert_int_equal(porter_tracked_trim(c.t, 0, evict_nothing, &c),
			 ENTRIES * EACH);
	assert_int_equal(c.calls, 1);
	empty(&c);
}

/* Five entries are evicted, then no more, though it says so. */
static int evict_five(void *context)
{
	struct cache *c = context;

	if (c->count > ENTRIES - 5)
		return evict(c);
	return evict_nothing(c);
}

static int evict_one_and_make_two(void *context)
{
	struct cache *c = context;

	c->calls++;
	porter_free(of(c->t), c->entries[--c->count], EACH);
	must(porter_charge(c->t, 2 * EACH) == 0);
	return 1;
}

static void it_ends_when_an_eviction_makes_it_worse(void **state)
{
	struct cache c;

	(void)state;
	fill(&c, porter_tracked_new(NULL));
	assert_int_equal(porter_tracked_trim(c.t, 0, evict_five, &c),
			 (ENTRIES - 5) * EACH);
	assert_int_equal(c.calls, 6);
	c.calls = 0;
	assert_int_equal(
		porter_tracked_trim(c.t, 0, evict_one_and_make_two, &c),
		(ENTRIES - 4) * EACH);
	assert_int_equal(c.calls, 1);
	porter_refund(c.t, 2 * EACH);
	empty(&c);
}

static void senseless_targets_are_refused(void **state)
{
	struct cache c;

	(void)state;
	fill(&c, porter_tracked_new(NULL));
	errno = 0;
	assert_int_equal(trim(&c, -1), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(trim(&c, INT64_MIN), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(porter_tracked_trim(c.t, 0, NULL, &c), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(c.calls, 0);
	empty(&c);
}

/* ---- Where it is called from, and what goes on beside ---- */

static void evict_one(void *context)
{
	struct cache *c = context;

	porter_free(of(c->t), c->entries[--c->count], EACH);
}

static int have_it_evicted(void *context)
{
	struct cache *c = context;

	c->calls++;
	if (c->count == 0)
		return 0;
	in_a_thread(evict_one, c);
	return 1;
}

static void another_thread_may_do_the_freeing(void **state)
{
	struct cache c;

	(void)state;
	fill(&c, porter_tracked_new(NULL));
	assert_int_equal(
		porter_tracked_trim(c.t, 90 * EACH, have_it_evicted, &c),
		90 * EACH);
	assert_int_equal(c.calls, 10);
	empty(&c);
}

static int make_room(porter_tracked *t, size_t size, void *context)
{
	struct cache *c = context;

	return trim(c, porter_tracked_limit(t) - (int64_t)size) <=
	       porter_tracked_limit(t) - (int64_t)size;
}

static void a_cache_makes_room_before_a_refusal(void **state)
{
	porter_tracked *t = child_of(NULL, ENTRIES * EACH);
	struct cache c;
	void *x;

	(void)state;
	fill(&c, t);
	assert_int_equal(porter_tracked_set_on_refused(t, make_room, &c), 0);
	x = porter_allocate(of(t), 10 * EACH + 1);
	assert_non_null(x);
	assert_int_equal(c.calls, 11);
	porter_free(of(t), x, 10 * EACH + 1);
	empty(&c);
}

struct race {
	struct cache c;
	atomic_bool over;
};

static void allocate_or_trim(void *shared, size_t number)
{
	struct race *r = shared;
	size_t rounds = scaled(200);

	for (size_t i = 0; number == 0 && i < rounds; i++) {
		porter_tracked *t = r->c.t;

		must(trim(&r->c, 50 * EACH) >= 0);
		while (r->c.count < ENTRIES) {
			r->c.entries[r->c.count] = porter_allocate(of(t), EACH);
			must(r->c.entries[r->c.count]);
			r->c.count++;
		}
	}
	if (number == 0)
		atomic_store(&r->over, true);
	while (!atomic_load(&r->over)) {
		must(porter_charge(r->c.t, 100) == 0);
		porter_refund(r->c.t, 100);
	}
}

static void it_comes_to_an_end_beside_other_threads(void **state)
{
	struct race r = { .over = false };

	(void)state;
	fill(&r.c, porter_tracked_new(NULL));
	if (!in_threads(threads_allowed(3), allocate_or_trim, &r))
		skip_because("no more threads here");
	empty(&r.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracker_that_only_counts_is_trimmed),
		cmocka_unit_test(a_tracker_far_from_its_limit_is_trimmed),
		cmocka_unit_test(a_tracker_at_its_limit_is_trimmed),
		cmocka_unit_test(what_is_evicted_in_a_descendant_counts),
		cmocka_unit_test(it_ends_when_there_is_nothing_more),
		cmocka_unit_test(it_ends_when_an_eviction_frees_nothing),
		cmocka_unit_test(it_ends_when_an_eviction_makes_it_worse),
		cmocka_unit_test(senseless_targets_are_refused),
		cmocka_unit_test(another_thread_may_do_the_freeing),
		cmocka_unit_test(a_cache_makes_room_before_a_refusal),
		cmocka_unit_test(it_comes_to_an_end_beside_other_threads),
	};

	return run_all("trim", tests);
}
