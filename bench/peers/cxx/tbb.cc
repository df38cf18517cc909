/* SPDX-License-Identifier: MIT */
/*
 * tbb.cc: oneTBB's enumerable_thread_specific and combinable.
 *
 * A combinable's numbers are plain: it is combined when nobody counts. So that a
 * sum may be read at any time, the enumerable one holds atomic numbers, written
 * by their thread alone.
 */
#include "ours.h"

#include <tbb/combinable.h>
#include <tbb/enumerable_thread_specific.h>

#include <functional>

template <tbb::ets_key_usage_type Key> struct enumerable {
	static constexpr int64_t slack = 0;
	using number = std::atomic<int64_t>;
	tbb::enumerable_thread_specific<
		number, tbb::cache_aligned_allocator<number>, Key>
		numbers{ 0 };

	void charge(int64_t n)
	{
		number &mine = numbers.local();

		mine.store(mine.load(std::memory_order_relaxed) + n,
			   std::memory_order_relaxed);
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		int64_t sum = 0;

		for (const number &each : numbers)
			sum += each.load(std::memory_order_relaxed);
		return sum;
	}
};

struct combined {
	static constexpr int64_t slack = 0;
	tbb::combinable<int64_t> numbers{ [] { return int64_t(0); } };

	void charge(int64_t n)
	{
		numbers.local() += n;
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		return numbers.combine(std::plus<int64_t>());
	}
};

static facts tbb_facts(const char *name, const char *note)
{
	return { name, "real", "portermem", "size asked for", "at rest", "yes",
		 "no", "no",   note };
}

std::vector<variant> variants()
{
	return {
		counter_variant<enumerable<tbb::ets_no_key>>(
			tbb_facts("TBB enumerable_thread_specific", "")),
		counter_variant<
			enumerable<tbb::ets_key_per_instance>>(tbb_facts(
			"TBB enumerable_thread_specific, ets_key_per_instance",
			"a key of pthreads for each")),
		counter_variant<combined>(tbb_facts(
			"TBB combinable", "plain numbers: no read under way")),
	};
}
