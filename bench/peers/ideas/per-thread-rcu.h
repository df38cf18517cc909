/* SPDX-License-Identifier: MIT */
/*
 * per-thread-rcu.h: each thread has a number, and a reader adds them up without
 * a lock.
 *
 * The idea of count_end_rcu in McKenney's perfbook, and of liburcu's examples,
 * on the real liburcu: the list of the numbers is exchanged when a thread comes
 * or goes, and the old one is freed after a grace period.
 */
#ifndef PORTER_PEERS_PER_THREAD_RCU_H
#define PORTER_PEERS_PER_THREAD_RCU_H

#include <urcu-bp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

class per_thread_rcu
{
      public:
	static constexpr int64_t slack = 0;

	void enter()
	{
		thread_local leaver at_the_end{ this };

		(void)at_the_end;
		change([](table &t) {
			if (std::find(t.live.begin(), t.live.end(), &mine_) ==
			    t.live.end())
				t.live.push_back(&mine_);
		});
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
		rcu_read_lock();
		const table *now = table_.load(std::memory_order_acquire);
		int64_t sum = now->final;

		for (const number *each : now->live)
			sum += each->load(std::memory_order_relaxed);
		rcu_read_unlock();
		return sum;
	}

      private:
	using number = std::atomic<int64_t>;

	struct table {
		int64_t final = 0;
		std::vector<const number *> live;
	};

	struct leaver {
		per_thread_rcu *from;

		~leaver()
		{
			from->change([](table &t) {
				t.final += mine_.load();
				t.live.erase(std::find(t.live.begin(),
						       t.live.end(), &mine_));
			});
		}
	};

	template <class Change> void change(Change by)
	{
		std::lock_guard<std::mutex> locked(lock_);
		table *old = table_.load();
		table *fresh = new table(*old);

		by(*fresh);
		table_.store(fresh, std::memory_order_release);
		synchronize_rcu();
		delete old;
	}

	static inline thread_local number mine_{ 0 };
	std::mutex lock_;
	std::atomic<table *> table_{ new table };
};

#endif /* PORTER_PEERS_PER_THREAD_RCU_H */
