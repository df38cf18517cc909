/* SPDX-License-Identifier: MIT */
/*
 * one-atomic.h: one atomic number that all threads write.
 *
 * The way of a tracked allocator in Go with one atomic.Int64, and the first
 * that comes to anybody's mind.
 */
#ifndef PORTER_BENCH_ONE_ATOMIC_H
#define PORTER_BENCH_ONE_ATOMIC_H

#include <atomic>
#include <cstdint>

struct one_atomic {
	std::atomic<int64_t> bytes{ 0 };

	void charge(int64_t n)
	{
		bytes.fetch_add(n, std::memory_order_relaxed);
	}
	void refund(int64_t n)
	{
		bytes.fetch_sub(n, std::memory_order_relaxed);
	}
};

#endif /* PORTER_BENCH_ONE_ATOMIC_H */
