/* SPDX-License-Identifier: MIT */
/*
 * bench_limit.cc: what do a limit and a hierarchy cost?
 *
 *	limit/...	the pairs of pairs.h through a tracker without a limit,
 *			one with a limit that is far away, and one with a parent
 *			and a grandparent
 *	at-limit/...	a limit that is always nearly reached: each thread wants
 *			to hold 1,024 blocks, and there is room for nineteen in
 *			twenty; what is refused is tried again later. Beside an
 *			exact limiter of one atomic (peers/cas-limiter.h)
 *
 *	portermem		a tracker that only these threads ever used
 *	shared-portermem	one thread, after two have shared the tracker
 *	hierarchy-portermem	the lowest of three; the limit is the root's
 */
#include "pairs.h"
#include "tracker.h"

#include "peers/cas-limiter.h"

#include <atomic>
#include <thread>

static behind_table behind(porter_tracked *t)
{
	return { porter_tracked_allocator(t) };
}

/* What one thread does at the limit. */
class at_limit_work
{
      public:
	at_limit_work(porter_allocator *from, int thread)
	    : a(from), random{ static_cast<uint64_t>(thread + 1) }
	{
		bind_to_processor(thread);
	}
	~at_limit_work()
	{
		for (auto &block : live)
			if (block.ptr)
				porter_free(a, block.ptr, block.size);
	}
	void step()
	{
		uint64_t bits = random.next();
		auto &block = live[block_index(bits)];

		if (block.ptr)
			porter_free(a, block.ptr, block.size);
		block.size = block_size(bits);
		block.ptr = porter_allocate(a, block.size);
	}

      private:
	porter_allocator *a;
	chance random;
	struct {
		void *ptr;
		size_t size;
	} live[LIVE_BLOCKS] = {};
};

static int64_t nearly_all(int threads)
{
	return int64_t(threads) * LIVE_BLOCKS * (SMALLEST + LARGEST) / 2 * 19 /
	       20;
}

/* What the present run is about: made before it, ended after it. */
static porter_tracked *root, *lowest;
static porter_allocator *limited;

static void make_alone(const benchmark::State &state)
{
	root = lowest = make_tracker(nullptr, nearly_all(state.threads()));
	limited = porter_tracked_allocator(lowest);
}

static void make_shared(const benchmark::State &state)
{
	std::atomic<int> ready{ 0 };
	std::thread two[2];

	make_alone(state);
	for (int i = 0; i < 2; i++)
		two[i] = std::thread([i, &ready] {
			at_limit_work work(limited, i);

			for (ready++; ready < 2;)
				std::this_thread::yield();
			for (int n = 0; n < 50000; n++)
				work.step();
		});
	for (auto &thread : two)
		thread.join();
}

static void make_hierarchy(const benchmark::State &state)
{
	root = make_tracker(nullptr, nearly_all(state.threads()));
	lowest = make_tracker(make_tracker(root));
	limited = porter_tracked_allocator(lowest);
}

static void end_all(const benchmark::State &)
{
	while (lowest) {
		porter_tracked *parent = porter_tracked_parent(lowest);

		end_tracker(lowest);
		lowest = parent;
	}
}

static void make_one_atomic(const benchmark::State &state)
{
	static cas_limiter one(0);

	one.limit = nearly_all(state.threads());
	limited = &one.allocator;
}

static void at_limit(benchmark::State &state)
{
	at_limit_work work(limited, state.thread_index());

	for (auto _ : state)
		work.step();
}

static void compare_at_limit(const char *name, int most_threads,
			     void (*make)(const benchmark::State &))
{
	benchmark::RegisterBenchmark(name, at_limit)
		->Setup(make)
		->Teardown(end_all)
		->ThreadRange(1, most_threads)
		->UseRealTime();
}

int main(int argc, char **argv)
{
	static cas_limiter far_atomic(FAR);

	compare_pairs("limit/none-portermem",
		      behind(porter_tracked_new(nullptr)));
	compare_pairs("limit/far-portermem",
		      behind(make_tracker(nullptr, FAR)));
	compare_pairs(
		"limit/hierarchy-portermem",
		behind(make_tracker(
			make_tracker(make_tracker(nullptr, FAR), FAR), FAR)));
	compare_pairs("limit/far-one-atomic",
		      behind_table{ &far_atomic.allocator });
	compare_at_limit("at-limit/portermem", 8, make_alone);
	compare_at_limit("at-limit/shared-portermem", 1, make_shared);
	compare_at_limit("at-limit/hierarchy-portermem", 8, make_hierarchy);
	compare_at_limit("at-limit/one-atomic", 8, make_one_atomic);

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
