/* SPDX-License-Identifier: MIT */
/*
 * exact_share.c: how often porter_bytes_used_exact() succeeds under load.
 *
 * "While others ran" counts the calls during which something was allocated:
 * where the processors are few, others stand still during most calls.
 *
 * Threads allocate and free without a pause, while another asks for exact
 * numbers, each time with so many tries at most. Prints a table; the numbers
 * are the machine's, so there is nothing to pass or fail.
 *
 *	exact_share [THREADS [SECONDS]]		2 threads, 1 second for each row
 */
#include "leak.h"

#include <portermem/portermem.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_THREADS = 64, LIVE = 64 };

static porter_tracked *tracker;
static atomic_bool stop;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *hammer(void *unused)
{
	porter_allocator *a = porter_tracked_allocator(tracker);
	void *live[LIVE] = { NULL };
	unsigned long pairs = 0;

	(void)unused;
	for (size_t i = 0; !atomic_load_explicit(&stop, memory_order_relaxed);
	     i = (i + 1) % LIVE, pairs++) {
		porter_free(a, live[i], 100 + i);
		live[i] = porter_allocate(a, 100 + i);
	}
	for (size_t i = 0; i < LIVE; i++)
		porter_free(a, live[i], 100 + i);
	return (void *)pairs;
}

static double percent(unsigned long part, unsigned long whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void row(int threads, double length, unsigned tries)
{
	pthread_t hammers[MOST_THREADS];
	unsigned long calls = 0, exact = 0, moving = 0, exact_moving = 0;
	unsigned long pairs = 0;
	struct porter_stats before = { .size = sizeof(before) };
	struct porter_stats after = before;
	double start, time;
	int64_t used;

	atomic_store(&stop, false);
	for (int i = 0; i < threads; i++) {
		if (pthread_create(&hammers[i], NULL, hammer, NULL) != 0)
			abort();
	}
	for (start = seconds(); (time = seconds() - start) < length; calls++) {
		bool good;

		porter_tracked_stats(tracker, &before);
		good = porter_bytes_used_exact(tracker, &used, tries) == 0;
		porter_tracked_stats(tracker, &after);
		exact += good;
		if (before.allocations != after.allocations) {
			moving++;
			exact_moving += good;
		}
	}
	atomic_store(&stop, true);
	for (int i = 0; i < threads; i++) {
		void *done;

		pthread_join(hammers[i], &done);
		pairs += (unsigned long)done;
	}
	printf("%9u  %9lu  %7.3f %%  %9lu  %7.3f %%  %7.2f us  %7.1f M/s\n",
	       tries, calls, percent(exact, calls), moving,
	       percent(exact_moving, moving), time / (double)calls * 1e6,
	       (double)pairs / time / 1e6);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 2;
	double length = argc > 2 ? atof(argv[2]) : 1;

	if (threads < 0 || threads > MOST_THREADS)
		return 2;
	tracker = porter_tracked_new(NULL);
	printf("%d threads allocate and free without a pause\n", threads);
	printf("max_tries  all calls      exact  while others ran   exact   "
	       "  a call    pairs\n");
	for (unsigned tries = 1; tries <= 1000; tries *= 10)
		row(threads, length, tries);
	return left_at_destroy(tracker) != 0;
}
