/* SPDX-License-Identifier: MIT */
/*
 * Room is taken back, with a barrier in all threads unless it is all one's own;
 * all of it, whoever has it. A child that ends while its family is read.
 */
#define WITHOUT_KINDS
#include "support.h"

#include "0-machine/barrier.h"
#include "0-machine/test-point.h"
#include "1-slots/slots.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_uint barriers;

void __real_porter__barrier_everywhere(void);
void __wrap_porter__barrier_everywhere(void);
void __wrap_porter__barrier_everywhere(void)
{
	atomic_fetch_add(&barriers, 1);
	__real_porter__barrier_everywhere();
}

static void *take_back(void *t)
{
	porter_tracked_set_limit(t, 1);
	return NULL;
}

/* The first thread has the first slot; the other never counts, so has none. */
static void a_thread_without_a_slot_takes_room_back_from_the_first(void **state)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .limit = 1 << 30 };
	porter_tracked *t = porter_tracked_new_with(NULL, &o);
	porter_allocator *a = porter_tracked_allocator(t);
	void *blocks[100];
	pthread_t thread;

	(void)state;
	if (!porter__barrier_possible())
		skip();
	for (int i = 0; i < 100; i++)
		blocks[i] = porter_allocate(a, 1000);
	for (int i = 0; i < 100; i++)
		porter_free(a, blocks[i], 1000);
	atomic_store(&barriers, 0);
	assert_int_equal(pthread_create(&thread, NULL, take_back, t), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(atomic_load(&barriers), 1);
	/* Now nobody has room. */
	take_back(t);
	assert_int_equal(atomic_load(&barriers), 1);
	assert_int_equal(porter_tracked_destroy(t), 0);
}

/* ---- Who only frees ---- */

enum { BLOCKS = 50, LIMIT = 1 << 20 };

struct blocks {
	porter_allocator *a;
	void *ptr[BLOCKS];
};

static void *free_all(void *context)
{
	struct blocks *b = context;

	for (int i = 0; i < BLOCKS; i++)
		porter_free(b->a, b->ptr[i], 1000);
	return NULL;
}

/* Its cell has not been asked for before, so nobody has looked after it. */
static void assert_all_comes_back(porter_tracked *t)
{
	struct blocks b = { .a = porter_tracked_allocator(t) };
	pthread_t thread;
	void *all;

	for (int i = 0; i < BLOCKS; i++)
		b.ptr[i] = porter_allocate(b.a, 1000);
	assert_int_equal(pthread_create(&thread, NULL, free_all, &b), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	all = porter_allocate(b.a, LIMIT);
	assert_non_null(all);
	porter_free(b.a, all, LIMIT);
	assert_int_equal(porter_tracked_destroy(t), 0);
}

static porter_tracked *with_limit(void)
{
	struct porter_tracked_options o = { .size = sizeof(o), .limit = LIMIT };

	return porter_tracked_new_with(NULL, &o);
}

static void what_a_new_thread_frees_is_there_for_all(void **state)
{
	(void)state;
	assert_all_comes_back(with_limit());
}

static void what_is_freed_in_a_new_block_of_cells_is_too(void **state)
{
	enum { MANY = 2 * BLOCK_CELLS };
	porter_tracked *trackers[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++)
		trackers[i] = with_limit();
	for (int i = 0; i < MANY; i++)
		assert_all_comes_back(trackers[i]);
}

/* ---- Who is in the middle of an attempt ---- */

static _Thread_local bool stops;
static atomic_bool attempting, revoking;

/* Between the look at its quota and the count, until another takes all room. */
static void attempt(enum test_point point)
{
	if (point == REVOKING)
		atomic_store(&revoking, true);
	if (point != ATTEMPTING || !stops)
		return;
	atomic_store(&attempting, true);
	while (!atomic_load(&revoking))
		sched_yield();
	for (int i = 0; i < 1000; i++)
		sched_yield();
}

static void *stop_in_an_attempt(void *context)
{
	porter_allocator *a = context;
	void *block;

	for (int i = 0; i < 100; i++)
		porter_free(a, porter_allocate(a, 1000), 1000);
	stops = true;
	block = porter_allocate(a, 1000);
	stops = false;
	return block;
}

static void an_attempt_is_waited_for(void **state)
{
	porter_tracked *t = with_limit();
	porter_allocator *a = porter_tracked_allocator(t);
	pthread_t thread;
	void *block;

	(void)state;
	if (!porter__barrier_possible())
		skip();
	porter__test_point = attempt;
	assert_int_equal(pthread_create(&thread, NULL, stop_in_an_attempt, a),
			 0);
	while (!atomic_load(&attempting))
		sched_yield();
	assert_null(porter_allocate(a, LIMIT));
	assert_int_equal(pthread_join(thread, &block), 0);
	porter__test_point = NULL;
	assert_non_null(block);
	assert_int_equal(porter_bytes_used(t), 1000);
	porter_free(a, block, 1000);
	assert_int_equal(porter_tracked_destroy(t), 0);
}

/* ---- Who leaves ---- */

static void *no_memory(porter_allocator *self, size_t size, size_t alignment)
{
	(void)self;
	(void)size;
	(void)alignment;
	errno = ENOMEM;
	return NULL;
}

static porter_tracked *leaver;

static void leave(enum test_point point)
{
	if (point != OWN_CELLS_ADDED)
		return;
	porter__test_point = NULL;
	assert_int_equal(porter_tracked_destroy(leaver), 0);
}

/* Between the two parts of a sum, so that what it has freed is in neither. */
static void no_number_is_negative_when_a_child_leaves(void **state)
{
	struct porter_allocator_vtable table =
		*porter_backend("system")->vtable;
	porter_allocator nothing = { .vtable = &table };
	struct porter_tracked_options o = { .size = sizeof(o) };
	struct porter_stats stats = { .size = sizeof(stats) };
	porter_tracked *root = porter_tracked_new_with(NULL, &o);

	(void)state;
	table.allocate = no_memory;
	o.parent = root;
	leaver = porter_tracked_new_with(&nothing, &o);
	assert_null(porter_allocate(porter_tracked_allocator(leaver), 5000));
	porter__test_point = leave;
	assert_int_equal(porter_tracked_stats(root, &stats), 0);
	assert_null(porter__test_point);
	assert_int_equal(stats.total_freed, 0);
	assert_int_equal(stats.failures, 1);
	assert_int_equal(porter_tracked_destroy(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_thread_without_a_slot_takes_room_back_from_the_first),
		cmocka_unit_test(what_a_new_thread_frees_is_there_for_all),
		cmocka_unit_test(what_is_freed_in_a_new_block_of_cells_is_too),
		cmocka_unit_test(an_attempt_is_waited_for),
		cmocka_unit_test(no_number_is_negative_when_a_child_leaves),
	};

	return run_all("centre", tests);
}
