/* SPDX-License-Identifier: MIT */
/*
 * clock.h: the time that passes, that a thread works, and that it is kept
 * waiting for a processor.
 */
#ifndef PORTER_BENCH_CLIFFS_CLOCK_H
#define PORTER_BENCH_CLIFFS_CLOCK_H

#include "sample.h"

#include <cstdint>
#include <cstdio>
#include <ctime>

static inline double clock_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return static_cast<double>(t.tv_sec) * 1e9 +
	       static_cast<double>(t.tv_nsec);
}

static inline double wall_ns()
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* The processor time of the calling thread. */
static inline double thread_ns()
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* How long the calling thread could have run and had no processor. */
static inline double kept_waiting_ns()
{
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	unsigned long long ran, waited = 0;

	if (file) {
		if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
			waited = 0;
		fclose(file);
	}
	return static_cast<double>(waited);
}

/*
 * What one or more threads spent on so many operations. A thread that waits
 * for a lock pays for that; one that waits for a processor has bad luck.
 */
struct spent {
	double wall = 0, processor = 0, kept_waiting = 0;
	uint64_t operations = 0;

	void begin()
	{
		wall -= wall_ns();
		processor -= thread_ns();
		kept_waiting -= kept_waiting_ns();
	}
	void end(uint64_t n)
	{
		kept_waiting += kept_waiting_ns();
		processor += thread_ns();
		wall += wall_ns();
		operations += n;
	}
	void add(const spent &other)
	{
		wall += other.wall;
		processor += other.processor;
		kept_waiting += other.kept_waiting;
		operations += other.operations;
	}
	/* For threads that have a processor each. */
	sample by_wall() const
	{
		return { wall / static_cast<double>(operations),
			 1 - kept_waiting / wall };
	}
	/* For more threads than processors. */
	sample by_processor() const
	{
		return { processor / static_cast<double>(operations), 1 };
	}
};

#endif /* PORTER_BENCH_CLIFFS_CLOCK_H */
