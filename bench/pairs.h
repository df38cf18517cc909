/* SPDX-License-Identifier: MIT */
/*
 * pairs.h: the work that allocators are compared by.
 *
 * Each thread holds 1,024 live blocks of 16 to 528 bytes. Over and over it
 * picks one by chance, frees it and allocates another in its place. The loop
 * is compiled into every variant, so that nothing but the allocator differs.
 */
#ifndef PORTER_BENCH_PAIRS_H
#define PORTER_BENCH_PAIRS_H

#include <portermem/portermem.h>

#include <benchmark/benchmark.h>

#include "bind.h"
#include "pick.h"

#include <cstdint>
#include <cstdlib>
#include <string>

/* Allocator: void *allocate(size_t); void release(void *, size_t). */
template <class Allocator>
static void run_pairs(benchmark::State &state, Allocator allocator)
{
	struct {
		void *ptr;
		size_t size;
	} live[LIVE_BLOCKS];
	chance random = { static_cast<uint64_t>(state.thread_index() + 1) };

	bind_to_processor(state.thread_index());
	for (auto &block : live) {
		block.size = block_size(random.next());
		block.ptr = allocator.allocate(block.size);
	}
	for (auto _ : state) {
		uint64_t bits = random.next();
		auto &block = live[block_index(bits)];

		allocator.release(block.ptr, block.size);
		block.size = block_size(bits);
		block.ptr = allocator.allocate(block.size);
	}
	for (auto &block : live)
		allocator.release(block.ptr, block.size);
}

/* malloc and free, with nothing in between. */
struct plain_malloc {
	void *allocate(size_t size)
	{
		return malloc(size);
	}
	void release(void *ptr, size_t)
	{
		free(ptr);
	}
};

/* Any allocator behind the table. */
struct behind_table {
	porter_allocator *allocator;

	void *allocate(size_t size)
	{
		return porter_allocate(allocator, size);
	}
	void release(void *ptr, size_t size)
	{
		porter_free(allocator, ptr, size);
	}
};

/* Threads 1, 2, 4 and so on; wall time, as a program feels it. */
template <class Allocator>
static void compare_pairs(const std::string &name, Allocator allocator,
			  int most_threads = 8)
{
	benchmark::RegisterBenchmark(name.c_str(),
				     [allocator](benchmark::State &state) {
					     run_pairs(state, allocator);
				     })
		->ThreadRange(1, most_threads)
		->UseRealTime();
}

#endif /* PORTER_BENCH_PAIRS_H */
