/* SPDX-License-Identifier: MIT */
/*
 * bench_reader.cc: how much does a reader slow an updater down?
 *
 * One updater, while another thread
 *
 *	alone		does not exist
 *	timer		wakes 10,000 times a second and does nothing
 *	reader		wakes 10,000 times a second and reads
 *
 * so that what waking costs the machine is told from what reading costs the
 * updater. The updater is bound to the first processor of the program and the
 * other thread to the last one: which of them the scheduler moves where is
 * none of the library's doing.
 */
#include "pairs.h"

#include <atomic>
#include <chrono>
#include <thread>

enum company { ALONE, TIMER, READER };

static porter_tracked *tracker = porter_tracked_new(nullptr);
static porter_counter *counter = porter_counter_new();

/* What stands beside the updater while one measurement runs. */
class companion
{
      public:
	explicit companion(company what)
	{
		if (what != ALONE)
			thread = std::thread(&companion::run, this, what);
	}
	double stop()
	{
		double seconds;

		if (!thread.joinable())
			return 0;
		stopped = true;
		thread.join();
		seconds = std::chrono::duration<double>(clock::now() - start)
				  .count();
		return rounds / seconds;
	}

      private:
	using clock = std::chrono::steady_clock;

	void run(company what)
	{
		auto next = clock::now();

		bind_to_processor(CPU_COUNT(&allowed_processors()) - 1);
		for (; !stopped; rounds++) {
			if (what == READER) {
				benchmark::DoNotOptimize(
					porter_bytes_used(tracker));
				benchmark::DoNotOptimize(
					porter_counter_sum(counter));
			}
			next += std::chrono::microseconds(100);
			std::this_thread::sleep_until(next);
		}
	}

	clock::time_point start = clock::now();
	std::atomic<bool> stopped{ false };
	double rounds = 0;
	std::thread thread;
};

static void update_pairs(benchmark::State &state, company what)
{
	companion beside(what);

	run_pairs(state, behind_table{ porter_tracked_allocator(tracker) });
	state.counters["wakes_per_second"] = beside.stop();
}

static void update_counter(benchmark::State &state, company what)
{
	companion beside(what);

	bind_to_processor(0);
	for (auto _ : state)
		porter_counter_add(counter, 1);
	state.counters["wakes_per_second"] = beside.stop();
}

static void compare(const std::string &name,
		    void (*update)(benchmark::State &, company))
{
	const char *beside[] = { "alone", "timer", "reader" };

	for (company what : { ALONE, TIMER, READER })
		benchmark::RegisterBenchmark(
			(name + beside[what]).c_str(),
			[=](benchmark::State &state) { update(state, what); })
			->UseRealTime();
}

int main(int argc, char **argv)
{
	compare("beside-pair/", update_pairs);
	compare("beside-add/", update_counter);

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
