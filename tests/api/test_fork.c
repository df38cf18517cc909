/* SPDX-License-Identifier: MIT */
/*
 * fork() with threads that count: the child's numbers are never low, its locks
 * are free, and parent and child do not see each other's updates.
 */
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <time.h>

enum { FLOOR = 1000, BUSY = 2 };

struct busy {
	porter_tracked *t;
	void *held;
	bool stop;
};

static void *turn_over(void *arg)
{
	struct busy *b = arg;
	porter_allocator *a = porter_tracked_allocator(b->t);

	while (!__atomic_load_n(&b->stop, __ATOMIC_ACQUIRE)) {
		porter_tracked *other = porter_tracked_new(NULL);

		for (int i = 0; i < 100; i++)
			porter_free(a, porter_allocate(a, 64), 64);
		porter_tracked_destroy(other, NULL);
		porter_thread_unregister();
	}
	return NULL;
}

static void check_in_child(void *arg)
{
	struct busy *b = arg;
	porter_allocator *a = porter_tracked_allocator(b->t);
	int64_t before = porter_bytes_used(b->t);
	porter_tracked *other;
	void *x;

	must(before >= FLOOR);
	/* Blocks of threads that are gone may be counted too, for good. */
	x = porter_allocate(a, 10);
	must(porter_bytes_used(b->t) == before + 10);
	porter_free(a, x, 10);
	porter_free(a, b->held, FLOOR);
	must(porter_bytes_used(b->t) == before - FLOOR);
	/* All locks are free. */
	other = porter_tracked_new(NULL);
	must(other);
	must(porter_bytes_used(other) == 0);
	porter_thread_unregister();
	x = porter_allocate(porter_tracked_allocator(other), 33);
	must(porter_bytes_used(other) == 33);
	porter_free(porter_tracked_allocator(other), x, 33);
	must(left_at_destroy(other) == 0);
}

static void a_child_of_busy_threads_reads_what_it_holds(void **state)
{
	struct busy b = { .t = porter_tracked_new(NULL) };
	porter_allocator *a = porter_tracked_allocator(b.t);
	pthread_t threads[BUSY];
	time_t began = time(NULL);

	(void)state;
	if (under_a_tool())
		skip_because("the tool's locks may be held in the child");
	b.held = porter_allocate(a, FLOOR);
	for (int i = 0; i < BUSY; i++)
		must(!pthread_create(&threads[i], NULL, turn_over, &b));
	/* Fewer on a busy machine, where the threads forked amid seldom run. */
	for (size_t i = scaled(300); i > 0 && time(NULL) - began < 5; i--)
		must(in_child(check_in_child, &b).status == 0);
	__atomic_store_n(&b.stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < BUSY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(porter_bytes_used(b.t), FLOOR);
	porter_free(a, b.held, FLOOR);
	assert_int_equal(left_at_destroy(b.t), 0);
}

static void count_in_thread_of_child(void *counter)
{
	porter_counter_add(counter, 5);
}

static void start_a_thread(void *counter)
{
	porter_counter_add(counter, 1);
	in_a_thread(count_in_thread_of_child, counter);
	must(porter_counter_sum(counter) == 46);
}

static void a_child_counts_on_for_itself(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	porter_counter_add(c, 40);
	for (int i = 0; i < 10; i++)
		assert_int_equal(in_child(start_a_thread, c).status, 0);
	assert_int_equal(porter_counter_sum(c), 40);
	porter_counter_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_of_busy_threads_reads_what_it_holds),
		cmocka_unit_test(a_child_counts_on_for_itself),
	};

	return run_all("fork", tests);
}
