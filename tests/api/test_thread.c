/* SPDX-License-Identifier: MIT */
/*
 * A thread's slot: taken and handed on in any order, and what destructors do
 * when it has been handed on already.
 */
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>

/* ---- Register and unregister ---- */

static void in_all_orders(void *counter)
{
	porter_thread_unregister(); /* Without a slot: nothing. */
	porter_thread_unregister();
	must(porter_thread_register() == 0);
	must(porter_thread_register() == 0);
	porter_counter_add(counter, 1);
	porter_thread_unregister();
	porter_counter_add(counter, 1); /* Takes one anew. */
	porter_thread_unregister();
	must(porter_counter_sum(counter) >= 2); /* So does a read. */
	porter_counter_add(counter, 1);
	must(porter_thread_register() == 0);
	porter_counter_add(counter, 1);
	porter_thread_unregister();
	porter_thread_unregister();
}

static void registering_works_in_every_order(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	for (int i = 0; i < 10; i++)
		in_a_thread(in_all_orders, c);
	in_all_orders(c);
	assert_int_equal(porter_counter_sum(c), 44);
	porter_counter_destroy(c);
}

static void take_turns(void *counter, size_t number)
{
	(void)number;
	for (size_t i = scaled(20000); i > 0; i--) {
		if (i % 3 == 0)
			must(porter_thread_register() == 0);
		porter_counter_add(counter, 2);
		porter_thread_unregister();
		porter_counter_sub(counter, 1);
	}
}

static void slots_change_hands_at_high_speed_and_lose_nothing(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	assert_true(in_threads(4, take_turns, c));
	assert_int_equal(porter_counter_sum(c), 4 * scaled(20000));
	porter_counter_destroy(c);
}

/* ---- Destructors ---- */

/*
 * The C library runs the destructors of a thread's keys in rounds, so one that
 * sets its key again runs after all others have run, the library's among them.
 * A read may register with liburcu, whose own destructor runs a round later:
 * in the fourth and last, TSan has left the thread, and dies of a lock.
 */
enum { LATE_ROUNDS = WITH_TSAN ? 2 : 3 };

static pthread_key_t late;
static porter_tracked *t;

struct estate {
	unsigned rounds;
	void *blocks[LATE_ROUNDS];
	int registered[LATE_ROUNDS], error[LATE_ROUNDS];
};

static void free_late(void *arg)
{
	struct estate *estate = arg;
	porter_allocator *a = porter_tracked_allocator(t);
	unsigned round = estate->rounds++;

	errno = 0;
	estate->registered[round] = porter_thread_register();
	estate->error[round] = errno;
	porter_free(a, estate->blocks[round], 100);
	porter_free(a, porter_allocate(a, 30), 30);
	must(porter_bytes_used(t) >= 0);
	if (estate->rounds < LATE_ROUNDS)
		pthread_setspecific(late, estate);
}

static void leave_an_estate(void *arg)
{
	struct estate *estate = arg;
	porter_allocator *a = porter_tracked_allocator(t);

	for (int i = 0; i < LATE_ROUNDS; i++)
		estate->blocks[i] = porter_allocate(a, 100);
	must(pthread_setspecific(late, estate) == 0);
}

static void destructors_free_after_the_slot_was_left(void **state)
{
	struct estate estate = { .rounds = 0 };

	(void)state;
	t = porter_tracked_new(NULL);
	assert_int_equal(pthread_key_create(&late, free_late), 0);
	for (int i = 0; i < 20; i++) {
		estate.rounds = 0;
		in_a_thread(leave_an_estate, &estate);
		assert_int_equal(estate.rounds, LATE_ROUNDS);
		assert_int_equal(porter_bytes_used(t), 0);
		/* By the last round the thread has left for good. */
		assert_int_equal(estate.registered[LATE_ROUNDS - 1], -1);
		assert_int_equal(estate.error[LATE_ROUNDS - 1], ECANCELED);
	}
	pthread_key_delete(late);
	assert_int_equal(left_at_destroy(t), 0);
}

static void leave_an_estate_unregistered(void *arg)
{
	leave_an_estate(arg);
	porter_thread_unregister();
}

static void destructors_free_in_threads_that_unregistered(void **state)
{
	struct estate estate = { .rounds = 0 };

	(void)state;
	t = porter_tracked_new(NULL);
	assert_int_equal(pthread_key_create(&late, free_late), 0);
	in_a_thread(leave_an_estate_unregistered, &estate);
	assert_int_equal(estate.rounds, LATE_ROUNDS);
	pthread_key_delete(late);
	assert_int_equal(left_at_destroy(t), 0);
}

/* Where a destructor is the first to touch the library. */
static void allocate_late(void *kept)
{
	porter_allocator *a = porter_tracked_allocator(t);

	porter_free(a, porter_allocate(a, 64), 64);
	*(void **)kept = porter_allocate(a, 8);
	must(*(void **)kept);
}

static void touch_nothing(void *kept)
{
	must(pthread_setspecific(late, kept) == 0);
}

static void a_thread_may_begin_to_count_in_a_destructor(void **state)
{
	void *kept[20];

	(void)state;
	t = porter_tracked_new(NULL);
	assert_int_equal(pthread_key_create(&late, allocate_late), 0);
	for (int i = 0; i < 20; i++) {
		in_a_thread(touch_nothing, &kept[i]);
		assert_int_equal(porter_bytes_used(t), 8 * (i + 1));
	}
	pthread_key_delete(late);
	for (int i = 0; i < 20; i++)
		porter_free(porter_tracked_allocator(t), kept[i], 8);
	assert_int_equal(left_at_destroy(t), 0);
}

/* ---- Cancellation ---- */

static void *count_until_cancelled(void *counter)
{
	for (;;) {
		porter_counter_add(counter, 3);
		porter_counter_sub(counter, 3);
		pthread_testcancel();
	}
	return NULL;
}

static void a_cancelled_thread_loses_nothing(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	for (int i = 0; i < 50; i++) {
		pthread_t thread;

		porter_counter_add(c, 1);
		assert_int_equal(
			pthread_create(&thread, NULL, count_until_cancelled, c),
			0);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		assert_int_equal(porter_counter_sum(c), i + 1);
	}
	porter_counter_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registering_works_in_every_order),
		cmocka_unit_test(
			slots_change_hands_at_high_speed_and_lose_nothing),
		cmocka_unit_test(destructors_free_after_the_slot_was_left),
		cmocka_unit_test(destructors_free_in_threads_that_unregistered),
		cmocka_unit_test(a_thread_may_begin_to_count_in_a_destructor),
		cmocka_unit_test(a_cancelled_thread_loses_nothing),
	};

	return run_all("thread", tests);
}
