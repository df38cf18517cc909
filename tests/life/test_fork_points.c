/* SPDX-License-Identifier: MIT */
/*
 * fork() at the worst moments: a test point stops a thread there, or does what
 * another thread might, while memory is about to be copied.
 */
#include "life.h"

#include "0-machine/test-point.h"

#include <portermem/portermem.h>

#include <urcu-bp.h>

#include <pthread.h>
#include <stdatomic.h>

/* ---- A free while the memory is copied ---- */

enum { COUNTERS = 2200 }; /* beyond the blocks that a slot points to itself */

static porter_counter *counters[COUNTERS];

static void (*at_point)(void);
static enum test_point the_point;

static void on_point(enum test_point point)
{
	if (point == the_point && at_point)
		at_point();
}

static void free_in_many(void)
{
	for (size_t i = 0; i < COUNTERS; i++)
		porter_counter_sub(counters[i], 5000 + i);
}

static void each_has_its_number(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNTERS; i++)
		must(porter_counter_sum(counters[i]) == (int64_t)(i + 1));
	for (size_t i = 0; i < COUNTERS; i++)
		porter_counter_add(counters[i], 7);
	for (size_t i = 0; i < COUNTERS; i++)
		must(porter_counter_sum(counters[i]) == (int64_t)(i + 8));
	for (size_t i = 0; i < COUNTERS; i += 100) {
		porter_counter_destroy(counters[i]);
		counters[i] = porter_counter_new();
		must(porter_counter_sum(counters[i]) == 0);
	}
}

/*
 * The copy has a free whose allocation it misses: here the allocation is
 * counted only after the fork.
 */
static void a_free_without_its_allocation_does_not_lower_the_child(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTERS; i++) {
		counters[i] = porter_counter_new();
		porter_counter_add(counters[i], i + 1);
		porter_counter_sub(counters[i], 0);
	}
	the_point = FREED_BEFORE_FORK;
	at_point = free_in_many;
	porter__test_point = on_point;
	assert_true(child_does(each_has_its_number, NULL));
	porter__test_point = NULL;
	for (size_t i = 0; i < COUNTERS; i++) {
		porter_counter_add(counters[i], 5000 + i);
		assert_int_equal(porter_counter_sum(counters[i]), i + 1);
		porter_counter_destroy(counters[i]);
	}
}

static porter_tracked *freed_without;

static void free_a_block(void)
{
	porter_free(porter_tracked_allocator(freed_without), &the_point, 300);
}

static void check_stats(void *unused)
{
	struct porter_stats stats = { .size = sizeof(stats) };

	(void)unused;
	must(porter_tracked_stats(freed_without, &stats) == 0);
	must(stats.allocations == 2 && stats.frees == 1);
	must(stats.total_allocated == 30 && stats.total_freed == 10);
	must(stats.bytes_used == 20);
}

static void nor_do_its_statistics_go_wrong(void **state)
{
	porter_allocator *a;

	(void)state;
	freed_without = porter_tracked_new(&nothing);
	a = porter_tracked_allocator(freed_without);
	porter_allocate(a, 10);
	porter_free(a, porter_allocate(a, 20), 10);
	the_point = FREED_BEFORE_FORK;
	at_point = free_a_block;
	porter__test_point = on_point;
	assert_true(child_does(check_stats, NULL));
	porter__test_point = NULL;
	assert_int_equal(left_at_destroy(freed_without), 20 - 300);
}

/* ---- A child tracker that leaves its family ---- */

static porter_tracked *parent, *leaving;
static pthread_t who_destroys;
static atomic_bool reads, may_destroy, destroyed;

/* A first read would wait for the fork to be over. */
static void *destroy(void *unused)
{
	must(porter_bytes_used(leaving) == 0);
	atomic_store(&reads, true);
	while (!atomic_load(&may_destroy))
		sched_yield();
	must(left_at_destroy(leaving) == 0);
	atomic_store(&destroyed, true);
	return unused;
}

/* It may have to wait, too. */
static void begin_to_destroy(void)
{
	atomic_store(&may_destroy, true);
	for (int i = 0; i < 10000 && !atomic_load(&destroyed); i++)
		sched_yield();
}

static void nothing_is_in_use(void *unused)
{
	(void)unused;
	must(porter_bytes_used(parent) == 0);
	must(porter_charge(parent, 1000000) == 0);
	must(porter_charge(parent, 1) == -1);
}

/* What it has ever allocated, and freed, goes to its parent. */
static void what_a_leaving_child_has_counted_is_not_torn_apart(void **state)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .limit = 1000000 };

	(void)state;
	parent = porter_tracked_new_with(NULL, &o);
	o = (struct porter_tracked_options){ .size = sizeof(o),
					     .parent = parent };
	leaving = porter_tracked_new_with(NULL, &o);
	for (int i = 0; i < 5000; i++) {
		must(porter_charge(leaving, 1000) == 0);
		porter_refund(leaving, 1000);
	}
	must(pthread_create(&who_destroys, NULL, destroy, NULL) == 0);
	while (!atomic_load(&reads))
		sched_yield();
	the_point = FREED_BEFORE_FORK;
	at_point = begin_to_destroy;
	porter__test_point = on_point;
	assert_true(child_does(nothing_is_in_use, NULL));
	/* It looks at the test point as well. */
	must(pthread_join(who_destroys, NULL) == 0);
	porter__test_point = NULL;
	nothing_is_in_use(NULL);
	porter_refund(parent, 1000000);
	assert_int_equal(left_at_destroy(parent), 0);
}

/* ---- The same by a thread that has left its slot ---- */

static struct {
	porter_counter *counter;
	pthread_key_t key;
	atomic_int step;
} leaver;

static void wait_for_step(int step)
{
	while (atomic_load(&leaver.step) < step)
		pause_for(1000);
}

/* A destructor that runs when the slot was handed on: into the own cell. */
static void free_when_told(void *unused)
{
	(void)unused;
	must(porter_thread_register() == -1 && errno == ECANCELED);
	atomic_store(&leaver.step, 1);
	wait_for_step(2);
	porter_counter_sub(leaver.counter, 9000);
	atomic_store(&leaver.step, 3);
}

static void *leave(void *unused)
{
	(void)unused;
	porter_counter_add(leaver.counter, 50);
	pthread_setspecific(leaver.key, &leaver);
	return NULL;
}

static void tell_leaver(void)
{
	atomic_store(&leaver.step, 2);
	wait_for_step(3);
}

static void fifty(void *unused)
{
	(void)unused;
	must(porter_counter_sum(leaver.counter) == 50);
	porter_counter_add(leaver.counter, 1);
	must(porter_counter_sum(leaver.counter) == 51);
}

static void nor_one_by_a_thread_that_has_left_its_slot(void **state)
{
	pthread_t thread;

	(void)state;
	if (WITH_TSAN)
		skip_because("TSan does not know the library any more then");
	leaver.counter = porter_counter_new();
	must(!pthread_key_create(&leaver.key, free_when_told));
	must(!pthread_create(&thread, NULL, leave, NULL));
	wait_for_step(1);
	the_point = FREED_BEFORE_FORK;
	at_point = tell_leaver;
	porter__test_point = on_point;
	assert_true(child_does(fifty, NULL));
	porter__test_point = NULL;
	pthread_join(thread, NULL);
	pthread_key_delete(leaver.key);
	assert_int_equal(porter_counter_sum(leaver.counter), 50 - 9000);
	porter_counter_destroy(leaver.counter);
}

/* ---- Locks that another thread holds ---- */

static struct {
	enum test_point point;
	int at; /* the how manyth time the holder comes there */
	porter_counter *fresh;
	atomic_bool held;
} hold;

static _Thread_local bool is_holder;
static _Thread_local int came;

/*
 * Stands there while the other thread forks: which waits, as it should, or
 * does not, and then has the lock in its child.
 */
static void stand_in_the_lock(enum test_point point)
{
	if (!is_holder || point != hold.point || ++came != hold.at)
		return;
	atomic_store(&hold.held, true);
	pause_for(200000);
}

static void *touch_a_fresh_block(void *unused)
{
	(void)unused;
	porter_counter_add(hold.fresh, 1);
	return NULL;
}

static void *hold_a_lock(void *run)
{
	is_holder = true;
	((void (*)(void))(uintptr_t)run)();
	return NULL;
}

static void first_touch(void)
{
	touch_a_fresh_block(NULL);
}

static void make_a_tracker(void)
{
	must(left_at_destroy(porter_tracked_new(NULL)) == 0);
}

static void make_a_counter(void)
{
	porter_counter_destroy(porter_counter_new());
}

static void use_everything(void *unused)
{
	pthread_t thread;

	(void)unused;
	make_a_tracker();
	make_a_counter();
	touch_a_fresh_block(NULL);
	porter_thread_unregister();
	touch_a_fresh_block(NULL);
	if (!children_start_threads())
		return;
	must(!pthread_create(&thread, NULL, touch_a_fresh_block, NULL));
	pthread_join(thread, NULL);
}

static void a_lock_held_elsewhere_is_free_in_the_child(void **state)
{
	static const struct {
		const char *name;
		enum test_point point;
		int at;
		void (*run)(void);
	} locks[] = {
		{ "slots", POOL_LOCKED, 1, first_touch },
		{ "store", STORE_LOCKED, 1, first_touch },
		{ "ids", POOL_LOCKED, 1, make_a_tracker },
		{ "trackers", POOL_LOCKED, 2, make_a_tracker },
		{ "counters", POOL_LOCKED, 2, make_a_counter },
	};
	porter_counter *before[64 * (ARRAY_SIZE(locks) + 1)];
	pthread_t thread;

	(void)state;
	if (under_a_tool())
		skip_because("the tool's own locks may be held in the child");
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		before[i] = porter_counter_new();
	porter__test_point = stand_in_the_lock;
	for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
		hold.point = locks[i].point;
		hold.at = locks[i].at;
		hold.fresh = before[64 * (i + 1)]; /* nobody has its block */
		atomic_store(&hold.held, false);
		must(!pthread_create(&thread, NULL, hold_a_lock,
				     (void *)(uintptr_t)locks[i].run));
		while (!atomic_load(&hold.held))
			pause_for(1000);
		if (!child_does(use_everything, NULL))
			fail_msg("the lock of the %s", locks[i].name);
		pthread_join(thread, NULL);
	}
	porter__test_point = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		porter_counter_destroy(before[i]);
}

/* ---- liburcu ---- */

static atomic_int read_state;

static void *read_for_long(void *unused)
{
	(void)unused;
	urcu_bp_read_lock();
	atomic_store(&read_state, 1);
	while (atomic_load(&read_state) < 2)
		pause_for(1000);
	urcu_bp_read_unlock();
	return NULL;
}

static void wait_for_readers(void *unused)
{
	(void)unused;
	urcu_bp_synchronize_rcu();
}

static void readers_that_are_gone_hold_nobody_up_in_the_child(void **state)
{
	pthread_t thread;

	(void)state;
	if (WITH_TSAN)
		skip_because("a child of several threads stops under TSan");
	must(!pthread_create(&thread, NULL, read_for_long, NULL));
	while (atomic_load(&read_state) < 1)
		pause_for(1000);
	assert_true(child_does(wait_for_readers, NULL));
	atomic_store(&read_state, 2);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_free_without_its_allocation_does_not_lower_the_child),
		cmocka_unit_test(nor_do_its_statistics_go_wrong),
		cmocka_unit_test(
			what_a_leaving_child_has_counted_is_not_torn_apart),
		cmocka_unit_test(nor_one_by_a_thread_that_has_left_its_slot),
		cmocka_unit_test(a_lock_held_elsewhere_is_free_in_the_child),
		cmocka_unit_test(
			readers_that_are_gone_hold_nobody_up_in_the_child),
	};

	return run_all("fork at test points", tests);
}
