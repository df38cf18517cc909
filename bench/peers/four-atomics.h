/* SPDX-License-Identifier: MIT */
/*
 * four-atomics.h: bytes in use, their peak, bytes and blocks ever handed out.
 *
 * The way of the memory pool of Arrow C++ (its MemoryPoolStats): all four on
 * one line, the peak written only when it rises, one write for a free. The
 * orders of memory are relaxed here, for speed; on x86-64 nothing changes.
 */
#ifndef PORTER_BENCH_FOUR_ATOMICS_H
#define PORTER_BENCH_FOUR_ATOMICS_H

#include <atomic>
#include <cstdint>

struct alignas(64) four_atomics {
	std::atomic<int64_t> peak{ 0 };
	std::atomic<int64_t> bytes{ 0 };
	std::atomic<int64_t> total{ 0 };
	std::atomic<int64_t> allocations{ 0 };

	void charge(int64_t n)
	{
		const auto relaxed = std::memory_order_relaxed;
		int64_t highest = peak.load(relaxed);
		int64_t now = bytes.fetch_add(n, relaxed) + n;

		total.fetch_add(n, relaxed);
		allocations.fetch_add(1, relaxed);
		while (highest < now &&
		       !peak.compare_exchange_weak(highest, now, relaxed)) {
		}
	}
	void refund(int64_t n)
	{
		bytes.fetch_sub(n, std::memory_order_relaxed);
	}
};

#endif /* PORTER_BENCH_FOUR_ATOMICS_H */
