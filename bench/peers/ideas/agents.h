/* SPDX-License-Identifier: MIT */
/*
 * agents.h: each thread has an agent for each counter, found by the counter's
 * number; a reader adds the agents up under a lock.
 *
 * The idea of brpc's bvar::Adder. An update is a compare-and-exchange on a line
 * of the thread's own, since a reader may exchange the number for 0 meanwhile
 * (reset, which is not done here). A thread that ends hands in what it counted.
 */
#ifndef PORTER_PEERS_AGENTS_H
#define PORTER_PEERS_AGENTS_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

class agents
{
      public:
	static constexpr int64_t slack = 0;

	void charge(int64_t n)
	{
		agent *mine = find();
		int64_t now;

		if (__builtin_expect(!mine, 0))
			mine = join();
		now = mine->value.load(std::memory_order_relaxed);
		while (!mine->value.compare_exchange_weak(
			now, now + n, std::memory_order_relaxed)) {
		}
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		std::lock_guard<std::mutex> locked(lock_);
		int64_t sum = ended_;

		for (const agent *each : live_)
			sum += each->value.load(std::memory_order_relaxed);
		return sum;
	}

      private:
	enum { IN_BLOCK = 64 };

	struct alignas(64) agent {
		std::atomic<int64_t> value{ 0 };
		agents *of = nullptr;
	};
	struct block {
		agent agents[IN_BLOCK];
	};
	using blocks = std::vector<block *>;

	struct leaver {
		~leaver()
		{
			for (block *each : *mine_) {
				for (agent &one : each->agents)
					if (one.of)
						one.of->forget(one);
				delete each;
			}
			delete mine_;
			mine_ = nullptr;
		}
	};

	void forget(agent &one)
	{
		std::lock_guard<std::mutex> locked(lock_);

		ended_ += one.value.load();
		live_.erase(std::find(live_.begin(), live_.end(), &one));
	}

	agent *find() const
	{
		if (!mine_ || number_ / IN_BLOCK >= mine_->size())
			return nullptr;
		agent &one = (*mine_)[number_ / IN_BLOCK]
				     ->agents[number_ % IN_BLOCK];
		return one.of ? &one : nullptr;
	}

	__attribute__((noinline)) agent *join()
	{
		if (!mine_)
			mine_ = new blocks;
		thread_local leaver at_the_end;
		(void)at_the_end;
		while (number_ / IN_BLOCK >= mine_->size())
			mine_->push_back(new block);

		std::lock_guard<std::mutex> locked(lock_);
		agent &one = (*mine_)[number_ / IN_BLOCK]
				     ->agents[number_ % IN_BLOCK];
		one.of = this;
		live_.push_back(&one);
		return &one;
	}

	static inline thread_local blocks *mine_ = nullptr;
	static inline std::atomic<size_t> numbers_{ 0 };
	size_t number_ = numbers_++;
	std::mutex lock_;
	std::vector<const agent *> live_;
	int64_t ended_ = 0;
};

#endif /* PORTER_PEERS_AGENTS_H */
