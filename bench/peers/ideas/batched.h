/* SPDX-License-Identifier: MIT */
/*
 * batched.h: each thread counts for itself, and moves it to the common number,
 * under a lock, when it has become as much as a batch.
 *
 * The idea of Linux's percpu_counter, by threads in place of processors: here
 * nothing can forbid preemption. read_fast() is percpu_counter_read(), off by up to
 * a batch for each thread; read() is percpu_counter_sum(), under the lock.
 */
#ifndef PORTER_PEERS_BATCHED_H
#define PORTER_PEERS_BATCHED_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

class batched
{
      public:
	static constexpr int64_t slack = 0;
	static constexpr int64_t BATCH = 64 * 1024;

	void charge(int64_t n)
	{
		slot *mine = mine_;

		if (__builtin_expect(!mine, 0))
			mine = join();
		n += mine->value.load(std::memory_order_relaxed);
		if (__builtin_expect(n >= BATCH || n <= -BATCH, 0)) {
			std::lock_guard<std::mutex> locked(lock_);

			common_.store(common_.load(std::memory_order_relaxed) +
					      n,
				      std::memory_order_relaxed);
			n = 0;
		}
		mine->value.store(n, std::memory_order_relaxed);
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		std::lock_guard<std::mutex> locked(lock_);
		int64_t sum = read_fast();

		for (const slot *each : live_)
			sum += each->value.load(std::memory_order_relaxed);
		return sum;
	}
	int64_t read_fast() const
	{
		return common_.load(std::memory_order_relaxed);
	}

      private:
	struct alignas(64) slot {
		std::atomic<int64_t> value{ 0 };
	};

	struct leaver {
		batched *from;
		slot *mine;

		~leaver()
		{
			std::lock_guard<std::mutex> locked(from->lock_);

			from->common_ += mine->value;
			from->live_.erase(std::find(from->live_.begin(),
						    from->live_.end(), mine));
			mine_ = nullptr;
			delete mine;
		}
	};

	__attribute__((noinline)) slot *join()
	{
		thread_local leaver at_the_end{ this, new slot };
		std::lock_guard<std::mutex> locked(lock_);

		mine_ = at_the_end.mine;
		live_.push_back(mine_);
		return mine_;
	}

	static inline thread_local slot *mine_ = nullptr;
	alignas(128) std::atomic<int64_t> common_{ 0 };
	alignas(128) std::mutex lock_;
	std::vector<const slot *> live_;
};

#endif /* PORTER_PEERS_BATCHED_H */
