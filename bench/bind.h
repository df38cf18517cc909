/* SPDX-License-Identifier: MIT */
/*
 * bind.h: binds the calling thread to one of the program's processors.
 *
 * Left alone, the scheduler may run two threads of a short measurement one
 * after the other on one processor, and what is measured is a machine without
 * any contention.
 */
#ifndef PORTER_BENCH_BIND_H
#define PORTER_BENCH_BIND_H

#include <sched.h>

/* The processors that the program may use, as it was started. */
static inline const cpu_set_t &allowed_processors()
{
	static const cpu_set_t allowed = [] {
		cpu_set_t set;

		sched_getaffinity(0, sizeof(set), &set);
		return set;
	}();

	return allowed;
}

/* Counted round: with two processors, 0 and 2 are the same one. */
static inline void bind_to_processor(int index)
{
	const cpu_set_t &allowed = allowed_processors();
	int left = index % CPU_COUNT(&allowed);
	cpu_set_t one;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || left-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

#endif /* PORTER_BENCH_BIND_H */
