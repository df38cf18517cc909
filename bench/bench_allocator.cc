/* SPDX-License-Identifier: MIT */
/*
 * bench_allocator.cc: what does tracking cost a pair of allocate and free?
 *
 * The same pairs through malloc and free, through the backends untracked,
 * through tracked allocators, and through allocators that count in the ways
 * other programs do (peers/), for 1 to 8 threads.
 */
#include "pairs.h"

#include "peers/counted.h"
#include "peers/four-atomics.h"
#include "peers/mutex.h"
#include "peers/one-atomic.h"

struct sized_malloc {
	porter_tracked *tracker;

	void *allocate(size_t size)
	{
		return porter_malloc(tracker, size);
	}
	void release(void *ptr, size_t)
	{
		porter_mfree(tracker, ptr);
	}
};

static behind_table tracked_over(porter_allocator *underlying)
{
	return { porter_tracked_allocator(porter_tracked_new(underlying)) };
}

static void compare_backend(const std::string &name)
{
	porter_allocator *backend = porter_backend(name.c_str());

	if (!backend)
		return;
	compare_pairs("pair/" + name, behind_table{ backend });
	compare_pairs("pair/tracked-" + name, tracked_over(backend));
}

int main(int argc, char **argv)
{
	static counted<one_atomic> by_one_atomic;
	static counted<four_atomics> by_four_atomics;
	static counted<under_mutex> by_mutex;

	compare_pairs("pair/malloc", plain_malloc{});
	compare_backend("system");
	compare_pairs("pair/porter_malloc",
		      sized_malloc{ porter_tracked_new(nullptr) });
	compare_pairs("pair/one-atomic",
		      behind_table{ &by_one_atomic.allocator });
	compare_pairs("pair/four-atomics",
		      behind_table{ &by_four_atomics.allocator });
	compare_pairs("pair/mutex", behind_table{ &by_mutex.allocator });
	compare_backend("jemalloc");
	compare_backend("mimalloc");

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
