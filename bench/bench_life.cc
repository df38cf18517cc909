/* SPDX-License-Identifier: MIT */
/*
 * bench_life.cc: what do the lives of trackers and threads cost?
 *
 *	life/tracker	create and destroy a tracker that nobody uses
 *	life/tracker-used	the same, with one block allocated and freed
 *	life/thread	create and join a thread that does nothing
 *	life/thread-counts	the same; it takes a slot, counts, hands it on
 */
#include "tracker.h"

#include <benchmark/benchmark.h>

#include <pthread.h>

static porter_counter *counter = porter_counter_new();

static void tracker_unused(benchmark::State &state)
{
	for (auto _ : state)
		end_tracker(porter_tracked_new(nullptr));
}

static void tracker_used(benchmark::State &state)
{
	for (auto _ : state) {
		porter_tracked *t = porter_tracked_new(nullptr);
		porter_allocator *a = porter_tracked_allocator(t);

		porter_free(a, porter_allocate(a, 64), 64);
		end_tracker(t);
	}
}

static void *do_nothing(void *)
{
	return nullptr;
}

static void *count(void *)
{
	porter_counter_add(counter, 1);
	return nullptr;
}

static void run_thread(void *(*work)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, nullptr, work, nullptr) == 0)
		pthread_join(thread, nullptr);
}

static void thread_plain(benchmark::State &state)
{
	for (auto _ : state)
		run_thread(do_nothing);
}

static void thread_counts(benchmark::State &state)
{
	for (auto _ : state)
		run_thread(count);
}

int main(int argc, char **argv)
{
	benchmark::RegisterBenchmark("life/tracker", tracker_unused)
		->UseRealTime();
	benchmark::RegisterBenchmark("life/tracker-used", tracker_used)
		->UseRealTime();
	benchmark::RegisterBenchmark("life/thread", thread_plain)
		->UseRealTime();
	benchmark::RegisterBenchmark("life/thread-counts", thread_counts)
		->UseRealTime();
	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
