/* SPDX-License-Identifier: MIT */
/*
 * thread-cached.h: each thread keeps what it counts to itself, and adds it to
 * the common number after each thousandth update.
 *
 * The idea of folly's ThreadCachedInt: the fast read leaves out what the threads
 * keep; the full one adds it up, under a lock. A full read that comes between the
 * two halves of a flush sees the same bytes twice. A thread that ends flushes.
 */
#ifndef PORTER_PEERS_THREAD_CACHED_H
#define PORTER_PEERS_THREAD_CACHED_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

class thread_cached
{
      public:
	static constexpr int64_t slack = 0;

	void charge(int64_t n)
	{
		cache *mine = mine_;

		if (__builtin_expect(!mine, 0))
			mine = join();
		mine->value.store(mine->value.load(std::memory_order_relaxed) +
					  n,
				  std::memory_order_release);
		if (__builtin_expect(++mine->updates > UPDATES, 0))
			flush(mine);
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		std::lock_guard<std::mutex> locked(lock_);
		int64_t sum = read_fast();

		for (const cache *each : live_)
			sum += each->value.load(std::memory_order_relaxed);
		return sum;
	}
	int64_t read_fast() const
	{
		return common_.load(std::memory_order_relaxed);
	}

      private:
	enum { UPDATES = 1000 };

	struct alignas(64) cache {
		std::atomic<int64_t> value{ 0 };
		uint32_t updates = 0;
	};

	struct leaver {
		thread_cached *from;
		cache *mine;

		~leaver()
		{
			std::lock_guard<std::mutex> locked(from->lock_);

			from->flush(mine);
			from->live_.erase(std::find(from->live_.begin(),
						    from->live_.end(), mine));
			mine_ = nullptr;
			delete mine;
		}
	};

	void flush(cache *mine)
	{
		common_.fetch_add(mine->value.load(std::memory_order_relaxed),
				  std::memory_order_release);
		mine->value.store(0, std::memory_order_release);
		mine->updates = 0;
	}

	__attribute__((noinline)) cache *join()
	{
		thread_local leaver at_the_end{ this, new cache };
		std::lock_guard<std::mutex> locked(lock_);

		mine_ = at_the_end.mine;
		live_.push_back(mine_);
		return mine_;
	}

	static inline thread_local cache *mine_ = nullptr;
	alignas(128) std::atomic<int64_t> common_{ 0 };
	alignas(128) std::mutex lock_;
	std::vector<const cache *> live_;
};

#endif /* PORTER_PEERS_THREAD_CACHED_H */
