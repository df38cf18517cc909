/* SPDX-License-Identifier: MIT */
/*
 * Threads come and go: nothing is lost, and slots stay few (G4).
 *
 *	constructor(101)   early key      its destructor runs before ...
 *	the library        its key        ... the slot is handed on; and ...
 *	main()             late key       ... its destructor runs after that
 *
 * The C library runs the destructors in the order in which the keys were made,
 * round after round.
 */
#include "life.h"

#include "1-slots/slots.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static porter_tracked *tracker;
static porter_allocator *allocator;
static porter_counter *counter;

static int set_up(void **state)
{
	(void)state;
	tracker = porter_tracked_new(NULL);
	allocator = porter_tracked_allocator(tracker);
	counter = porter_counter_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	porter_counter_destroy(counter);
	return left_at_destroy(tracker) != 0;
}

/* ---- Destructors ---- */

static pthread_key_t early_key, late_key;
static void (*in_early)(void *value), (*in_late)(void *value);

static void early(void *value)
{
	if (in_early)
		in_early(value);
}

static void late(void *value)
{
	if (in_late)
		in_late(value);
}

__attribute__((constructor(101))) static void make_early_key(void)
{
	must(!pthread_key_create(&early_key, early));
}

enum { BLOCKS = 6 };

struct estate {
	char *blocks[BLOCKS]; /* of 100, 101, ... bytes */
	bool late_has_run;
};

static void swap_block(struct estate *estate, size_t i)
{
	memset(estate->blocks[i], 1, 100 + i);
	porter_free(allocator, estate->blocks[i], 100 + i);
	estate->blocks[i] = porter_allocate(allocator, 100 + i);
	must(estate->blocks[i]);
}

static void swap_before(void *value)
{
	must(porter_thread_register() == 0); /* The slot is still there. */
	swap_block(value, 0);
	swap_block(value, 1);
}

static void free_after(void *value)
{
	struct estate *estate = value;

	must(porter_thread_register() == -1 && errno == ECANCELED);
	swap_block(estate, 1);
	for (size_t i = 0; i < BLOCKS; i++)
		porter_free(allocator, estate->blocks[i], 100 + i);
	estate->late_has_run = true;
	must(porter_bytes_used(tracker) >= 0);
}

static void allocate_in_thread(void *arg)
{
	struct estate *estate = arg;

	for (size_t i = 0; i < BLOCKS; i++)
		estate->blocks[i] = porter_allocate(allocator, 100 + i);
	pthread_setspecific(early_key, estate);
	pthread_setspecific(late_key, estate);
}

static void destructors_may_free_before_and_after_the_slot_left(void **state)
{
	struct porter_stats stats = { .size = sizeof(stats) };

	(void)state;
	in_early = swap_before;
	in_late = free_after;
	for (size_t i = 1; i <= 20; i++) {
		struct estate estate = { .late_has_run = false };

		in_a_thread(allocate_in_thread, &estate);
		assert_true(estate.late_has_run);
		assert_int_equal(porter_bytes_used(tracker), 0);
		porter_tracked_stats(tracker, &stats);
		assert_int_equal(stats.allocations, i * (BLOCKS + 3));
		assert_int_equal(stats.frees, stats.allocations);
	}
}

static void free_from_all(void *arg, size_t number)
{
	struct estate *estates = arg;

	allocate_in_thread(&estates[number]);
}

static void many_threads_may_end_at_once(void **state)
{
	struct estate estates[16];

	(void)state;
	in_early = swap_before;
	in_late = free_after;
	for (size_t i = scaled(100); i > 0; i--) {
		assert_true(in_threads(ARRAY_SIZE(estates), free_from_all,
				       estates));
		assert_int_equal(porter_bytes_used(tracker), 0);
	}
}

/* Both in each round that the C library makes. */
static void count_again(void *value)
{
	uintptr_t rounds = (uintptr_t)value;

	porter_counter_add(counter, 1);
	if (rounds > 1)
		pthread_setspecific(early_key, (void *)(rounds - 1));
}

static void count_again_late(void *value)
{
	uintptr_t rounds = (uintptr_t)value;

	porter_counter_add(counter, 1);
	if (rounds > 1)
		pthread_setspecific(late_key, (void *)(rounds - 1));
}

static void touch_and_count_again(void *touch)
{
	if (touch)
		porter_counter_add(counter, 1);
	pthread_setspecific(early_key, (void *)(uintptr_t)3);
	pthread_setspecific(late_key, (void *)(uintptr_t)3);
}

static void destructors_may_count_round_after_round(void **state)
{
	(void)state;
	in_early = count_again;
	in_late = count_again_late;
	for (int i = 1; i <= 20; i++) {
		in_a_thread(touch_and_count_again, &i);
		assert_int_equal(porter_counter_sum(counter), 7 * i);
	}
}

/* It takes a slot there, and the slot is handed on in the next round. */
static void a_first_touch_in_a_destructor_takes_no_slot_for_ever(void **state)
{
	size_t slots;

	(void)state;
	in_early = count_again;
	in_late = count_again_late;
	in_a_thread(touch_and_count_again, NULL);
	slots = porter__slots_count();
	for (int i = 0; i < 100; i++)
		in_a_thread(touch_and_count_again, NULL);
	assert_int_equal(porter_counter_sum(counter), 101 * 6);
	assert_int_equal(porter__slots_count(), slots);
}

/* ---- Ways to end ---- */

static void free_block(void *block)
{
	porter_free(allocator, block, 1000);
}

/* A point of cancellation with a block in hand, again and again. */
static void *work_until_cancelled(void *ready)
{
	for (;;) {
		void *block = porter_allocate(allocator, 1000);

		pthread_cleanup_push(free_block, block);
		atomic_store((atomic_bool *)ready, true);
		pthread_testcancel();
		block = porter_reallocate(allocator, block, 1000, 1000);
		pthread_cleanup_pop(0);
		free_block(block);
		porter_counter_add(counter, 1);
		porter_counter_sub(counter, 1);
	}
	return NULL;
}

static void *sleep_until_cancelled(void *ready)
{
	void *block = porter_allocate(allocator, 1000);

	pthread_cleanup_push(free_block, block);
	atomic_store((atomic_bool *)ready, true);
	pause_for(60000000);
	pthread_cleanup_pop(1);
	return NULL;
}

static void a_cancelled_thread_loses_nothing(void **state)
{
	(void)state;
	if (WITH_ASAN)
		skip_because("ASan stops at the stack of a cancelled thread");
	in_early = in_late = NULL;
	for (size_t i = scaled(1000); i > 0; i--) {
		atomic_bool ready = false;
		pthread_t thread;
		void *end;

		must(!pthread_create(&thread, NULL,
				     i % 2 ? work_until_cancelled :
					     sleep_until_cancelled,
				     &ready));
		while (!atomic_load(&ready))
			pause_for(1);
		pthread_cancel(thread);
		pthread_join(thread, &end);
		assert_ptr_equal(end, PTHREAD_CANCELED);
		assert_int_equal(porter_bytes_used(tracker), 0);
	}
	assert_int_equal(porter_counter_sum(counter), 0);
}

static atomic_size_t ended;

static void *count_detached(void *unused)
{
	(void)unused;
	porter_counter_add(counter, 2);
	free_block(porter_allocate(allocator, 1000));
	atomic_fetch_add(&ended, 1);
	return NULL;
}

static void detached_threads_lose_nothing(void **state)
{
	size_t threads = scaled(1000);
	pthread_attr_t detached;

	(void)state;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	atomic_store(&ended, 0);
	for (size_t i = 0; i < threads; i++) {
		pthread_t thread;

		while (pthread_create(&thread, &detached, count_detached, NULL))
			pause_for(100);
	}
	pthread_attr_destroy(&detached);
	while (atomic_load(&ended) < threads)
		pause_for(100);
	assert_int_equal(porter_counter_sum(counter), 2 * threads);
	assert_int_equal(porter_bytes_used(tracker), 0);
}

static void leave_from_below(void)
{
	porter_counter_add(counter, 10);
	pthread_exit(NULL);
}

static void *exit_somewhere(void *block)
{
	pthread_cleanup_push(free_block, block);
	leave_from_below();
	pthread_cleanup_pop(0);
	return NULL;
}

static void pthread_exit_loses_nothing(void **state)
{
	(void)state;
	for (int i = 1; i <= 100; i++) {
		void *block = porter_allocate(allocator, 1000);
		pthread_t thread;

		must(!pthread_create(&thread, NULL, exit_somewhere, block));
		pthread_join(thread, NULL);
		assert_int_equal(porter_bytes_used(tracker), 0);
		assert_int_equal(porter_counter_sum(counter), 10 * i);
	}
}

/* ---- Many ---- */

static void *count_once(void *unused)
{
	(void)unused;
	porter_counter_add(counter, 3);
	porter_counter_sub(counter, 2);
	return NULL;
}

static void a_hundred_thousand_threads_share_a_few_slots(void **state)
{
	size_t threads = scaled(100000), slots;
	pthread_t thread;

	(void)state;
	must(!pthread_create(&thread, NULL, count_once, NULL));
	pthread_join(thread, NULL);
	slots = porter__slots_count();
	for (size_t i = 1; i < threads; i++) {
		must(!pthread_create(&thread, NULL, count_once, NULL));
		pthread_join(thread, NULL);
	}
	assert_int_equal(porter_counter_sum(counter), threads);
	assert_int_equal(porter__slots_count(), slots);
}

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t here;
	bool go;
} crowd = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	    .changed = PTHREAD_COND_INITIALIZER };

static void *hold_block_in_crowd(void *unused)
{
	void *block = porter_allocate(allocator, 1000);

	(void)unused;
	pthread_mutex_lock(&crowd.mutex);
	crowd.here++;
	pthread_cond_broadcast(&crowd.changed);
	while (!crowd.go)
		pthread_cond_wait(&crowd.changed, &crowd.mutex);
	pthread_mutex_unlock(&crowd.mutex);
	free_block(block);
	return NULL;
}

static size_t start_crowd(pthread_t *threads, size_t n)
{
	pthread_attr_t small;
	size_t started;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small,
				  under_a_tool() ? 256 * 1024 : 64 * 1024);
	for (started = 0; started < n; started++) {
		if (pthread_create(&threads[started], &small,
				   hold_block_in_crowd, NULL))
			break;
	}
	pthread_attr_destroy(&small);
	return started;
}

static void ten_thousand_threads_hold_blocks_at_once(void **state)
{
	size_t n = threads_allowed(scaled(10000)), started, here;
	pthread_t *threads = calloc(n, sizeof(*threads));

	(void)state;
	must(threads);
	started = start_crowd(threads, n);
	pthread_mutex_lock(&crowd.mutex);
	while (crowd.here < started)
		pthread_cond_wait(&crowd.changed, &crowd.mutex);
	here = (size_t)porter_bytes_used(tracker);
	crowd.go = true;
	pthread_cond_broadcast(&crowd.changed);
	pthread_mutex_unlock(&crowd.mutex);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	assert_int_equal(here, started * 1000);
	assert_int_equal(porter_bytes_used(tracker), 0);
	if (started < n)
		skip_because("the machine gives %zu threads, not %zu", started,
			     n);
	assert_true(porter__slots_count() >= n);
}

/* ---- First touch in a signal handler ---- */

static void count_in_handler(int number)
{
	(void)number;
	porter_counter_add(counter, 5);
	porter_counter_sub(counter, 4);
}

/* The signal waits until the thread lets it in, as the first thing it does. */
static void *let_signal_in(void *unused)
{
	sigset_t signals;

	(void)unused;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_kill(pthread_self(), SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	return NULL;
}

static void a_threads_first_touch_may_be_in_a_signal_handler(void **state)
{
	struct sigaction action = { .sa_handler = count_in_handler };
	size_t slots, times = scaled(2000);
	sigset_t signals;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	slots = porter__slots_count();
	for (size_t i = 0; i < times; i++) {
		pthread_t thread;

		must(!pthread_create(&thread, NULL, let_signal_in, NULL));
		pthread_join(thread, NULL);
	}
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	assert_int_equal(porter_counter_sum(counter), times);
	assert_true(porter__slots_count() <= slots + 1);
}

#define life_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		life_test(destructors_may_free_before_and_after_the_slot_left),
		life_test(many_threads_may_end_at_once),
		life_test(destructors_may_count_round_after_round),
		life_test(a_first_touch_in_a_destructor_takes_no_slot_for_ever),
		life_test(a_cancelled_thread_loses_nothing),
		life_test(detached_threads_lose_nothing),
		life_test(pthread_exit_loses_nothing),
		life_test(a_hundred_thousand_threads_share_a_few_slots),
		life_test(a_threads_first_touch_may_be_in_a_signal_handler),
		life_test(ten_thousand_threads_hold_blocks_at_once),
	};

	must(!pthread_key_create(&late_key, late));
	return run_all("thread life", tests);
}
