/* SPDX-License-Identifier: MIT */
/*
 * Trackers end while other threads read other trackers, exit and take slots;
 * nobody waits for anybody, and the next tracker in the same cells begins at 0.
 *
 * A read that races with the end of its very tracker is against the contract;
 * but memory keeps its type for ever, so it must not crash.
 */
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { CREATORS = 3, READERS = 2, LASTING = 4 };

static porter_tracked *lasting[LASTING];
static porter_tracked *_Atomic passing[CREATORS];
static atomic_bool stop;
static atomic_size_t pairs, reads, stale_reads, threads_ended;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- Threads ---- */

static void one_life(size_t place, size_t size)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	struct porter_stats stats = { .size = sizeof(stats) };
	void *block;

	must(t && porter_bytes_used(t) == 0);
	atomic_store(&passing[place], t);
	block = porter_allocate(a, size);
	must(porter_bytes_used(t) == (int64_t)size);
	porter_tracked_stats(t, &stats);
	must(stats.allocations == 1 && stats.frees == 0 &&
	     stats.total_allocated == size && stats.total_freed == 0);
	if (size % 8) { /* Else it is left there: the next begins at 0. */
		porter_free(a, block, size);
		must(left_at_destroy(t) == 0);
	} else {
		must(left_at_destroy(t) == (int64_t)size);
		porter_free(porter_backend("system"), block, size);
	}
	atomic_fetch_add(&pairs, 1);
}

static void *create_and_destroy(void *place)
{
	uint64_t random = random_seed() + (uintptr_t)place;

	while (!atomic_load(&stop))
		one_life((uintptr_t)place, random_below(&random, 1000));
	return NULL;
}

static void *read_lasting(void *unused)
{
	struct porter_stats stats = { .size = sizeof(stats) };
	int64_t last = 0;

	(void)unused;
	while (!atomic_load(&stop)) {
		for (int i = 0; i < LASTING; i++) {
			struct porter_interval seen =
				porter_bytes_used_interval(lasting[i]);

			must(porter_bytes_used(lasting[i]) >= 100 + i);
			must(seen.lower <= seen.upper);
			must(seen.upper >= 100 + i);
			porter_tracked_stats(lasting[i], &stats);
			must(stats.allocations > stats.frees);
			must((int64_t)stats.total_allocated >= last || i > 0);
			if (i == 0)
				last = (int64_t)stats.total_allocated;
		}
		atomic_fetch_add(&reads, LASTING);
	}
	return NULL;
}

/* Against the contract: the numbers mean nothing, but nothing breaks. */
static void *read_passing(void *unused)
{
	struct porter_stats stats = { .size = sizeof(stats) };
	int64_t number;

	(void)unused;
	while (!atomic_load(&stop)) {
		for (int i = 0; i < CREATORS; i++) {
			porter_tracked *t = atomic_load(&passing[i]);

			if (!t)
				continue;
			porter_bytes_used(t);
			porter_bytes_used_interval(t);
			porter_bytes_used_exact(t, &number, 3);
			porter_tracked_stats(t, &stats);
			atomic_fetch_add(&stale_reads, 4);
		}
	}
	return NULL;
}

static void *use_lasting(void *unused)
{
	(void)unused;
	for (int i = 0; i < LASTING; i++) {
		porter_allocator *a = porter_tracked_allocator(lasting[i]);

		porter_free(a, porter_allocate(a, 50), 50);
	}
	return NULL;
}

static void *start_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	while (!atomic_load(&stop)) {
		must(!pthread_create(&thread, NULL, use_lasting, NULL));
		pthread_join(thread, NULL);
		atomic_fetch_add(&threads_ended, 1);
	}
	return NULL;
}

static void run_for(double time, void *(*reader)(void *unused))
{
	pthread_t threads[CREATORS + READERS + 1];
	struct timespec pause = { .tv_nsec = 10000000 };
	double start = seconds();
	int started = 0;

	atomic_store(&stop, false);
	atomic_store(&pairs, 0);
	for (uintptr_t i = 0; i < CREATORS; i++)
		must(!pthread_create(&threads[started++], NULL,
				     create_and_destroy, (void *)i));
	for (int i = 0; i < READERS; i++)
		must(!pthread_create(&threads[started++], NULL, reader, NULL));
	must(!pthread_create(&threads[started++], NULL, start_threads, NULL));
	/* For so long, and until each has done something. */
	while (seconds() - start < time || !atomic_load(&pairs) ||
	       !atomic_load(&threads_ended))
		nanosleep(&pause, NULL);
	atomic_store(&stop, true);
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	print_message("# %.0f pairs/s beside %zu reads, %zu stale reads, "
		      "%zu threads\n",
		      (double)pairs / (seconds() - start), (size_t)reads,
		      (size_t)stale_reads, (size_t)threads_ended);
}

/* ---- Tests ---- */

static double test_length(void)
{
	return (double)scaled(2000) / 1000;
}

static void trackers_end_while_others_are_read(void **state)
{
	void *blocks[LASTING];

	(void)state;
	for (int i = 0; i < LASTING; i++) {
		lasting[i] = porter_tracked_new(NULL);
		blocks[i] = porter_allocate(
			porter_tracked_allocator(lasting[i]), 100 + (size_t)i);
	}
	run_for(test_length(), read_lasting);
	for (int i = 0; i < LASTING; i++) {
		porter_free(porter_tracked_allocator(lasting[i]), blocks[i],
			    100 + (size_t)i);
		assert_int_equal(left_at_destroy(lasting[i]), 0);
	}
}

static void a_read_of_a_tracker_that_ends_does_not_crash(void **state)
{
	(void)state;
	if (WITH_TSAN)
		skip_because("it is a race, by intention");
	for (int i = 0; i < LASTING; i++)
		lasting[i] = porter_tracked_new(NULL);
	run_for(test_length(), read_passing);
	for (int i = 0; i < LASTING; i++)
		assert_int_equal(left_at_destroy(lasting[i]), 0);
}

static void destroying_costs_no_grace_period(void **state)
{
	size_t n = scaled(200000);
	double start = seconds();

	(void)state;
	for (size_t i = 0; i < n; i++)
		must(left_at_destroy(porter_tracked_new(NULL)) == 0);
	print_message("# %.0f pairs/s, one thread, nothing beside\n",
		      (double)n / (seconds() - start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trackers_end_while_others_are_read),
		cmocka_unit_test(a_read_of_a_tracker_that_ends_does_not_crash),
		cmocka_unit_test(destroying_costs_no_grace_period),
	};

	return run_all("destroy", tests);
}
