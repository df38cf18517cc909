/* SPDX-License-Identifier: MIT */
/*
 * thread-array.h: an array with a number for each thread; a reader adds up those
 * of the threads that there were.
 *
 * The idea of valkey's zmalloc (since version 8): plain stores, neighbours share
 * lines, the first thread does not. Places are never given back; threads beyond
 * the array's end share one atomic number.
 */
#ifndef PORTER_PEERS_THREAD_ARRAY_H
#define PORTER_PEERS_THREAD_ARRAY_H

#include <algorithm>
#include <atomic>
#include <cstdint>

class thread_array
{
      public:
	static constexpr int64_t slack = 0;

	void charge(int64_t n)
	{
		if (__builtin_expect(index_ < 0, 0))
			index_ = threads_.fetch_add(1);
		if (__builtin_expect(index_ >= MOST, 0)) {
			others_.fetch_add(n, std::memory_order_relaxed);
			return;
		}
		number &mine = padded_[PADDING + index_];
		mine.store(mine.load(std::memory_order_relaxed) + n,
			   std::memory_order_relaxed);
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		int64_t sum = others_.load(std::memory_order_relaxed);
		int threads = std::min<int>(threads_.load(), MOST);

		for (int i = 0; i < threads; i++)
			sum += padded_[PADDING + i].load(
				std::memory_order_relaxed);
		return sum;
	}

      private:
	using number = std::atomic<int64_t>;
	enum { MOST = 256 + 3 + 1, PADDING = 64 / sizeof(number) - 1 };

	static inline thread_local int index_ = -1;
	alignas(64) number padded_[MOST + PADDING] = {};
	std::atomic<int> threads_{ 0 };
	number others_{ 0 };
};

#endif /* PORTER_PEERS_THREAD_ARRAY_H */
