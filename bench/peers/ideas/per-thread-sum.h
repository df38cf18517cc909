/* SPDX-License-Identifier: MIT */
/*
 * per-thread-sum.h: each thread has a number, and a reader adds them up under a
 * lock.
 *
 * The idea of count_end in McKenney's perfbook. A thread registers itself
 * before it counts, and what it counted is kept in the final count when it ends.
 */
#ifndef PORTER_PEERS_PER_THREAD_SUM_H
#define PORTER_PEERS_PER_THREAD_SUM_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

class per_thread_sum
{
      public:
	static constexpr int64_t slack = 0;

	void enter()
	{
		thread_local leaver at_the_end{ this };

		(void)at_the_end;
		std::lock_guard<std::mutex> locked(lock_);
		if (std::find(live_.begin(), live_.end(), &mine_) ==
		    live_.end())
			live_.push_back(&mine_);
	}
	void charge(int64_t n)
	{
		const auto relaxed = std::memory_order_relaxed;

		mine_.store(mine_.load(relaxed) + n, relaxed);
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		std::lock_guard<std::mutex> locked(lock_);
		int64_t sum = final_;

		for (const number *each : live_)
			sum += each->load(std::memory_order_relaxed);
		return sum;
	}

      private:
	using number = std::atomic<int64_t>;

	struct leaver {
		per_thread_sum *from;

		~leaver()
		{
			std::lock_guard<std::mutex> locked(from->lock_);

			from->final_ += mine_.load();
			from->live_.erase(std::find(from->live_.begin(),
						    from->live_.end(), &mine_));
		}
	};

	static inline thread_local number mine_{ 0 };
	std::mutex lock_;
	std::vector<const number *> live_;
	int64_t final_ = 0;
};

#endif /* PORTER_PEERS_PER_THREAD_SUM_H */
