/* SPDX-License-Identifier: MIT */
/*
 * Peaks while an operation is under way: it has asked for a block and has not
 * got it, or has given one back and has not counted that. One thread does that,
 * in an underlying allocator that stops; another comes, or looks, or begins a
 * new period.
 */
#define WITHOUT_KINDS
#include "support.h"

#include "gate.h"

#include <portermem/portermem.h>

#include <pthread.h>

/* ---- In a family ---- */

enum { BLOCK = 5000, MANY = 200, GAP = 400000, PEAK = MANY * BLOCK + GAP };

struct family {
	porter_tracked *root, *mid, *one, *two, *beside;
};

/* Gets room in the one, then is at work in the other, then in the one again. */
static void *busy_in_one(void *context)
{
	struct family *f = context;
	void *blocks[MANY], *other;

	for (int i = 0; i < MANY; i++)
		blocks[i] = porter_allocate(of(f->one), BLOCK);
	other = porter_allocate(of(f->one), GAP);
	porter_free(of(f->one), other, GAP);
	other = porter_allocate(of(f->two), 1);
	gate.closed = AFTER_FREE;
	porter_free(of(f->one), blocks[0], BLOCK);
	for (int i = 1; i < MANY; i++)
		porter_free(of(f->one), blocks[i], BLOCK);
	porter_free(of(f->two), other, 1);
	return NULL;
}

/*
 * What is being given back is not in use any more, as soon as others have got
 * it: so who comes then must not take it for in use at its peak, whichever
 * child the other thread is at work in; also when its room there was taken back
 * on another's behalf before.
 */
static void peak_beside(bool refused_before)
{
	struct family f;
	void *mine;

	gate_init();
	f.root = behind_gate(NULL, 20 * PEAK);
	f.mid = behind_gate(f.root, 0);
	f.one = behind_gate(f.mid, 0);
	f.two = behind_gate(f.mid, 0);
	f.beside = behind_gate(f.root, 0);
	start(busy_in_one, &f);
	if (refused_before)
		assert_null(porter_allocate(of(f.beside), 20 * PEAK));
	mine = porter_allocate(of(f.one), GAP + BLOCK / 2);
	assert_between(porter_peak(f.one).lower, 0, PEAK);
	assert_between(porter_peak(f.mid).lower, 0, PEAK);
	assert_between(porter_peak(f.root).lower, 0, PEAK);
	assert_between(porter_peak(f.root).upper, PEAK, 20 * PEAK);
	finish();
	porter_free(of(f.one), mine, GAP + BLOCK / 2);
	end(f.one);
	end(f.two);
	end(f.mid);
	end(f.beside);
	end(f.root);
}

static void what_is_being_freed_in_a_child_is_left_out(void **state)
{
	(void)state;
	peak_beside(false);
}

static void what_is_being_freed_where_room_was_taken_back_is_too(void **state)
{
	(void)state;
	peak_beside(true);
}

/* The underlying allocator of one child is at work in another meanwhile. */
static void what_is_being_freed_around_another_operation_is_too(void **state)
{
	porter_tracked *root, *beside;
	struct block b = { .size = 50000 };

	(void)state;
	gate_init();
	root = behind_gate(NULL, 0);
	b.t = behind_gate(root, 0);
	beside = behind_gate(root, 0);
	get(&b);
	gate.inner = beside;
	gate.closed = AFTER_FREE;
	start(give, &b);
	assert_int_equal(porter_charge(beside, 20000), 0);
	assert_between(porter_peak(root).lower, 50000, 50001);
	porter_refund(beside, 20000);
	finish();
	end(beside);
	end(b.t);
	end(root);
}

/* ---- Across periods ---- */

/* What was raised in the period before says nothing about this one. */
static void a_new_period_forgets_the_one_before(void **state)
{
	struct block blocks[100];
	porter_tracked *t;
	void *mine;

	(void)state;
	gate_init();
	t = behind_gate(NULL, 0);
	for (int i = 0; i < 100; i++) {
		blocks[i] = (struct block){ .t = t, .size = 1000 };
		get(&blocks[i]);
	}
	for (int i = 1; i < 100; i++)
		give(&blocks[i]);
	assert_int_equal(porter_peak_reset(t).upper, 100000);
	gate.closed = AFTER_FREE;
	start(give, &blocks[0]);
	mine = porter_allocate(of(t), 1);
	assert_between(porter_peak(t).lower, 0, 1000);
	assert_between(porter_peak(t).upper, 1000, 99999);
	finish();
	porter_free(of(t), mine, 1);
	end(t);
}

/* A block that malloc has not given is no peak, and may never be one. */
static void what_is_not_there_yet_is_in_no_lower_bound(void **state)
{
	struct block b = { .size = 50000 };

	(void)state;
	gate_init();
	b.t = behind_gate(NULL, 0);
	gate.closed = BEFORE_ALLOCATE;
	gate.fail = true;
	start(get, &b);
	assert_int_equal(porter_peak(b.t).lower, 0);
	assert_between(porter_peak(b.t).upper, 50000, 100000);
	assert_int_equal(porter_peak_reset(b.t).lower, 0);
	finish();
	assert_null(b.ptr);
	assert_int_equal(porter_peak(b.t).lower, 0);
	end(b.t);
}

/* A block that was asked for before there was a peak. */
static void what_comes_across_the_first_period_is_counted(void **state)
{
	struct block b = { .size = 50000000 };

	(void)state;
	gate_init();
	b.t = porter_tracked_new(&gate.base);
	gate.closed = BEFORE_ALLOCATE;
	start(get, &b);
	porter_peak_reset(b.t);
	finish();
	assert_int_equal(porter_bytes_used(b.t), 50000000);
	give(&b);
	assert_between(porter_peak(b.t).upper, 50000000, INT64_MAX);
	end(b.t);
}

/* What is left untold until there is a limit is in the upper bound for good. */
static void a_first_limit_makes_no_upper_bound_lower(void **state)
{
	struct block b = { .size = 50000 };
	int64_t before;
	void *mine;

	(void)state;
	gate_init();
	b.t = behind_gate(NULL, 0);
	get(&b);
	gate.closed = AFTER_FREE;
	start(give, &b);
	mine = porter_allocate(of(b.t), 1);
	finish();
	before = porter_peak(b.t).upper;
	assert_int_equal(porter_tracked_set_limit(b.t, 1 << 30), 0);
	assert_between(porter_peak(b.t).upper, before, INT64_MAX);
	porter_free(of(b.t), mine, 1);
	end(b.t);
}

/* ---- After a child ---- */

enum { CHILDREN = 128, HEIRS = 256 };

struct heir {
	porter_tracked *child;
	struct block last;
	pthread_barrier_t step;
};

static void *at_work_in_an_heir(void *context)
{
	struct heir *h = context;
	struct block b = { .t = h->child, .size = 8000 };

	get(&b);
	give(&b);
	pthread_barrier_wait(&h->step); /* The child ends, ... */
	pthread_barrier_wait(&h->step); /* ... another tracker has its cells. */
	get(&h->last);
	gate.closed = AFTER_FREE;
	return give(&h->last);
}

/* One over the other, so that an operation is one in each of them. */
static void make_heirs(porter_tracked *heirs[HEIRS])
{
	struct porter_tracked_options o = { .size = sizeof(o) };

	for (int i = 0; i < HEIRS; i++)
		heirs[i] = porter_tracked_new_with(
			i ? of(heirs[i - 1]) : &gate.base, &o);
}

/* Cells of a child that has ended may be those of any tracker later. */
static void who_is_at_work_where_a_child_was_is_not_in_the_family(void **state)
{
	struct porter_tracked_options o = { .size = sizeof(o) };
	porter_tracked *root = porter_tracked_new_with(NULL, &o), *beside;
	porter_tracked *children[CHILDREN], *heirs[HEIRS];
	struct heir h;
	struct block b = { .size = 20000 };
	struct porter_interval peak;

	(void)state;
	gate_init();
	pthread_barrier_init(&h.step, NULL, 2);
	o.parent = root;
	beside = porter_tracked_new_with(NULL, &o);
	for (int i = 0; i < CHILDREN; i++)
		children[i] = porter_tracked_new_with(NULL, &o);
	h.child = children[0];
	assert_int_equal(pthread_create(&thread, NULL, at_work_in_an_heir, &h),
			 0);
	pthread_barrier_wait(&h.step);
	for (int i = 0; i < CHILDREN; i++)
		end(children[i]);
	make_heirs(heirs);
	h.last = (struct block){ .t = heirs[HEIRS - 1], .size = 1 };
	pthread_barrier_wait(&h.step);
	pthread_barrier_wait(&gate.inside);
	b.t = beside;
	get(&b);
	give(&b);
	peak = porter_peak(root);
	assert_int_equal(peak.lower, 20000);
	assert_int_equal(peak.upper, 20000);
	finish();
	for (int i = HEIRS - 1; i >= 0; i--)
		end(heirs[i]);
	end(beside);
	end(root);
	pthread_barrier_destroy(&h.step);
}

/* ---- Within itself ---- */

static struct block victim;

static int evict(porter_tracked *who, size_t size, void *unused)
{
	(void)who;
	(void)size;
	(void)unused;
	if (!victim.ptr)
		return 0;
	give(&victim);
	victim.ptr = NULL;
	return 1;
}

/* A tracker over one with a limit, which evicts through the upper one. */
static void a_refusal_below_that_evicts_through_it_is_no_peak(void **state)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .limit = 1000,
					    .on_refused = evict };
	porter_tracked *below = porter_tracked_new_with(NULL, &o);
	struct porter_tracked_options plain = { .size = sizeof(plain) };
	struct block b = { .size = 590 };

	(void)state;
	b.t = porter_tracked_new_with(of(below), &plain);
	victim = (struct block){ .t = b.t, .size = 10 };
	get(&b);
	get(&victim);
	assert_null(porter_allocate(of(b.t), 5000));
	assert_null(victim.ptr);
	assert_int_equal(porter_bytes_used(b.t), 590);
	assert_int_equal(porter_bytes_used(below), 590);
	assert_int_equal(porter_peak(below).upper, 600);
	assert_between(porter_peak(b.t).lower, 590, 600);
	give(&b);
	end(b.t);
	end(below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_being_freed_in_a_child_is_left_out),
		cmocka_unit_test(
			what_is_being_freed_where_room_was_taken_back_is_too),
		cmocka_unit_test(
			what_is_being_freed_around_another_operation_is_too),
		cmocka_unit_test(a_new_period_forgets_the_one_before),
		cmocka_unit_test(what_is_not_there_yet_is_in_no_lower_bound),
		cmocka_unit_test(what_comes_across_the_first_period_is_counted),
		cmocka_unit_test(a_first_limit_makes_no_upper_bound_lower),
		cmocka_unit_test(
			who_is_at_work_where_a_child_was_is_not_in_the_family),
		cmocka_unit_test(
			a_refusal_below_that_evicts_through_it_is_no_peak),
	};

	return run_all("peak_midway", tests);
}
