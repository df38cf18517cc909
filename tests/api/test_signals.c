/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers that count, in the middle of a thread's own updates: nothing
 * is lost, whichever instruction they interrupt (G4).
 */
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <signal.h>
#include <time.h>

static porter_counter *counter;
static volatile sig_atomic_t handled;

static void count_in_handler(int signal)
{
	int saved = errno;

	(void)signal;
	porter_counter_add(counter, 5);
	porter_counter_sub(counter, 4);
	handled++;
	errno = saved;
}

static void handle(int signal)
{
	struct sigaction action = { .sa_handler = count_in_handler };

	sigemptyset(&action.sa_mask);
	must(sigaction(signal, &action, NULL) == 0);
}

/*
 * What the counter has beyond what handlers counted. A tool may deliver a
 * signal late, between the two reads: then once more.
 */
static int64_t sum_without_handlers(void)
{
	int64_t before, sum;

	do {
		before = (int64_t)handled;
		sum = porter_counter_sum(counter);
	} while ((int64_t)handled != before);
	return sum - before;
}

/* ---- A storm ---- */

struct storm {
	pthread_t target;
	bool done;
	size_t min; /* signals to send */
};

static void *send_signals(void *arg)
{
	struct storm *storm = arg;

	for (size_t sent = 0; sent < storm->min; sent++)
		must(pthread_kill(storm->target, SIGUSR1) == 0);
	__atomic_store_n(&storm->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void
a_handler_that_counts_loses_nothing_and_has_nothing_lost(void **state)
{
	struct storm storm = { .target = pthread_self(),
			       .min = scaled(200000) };
	pthread_t sender;
	int64_t own = 0;

	(void)state;
	counter = porter_counter_new();
	handled = 0;
	handle(SIGUSR1);
	must(pthread_create(&sender, NULL, send_signals, &storm) == 0);
	do {
		for (int i = 0; i < 100; i++) {
			porter_counter_add(counter, 7);
			porter_counter_sub(counter, 6);
			own++;
		}
	} while (!__atomic_load_n(&storm.done, __ATOMIC_ACQUIRE));
	pthread_join(sender, NULL);
	assert_true(handled > 0);
	assert_int_equal(sum_without_handlers(), own);
	porter_counter_destroy(counter);
}

/* A timer hits whatever runs: the taking and handing on of slots as well. */
static void a_handler_may_count_while_the_slot_is_taken(void **state)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1 };
	struct itimerspec often = {
		.it_interval = { .tv_nsec = 20000 },
		.it_value = { .tv_nsec = 20000 },
	};
	int64_t own = 0;
	timer_t timer;

	(void)state;
	counter = porter_counter_new();
	handled = 0;
	handle(SIGUSR1);
	must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	must(timer_settime(timer, 0, &often, NULL) == 0);
	for (size_t i = scaled(100000); i > 0; i--) {
		porter_counter_add(counter, 1);
		own++;
		/* Not while a handler may take a slot in its middle. */
		if (i % 2)
			porter_thread_unregister();
	}
	timer_delete(timer);
	assert_int_equal(sum_without_handlers(), own);
	porter_counter_destroy(counter);
}

/* ---- First touch ---- */

static void touch_first_in_a_handler(void *unused)
{
	(void)unused;
	raise(SIGUSR1);
	porter_counter_add(counter, 10);
}

static void a_threads_first_touch_may_be_in_a_handler(void **state)
{
	(void)state;
	counter = porter_counter_new();
	handled = 0;
	handle(SIGUSR1);
	for (int i = 0; i < 100; i++)
		in_a_thread(touch_first_in_a_handler, NULL);
	assert_int_equal(handled, 100);
	assert_int_equal(porter_counter_sum(counter), 100 * 11);
	porter_counter_destroy(counter);
}

static void touch_and_be_interrupted(void *unused)
{
	(void)unused;
	for (int i = 0; i < 10; i++)
		porter_counter_add(counter, 1);
}

static void *start_threads(void *arg)
{
	struct storm *storm = arg;

	for (size_t i = 0; i < storm->min; i++)
		in_a_thread(touch_and_be_interrupted, NULL);
	__atomic_store_n(&storm->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Process-directed, so that any thread may get it, those that begin or end. */
static void handlers_may_count_in_threads_that_begin_and_end(void **state)
{
	struct storm storm = { .min = scaled(2000) };
	struct timespec pause = { .tv_nsec = 1000 };
	pthread_t starter;

	(void)state;
	if (WITH_TSAN)
		skip_because("signals in threads that end stop TSan itself");
	counter = porter_counter_new();
	handled = 0;
	handle(SIGUSR1);
	must(pthread_create(&starter, NULL, start_threads, &storm) == 0);
	/* Blocked here: it goes to one of the others. */
	while (!__atomic_load_n(&storm.done, __ATOMIC_ACQUIRE)) {
		pthread_kill(starter, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	pthread_join(starter, NULL);
	assert_int_equal(porter_counter_sum(counter),
			 (int64_t)(10 * storm.min) + handled);
	porter_counter_destroy(counter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_handler_that_counts_loses_nothing_and_has_nothing_lost),
		cmocka_unit_test(a_handler_may_count_while_the_slot_is_taken),
		cmocka_unit_test(a_threads_first_touch_may_be_in_a_handler),
		cmocka_unit_test(
			handlers_may_count_in_threads_that_begin_and_end),
	};

	return run_all("signals", tests);
}
