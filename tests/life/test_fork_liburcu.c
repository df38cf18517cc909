/* SPDX-License-Identifier: MIT */
/*
 * A program that uses liburcu itself, forks, and has threads that count for
 * the first time while they read. Three threads can wait for each other:
 *
 *	the one that forks	holds our locks?	wants liburcu's
 *	one in synchronize_rcu	holds liburcu's		waits for the reader
 *	the reader		reads			wants ours: a slot
 *
 * unless fork() takes liburcu's locks before ours. The order of the locks is
 * also checked by tests/models/locks.pml; here it is run, again and again.
 */
#include "life.h"

#include <portermem/portermem.h>

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu-bp.h>

enum { READERS = 4 };

static porter_counter *counter;
static atomic_bool stop;

static void *count_while_reading(void *unused)
{
	urcu_bp_read_lock();
	for (volatile int i = 0; i < 2000; i++)
		;
	porter_counter_add(counter, 1);
	urcu_bp_read_unlock();
	return unused;
}

static void *start_readers(void *unused)
{
	while (!atomic_load(&stop)) {
		pthread_t readers[READERS];
		int started = 0;

		while (started < READERS &&
		       pthread_create(&readers[started], NULL,
				      count_while_reading, NULL) == 0)
			started++;
		while (started-- > 0)
			pthread_join(readers[started], NULL);
	}
	return unused;
}

static void *synchronize(void *unused)
{
	while (!atomic_load(&stop))
		urcu_bp_synchronize_rcu();
	return unused;
}

static void fork_waits_for_nobody_who_waits_for_it(void **state)
{
	size_t forks = scaled(1000);
	pthread_t threads[2];

	(void)state;
	counter = porter_counter_new();
	assert_non_null(counter);
	pthread_create(&threads[0], NULL, start_readers, NULL);
	pthread_create(&threads[1], NULL, synchronize, NULL);
	for (size_t i = 0; i < forks; i++) {
		int status = 1;
		pid_t child;

		alarm(60); /* Else a deadlock would last for ever. */
		child = fork();
		if (child == 0)
			_exit(0);
		assert_true(child > 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	alarm(0);
	atomic_store(&stop, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	porter_counter_destroy(counter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_waits_for_nobody_who_waits_for_it),
	};

	return run_all("fork beside liburcu", tests);
}
