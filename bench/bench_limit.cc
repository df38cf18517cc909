/* SPDX-License-Identifier: MIT */
/*
 * bench_limit.cc: what do a peak, a limit and a family cost?
 *
 *	far	the pairs of pairs.h through a tracker that only counts, one
 *		that keeps a peak, one with a limit that is far away, and one
 *		with a parent and a grandparent
 *	at	a limit that is always nearly reached: each thread wants to
 *		hold 1,024 blocks, and there is room for nineteen in twenty;
 *		what is refused is tried again later. Beside an exact limiter
 *		of one atomic number (peers/cas-limiter.h).
 */
#include "pairs.h"

#include "peers/cas-limiter.h"

static porter_tracked *make(porter_tracked *parent, int64_t limit)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;

	o.parent = parent;
	o.limit = limit;
	return porter_tracked_new_with(nullptr, &o);
}

static behind_table behind(porter_tracked *t)
{
	return { porter_tracked_allocator(t) };
}

static const int64_t FAR = int64_t(1) << 40;

static int64_t nearly_all(int threads)
{
	return int64_t(threads) * LIVE_BLOCKS * (SMALLEST + LARGEST) / 2 * 19 /
	       20;
}

template <class SetLimit>
static void run_at_limit(benchmark::State &state, porter_allocator *a,
			 SetLimit set_limit)
{
	struct {
		void *ptr;
		size_t size;
	} live[LIVE_BLOCKS] = {};
	chance random = { static_cast<uint64_t>(state.thread_index() + 1) };

	bind_to_processor(state.thread_index());
	if (state.thread_index() == 0)
		set_limit(nearly_all(state.threads()));
	for (auto _ : state) {
		uint64_t bits = random.next();
		auto &block = live[block_index(bits)];

		if (block.ptr)
			porter_free(a, block.ptr, block.size);
		block.size = block_size(bits);
		block.ptr = porter_allocate(a, block.size);
	}
	for (auto &block : live)
		if (block.ptr)
			porter_free(a, block.ptr, block.size);
}

template <class SetLimit>
static void compare_at_limit(const std::string &name, porter_allocator *a,
			     SetLimit set_limit)
{
	benchmark::RegisterBenchmark(name.c_str(),
				     [a, set_limit](benchmark::State &state) {
					     run_at_limit(state, a, set_limit);
				     })
		->ThreadRange(1, 8)
		->UseRealTime();
}

int main(int argc, char **argv)
{
	static cas_limiter far_atomic(FAR), at_atomic(FAR);
	porter_tracked *at = make(nullptr, FAR);

	compare_pairs("limit/none-portermem",
		      behind(porter_tracked_new(nullptr)));
	compare_pairs("limit/peak-portermem", behind(make(nullptr, 0)));
	compare_pairs("limit/far-portermem", behind(make(nullptr, FAR)));
	compare_pairs("limit/family-portermem",
		      behind(make(make(make(nullptr, FAR), FAR), FAR)));
	compare_pairs("limit/far-one-atomic",
		      behind_table{ &far_atomic.allocator });
	compare_at_limit(
		"at-limit/portermem", porter_tracked_allocator(at),
		[at](int64_t limit) { porter_tracked_set_limit(at, limit); });
	compare_at_limit("at-limit/one-atomic", &at_atomic.allocator,
			 [](int64_t limit) { at_atomic.limit = limit; });

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
