/* SPDX-License-Identifier: MIT */
/*
 * team.h: threads that work side by side until the time is over.
 *
 * Each is bound to a processor in turn and makes a worker of its own, a
 * function that does some operations and returns how many. Nothing is given
 * back at the end, since the process ends with the sample.
 */
#ifndef PORTER_BENCH_CLIFFS_TEAM_H
#define PORTER_BENCH_CLIFFS_TEAM_H

#include "../bind.h"
#include "clock.h"

#include <pthread.h>
#include <thread>
#include <vector>

static const double SAMPLE_NS = 10e6;

/* The first quarter of the work is not counted. */
template <class Worker> static spent work_for(double ns, Worker &worker)
{
	double start = wall_ns();
	uint64_t operations = 0;
	spent result;

	while (wall_ns() - start < ns / 4)
		worker();
	result.begin();
	start = wall_ns();
	while (wall_ns() - start < ns)
		operations += worker();
	result.end(operations);
	return result;
}

/* make(i) makes the worker of thread i. */
template <class Make>
static spent run_team(int threads, Make make, double ns = SAMPLE_NS)
{
	std::vector<spent> each(static_cast<size_t>(threads));
	std::vector<std::thread> team;
	pthread_barrier_t together;
	spent all;

	auto run = [&](int i) {
		bind_to_processor(i);
		auto worker = make(i);

		pthread_barrier_wait(&together);
		each[static_cast<size_t>(i)] = work_for(ns, worker);
		pthread_barrier_wait(&together);
	};

	pthread_barrier_init(&together, nullptr,
			     static_cast<unsigned>(threads));
	for (int i = 1; i < threads; i++)
		team.emplace_back(run, i);
	run(0);
	for (auto &thread : team)
		thread.join();
	for (auto &one : each)
		all.add(one);
	return all;
}

template <class Make>
static sample measure_team(int threads, Make make, double ns = SAMPLE_NS)
{
	spent all = run_team(threads, make, ns);

	return threads <= CPU_COUNT(&allowed_processors()) ? all.by_wall() :
							     all.by_processor();
}

#endif /* PORTER_BENCH_CLIFFS_TEAM_H */
