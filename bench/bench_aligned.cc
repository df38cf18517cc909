/* SPDX-License-Identifier: MIT */
/*
 * bench_aligned.cc: what do alignments above malloc's cost?
 *
 *	aligned/...	pairs (pairs.h) aligned to 64 bytes, as Arrow wants them;
 *			through a tracker, and one with a limit that is far away
 *	grow/...	a buffer aligned to 64 bytes that doubles from 1 KiB to
 *			16 MiB and is filled on the way, as an Arrow builder does
 *	way/...		which way to align is faster from which alignment on:
 *			to allocate more and align within, or posix_memalign()?
 *			(OVERALLOCATE_BELOW in the system backend)
 */
#include "pairs.h"
#include "tracker.h"

#include <cstring>

struct by_aligned_alloc {
	void *allocate(size_t size)
	{
		return aligned_alloc(64, size);
	}
	void release(void *ptr, size_t)
	{
		free(ptr);
	}
};

struct by_posix_memalign {
	size_t alignment;

	void *allocate(size_t size)
	{
		void *block;

		return posix_memalign(&block, alignment, size) ? nullptr :
								 block;
	}
	void release(void *ptr, size_t)
	{
		free(ptr);
	}
	void *resize(void *ptr, size_t old_size, size_t new_size)
	{
		void *block = allocate(new_size);

		if (ptr && block)
			memcpy(block, ptr, old_size);
		free(ptr);
		return block;
	}
};

/* The way of the system backend, inlined. */
struct by_overallocation {
	size_t alignment;

	void *allocate(size_t size)
	{
		char *base = static_cast<char *>(malloc(size + alignment));
		size_t offset = alignment - (reinterpret_cast<uintptr_t>(base) &
					     (alignment - 1));
		void **block = reinterpret_cast<void **>(
			static_cast<void *>(base + offset));

		block[-1] = base;
		return block;
	}
	void release(void *ptr, size_t)
	{
		free(static_cast<void **>(ptr)[-1]);
	}
};

struct aligned_behind_table {
	porter_allocator *allocator;

	void *allocate(size_t size)
	{
		return porter_allocate_aligned(allocator, size, 64);
	}
	void release(void *ptr, size_t size)
	{
		porter_free_aligned(allocator, ptr, size, 64);
	}
	void *resize(void *ptr, size_t old_size, size_t new_size)
	{
		return porter_reallocate_aligned(allocator, ptr, old_size,
						 new_size, 64);
	}
};

template <class Allocator>
static void grow_buffer(benchmark::State &state, Allocator allocator)
{
	const size_t first = 1 << 10, last = 16 << 20;

	for (auto _ : state) {
		char *buffer = nullptr;
		size_t filled = 0;

		for (size_t size = first; size <= last; size *= 2) {
			buffer = static_cast<char *>(
				allocator.resize(buffer, filled, size));
			memset(buffer + filled, 1, size - filled);
			filled = size;
		}
		benchmark::DoNotOptimize(buffer);
		allocator.release(buffer, filled);
	}
}

template <class Allocator>
static void compare_growth(const std::string &name, Allocator allocator)
{
	benchmark::RegisterBenchmark(name.c_str(),
				     [allocator](benchmark::State &state) {
					     grow_buffer(state, allocator);
				     })
		->ThreadRange(1, 2)
		->UseRealTime();
}

int main(int argc, char **argv)
{
	porter_tracked *tracker = porter_tracked_new(nullptr);
	porter_tracked *limited = make_tracker(nullptr, FAR);
	aligned_behind_table system = { porter_backend("system") };
	aligned_behind_table tracked = { porter_tracked_allocator(tracker) };

	compare_pairs("aligned/aligned_alloc", by_aligned_alloc{});
	compare_pairs("aligned/posix_memalign", by_posix_memalign{ 64 });
	compare_pairs("aligned/system", system);
	compare_pairs("aligned/tracked-system", tracked);
	compare_pairs(
		"aligned/far-portermem",
		aligned_behind_table{ porter_tracked_allocator(limited) });

	compare_growth("grow/posix_memalign", by_posix_memalign{ 64 });
	compare_growth("grow/tracked-system", tracked);

	for (size_t alignment = 32; alignment <= 4096; alignment *= 2) {
		std::string at = "@" + std::to_string(alignment);

		compare_pairs("way/overallocate" + at,
			      by_overallocation{ alignment }, 2);
		compare_pairs("way/posix_memalign" + at,
			      by_posix_memalign{ alignment }, 2);
	}

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
