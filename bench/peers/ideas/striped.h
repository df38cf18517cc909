/* SPDX-License-Identifier: MIT */
/*
 * striped.h: one atomic number as long as nobody else writes it; then a number
 * for each processor, chosen by the thread.
 *
 * The idea of Java's LongAdder (Striped64): a compare-and-exchange that fails
 * makes the cells; another failure chooses another cell. Striped64's table grows
 * step by step to the number of processors; this one has that size at once.
 */
#ifndef PORTER_PEERS_STRIPED_H
#define PORTER_PEERS_STRIPED_H

#include <atomic>
#include <cstdint>
#include <thread>

class striped
{
      public:
	static constexpr int64_t slack = 0;

	void charge(int64_t n)
	{
		cell *cells = cells_.load(std::memory_order_acquire);

		if (!cells) {
			if (try_add(base_, n))
				return;
			cells = make_cells();
		}
		while (__builtin_expect(
			!try_add(cells[probe_ & mask_].value, n), 0))
			probe_ = next(probe_);
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		const cell *cells = cells_.load(std::memory_order_acquire);
		int64_t sum = base_.load(std::memory_order_relaxed);

		for (size_t i = 0; cells && i <= mask_; i++)
			sum += cells[i].value.load(std::memory_order_relaxed);
		return sum;
	}

      private:
	struct alignas(128) cell {
		std::atomic<int64_t> value{ 0 };
	};

	static bool try_add(std::atomic<int64_t> &number, int64_t n)
	{
		int64_t now = number.load(std::memory_order_relaxed);

		return number.compare_exchange_strong(
			now, now + n, std::memory_order_relaxed);
	}

	/* Marsaglia's xorshift, as Striped64 has it. */
	static uint32_t next(uint32_t probe)
	{
		probe ^= probe << 13;
		probe ^= probe >> 17;
		return probe ^ probe << 5;
	}

	static size_t processors_mask()
	{
		size_t n = 1;

		while (n < std::thread::hardware_concurrency())
			n *= 2;
		return n - 1;
	}

	__attribute__((noinline)) cell *make_cells()
	{
		cell *none = nullptr, *fresh = new cell[mask_ + 1];

		if (cells_.compare_exchange_strong(none, fresh))
			return fresh;
		delete[] fresh;
		return none;
	}

	static inline thread_local uint32_t probe_ = 0x9e3779b9;
	const size_t mask_ = processors_mask();
	alignas(128) std::atomic<int64_t> base_{ 0 };
	alignas(128) std::atomic<cell *> cells_{ nullptr };
};

#endif /* PORTER_PEERS_STRIPED_H */
