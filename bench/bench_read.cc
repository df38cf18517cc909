/* SPDX-License-Identifier: MIT */
/*
 * bench_read.cc: what does a read cost, with how many slots?
 *
 * A slot is never given back, so the number of slots can only rise while the
 * program runs: the measurements must come in the order they are in here, and
 * not interleaved.
 */
#include <portermem/portermem.h>

#include <benchmark/benchmark.h>

#include <pthread.h>
#include <semaphore.h>

#include <climits>
#include <cstdlib>

static porter_tracked *tracker = porter_tracked_new(nullptr);
static sem_t counted, never;
static long live_slots = 0;

/* Holds a slot, with something counted in it, and does nothing else. */
static void *park(void *)
{
	porter_allocator *a = porter_tracked_allocator(tracker);

	porter_free(a, porter_allocate(a, 64), 64);
	sem_post(&counted);
	while (sem_wait(&never) != 0) {
	}
	return nullptr;
}

static bool raise_slots_to(long wanted)
{
	pthread_attr_t small;
	pthread_t thread;
	bool ok = true;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 16384);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	for (; ok && live_slots < wanted; live_slots++) {
		ok = pthread_create(&thread, &small, park, nullptr) == 0;
		if (ok)
			sem_wait(&counted);
	}
	pthread_attr_destroy(&small);
	return ok;
}

static void read_slots(benchmark::State &state)
{
	if (!raise_slots_to(state.range(0))) {
		state.SkipWithError("cannot start so many threads");
		return;
	}
	for (auto _ : state)
		benchmark::DoNotOptimize(porter_bytes_used(tracker));
}

int main(int argc, char **argv)
{
	sem_init(&counted, 0, 0);
	sem_init(&never, 0, 0);
	porter_thread_register();
	live_slots = 1;

	benchmark::RegisterBenchmark("read/slots", read_slots)
		->RangeMultiplier(10)
		->Range(1, 10000)
		->UseRealTime();
	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	/* Parked threads end with the process. */
	_Exit(0);
}
