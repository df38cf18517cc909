/* SPDX-License-Identifier: MIT */
/*
 * Room is taken back, with a barrier in all threads unless it is all one's own;
 * all of it, whoever has it. A child that ends while its family is read.
 */
#define WITHOUT_KINDS
#include "support.h"

#include "0-machine/barrier.h"
#include "0-machine/test-point.h"
#include "4-allocator/tracked.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

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
	assert_int_equal(left_at_destroy(t), 0);
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
	assert_int_equal(left_at_destroy(t), 0);
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
	assert_int_equal(left_at_destroy(t), 0);
}

/* ---- A barrier that is taken away ---- */

static bool forbidden;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	long a[3];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 3; i++)
		a[i] = va_arg(list, int);
	va_end(list);
	if (number == SYS_membarrier && forbidden) {
		errno = EPERM;
		return -1;
	}
	return __real_syscall(number, a[0], a[1], a[2]);
}

/* For the whole process and for good, so in a process apart. */
static void take_it_away(void *unused)
{
	porter_tracked *t = with_limit();
	porter_allocator *a = porter_tracked_allocator(t);
	pthread_t thread;
	void *all;

	(void)unused;
	for (int i = 0; i < 100; i++)
		porter_free(a, porter_allocate(a, 1000), 1000);
	must(centre_of(t)->loans == 1);
	forbidden = true;
	/* Another one wants it all, and gets it all the same. */
	must(pthread_create(&thread, NULL, take_back, t) == 0);
	must(pthread_join(thread, NULL) == 0);
	must(porter_tracked_set_limit(t, LIMIT) == 0);
	must(!porter__barrier_possible());
	all = porter_allocate(a, LIMIT);
	must(all);
	must(!porter_allocate(a, 1));
	porter_free(a, all, LIMIT);
	for (int i = 0; i < 100; i++)
		porter_free(a, porter_allocate(a, 1000), 1000);
	must(centre_of(t)->loans == 0);
	must(left_at_destroy(t) == 0);
}

static void without_a_barrier_any_more_nothing_is_lent(void **state)
{
	(void)state;
	if (!porter__barrier_possible())
		skip();
	assert_int_equal(in_child(take_it_away, NULL).status, 0);
}

/* ---- Who has no cell, and is at work when a limit comes ---- */

static porter_tracked *plain;
static bool limited;
static void *late_block;

static void *limit_within(porter_allocator *self, size_t size, size_t alignment)
{
	(void)self;
	(void)alignment;
	if (!limited)
		porter_tracked_set_limit(plain, LIMIT);
	limited = true;
	return malloc(size);
}

/* The second time the thread has handed its slot on. */
static void late(void *key)
{
	static int rounds;

	if (++rounds < 3)
		pthread_setspecific(*(pthread_key_t *)key, key);
	else
		late_block = porter_allocate(porter_tracked_allocator(plain),
					     LIMIT / 2);
}

static void *end_late(void *key)
{
	porter_thread_register();
	pthread_setspecific(*(pthread_key_t *)key, key);
	return NULL;
}

static void what_it_counts_then_is_bound_soon(void **state)
{
	struct porter_allocator_vtable table =
		*porter_backend("system")->vtable;
	porter_allocator below = { .vtable = &table };
	porter_allocator *a;
	pthread_key_t key;
	pthread_t thread;

	(void)state;
	table.allocate = limit_within;
	plain = porter_tracked_new(&below);
	a = porter_tracked_allocator(plain);
	assert_int_equal(pthread_key_create(&key, late), 0);
	assert_int_equal(pthread_create(&thread, NULL, end_late, &key), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_non_null(late_block);
	assert_int_equal(porter_bytes_used(plain), LIMIT / 2);
	assert_null(porter_allocate(a, LIMIT / 2 + 1));
	assert_int_equal(centre_of(plain)->reserved, LIMIT / 2);
	porter_free(a, late_block, LIMIT / 2);
	assert_int_equal(centre_of(plain)->reserved, 0);
	late_block = porter_allocate(a, LIMIT);
	assert_non_null(late_block);
	assert_null(porter_allocate(a, 1));
	porter_free(a, late_block, LIMIT);
	assert_int_equal(left_at_destroy(plain), 0);
	pthread_key_delete(key);
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
	assert_int_equal(left_at_destroy(leaver), 0);
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
	assert_int_equal(left_at_destroy(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_thread_without_a_slot_takes_room_back_from_the_first),
		cmocka_unit_test(what_a_new_thread_frees_is_there_for_all),
		cmocka_unit_test(what_is_freed_in_a_new_block_of_cells_is_too),
		cmocka_unit_test(an_attempt_is_waited_for),
		cmocka_unit_test(without_a_barrier_any_more_nothing_is_lent),
		cmocka_unit_test(what_it_counts_then_is_bound_soon),
		cmocka_unit_test(no_number_is_negative_when_a_child_leaves),
	};

	return run_all("centre", tests);
}
