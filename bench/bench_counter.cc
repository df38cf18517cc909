/* SPDX-License-Identifier: MIT */
/*
 * bench_counter.cc: what does one count cost?
 *
 * porter_counter_add(), a call into the library, against one atomic number
 * and a number under a mutex, both inlined, for 1 to 8 threads.
 */
#include <portermem/counter.h>

#include <benchmark/benchmark.h>

#include "bind.h"
#include "peers/mutex.h"
#include "peers/one-atomic.h"

static porter_counter *sharded = porter_counter_new();
alignas(128) static one_atomic atomic;
alignas(128) static under_mutex mutexed;

static void add_sharded(benchmark::State &state)
{
	bind_to_processor(state.thread_index());
	for (auto _ : state)
		porter_counter_add(sharded, 1);
}

static void add_atomic(benchmark::State &state)
{
	bind_to_processor(state.thread_index());
	for (auto _ : state)
		atomic.charge(1);
}

static void add_mutexed(benchmark::State &state)
{
	bind_to_processor(state.thread_index());
	for (auto _ : state)
		mutexed.charge(1);
}

static void compare(const char *name, void (*add)(benchmark::State &))
{
	benchmark::RegisterBenchmark(name, add)
		->ThreadRange(1, 8)
		->UseRealTime();
}

int main(int argc, char **argv)
{
	compare("add/portermem", add_sharded);
	compare("add/one-atomic", add_atomic);
	compare("add/mutex", add_mutexed);

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
