/* SPDX-License-Identifier: MIT */
/*
 * mutex.h: a plain number under a mutex.
 *
 * The way of SQLite's own memory statistics.
 */
#ifndef PORTER_BENCH_MUTEX_H
#define PORTER_BENCH_MUTEX_H

#include <cstdint>
#include <mutex>

struct under_mutex {
	std::mutex mutex;
	int64_t bytes = 0;

	void charge(int64_t n)
	{
		std::lock_guard<std::mutex> locked(mutex);
		bytes += n;
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
};

#endif /* PORTER_BENCH_MUTEX_H */
