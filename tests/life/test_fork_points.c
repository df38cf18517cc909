/* SPDX-License-Identifier: MIT */
/*
 * fork() at the worst moments: a test point stops another thread with a lock
 * held, or it goes on while memory is about to be copied.
 */
#include "life.h"

#include "0-machine/fork.h"
#include "0-machine/test-point.h"

#include <portermem/portermem.h>

#include <urcu-bp.h>

#include <pthread.h>
#include <stdatomic.h>

/* ---- What another thread does while the memory is copied ---- */

static void (*at_copy)(void);

/* All locks are held then. */
static void before_copy(void)
{
	if (at_copy)
		at_copy();
}

FORK_HOLD(last_hold, .rank = RANK_LAST, .before = before_copy);

/* ---- A child tracker that leaves its parent ---- */

static porter_tracked *parent, *leaving;
static pthread_t destroyer;
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
	must(pthread_create(&destroyer, NULL, destroy, NULL) == 0);
	while (!atomic_load(&reads))
		sched_yield();
	at_copy = begin_to_destroy;
	assert_true(child_does(nothing_is_in_use, NULL));
	at_copy = NULL;
	must(pthread_join(destroyer, NULL) == 0);
	nothing_is_in_use(NULL);
	porter_refund(parent, 1000000);
	assert_int_equal(left_at_destroy(parent), 0);
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
			what_a_leaving_child_has_counted_is_not_torn_apart),
		cmocka_unit_test(a_lock_held_elsewhere_is_free_in_the_child),
		cmocka_unit_test(
			readers_that_are_gone_hold_nobody_up_in_the_child),
	};

	return run_all("fork at test points", tests);
}
