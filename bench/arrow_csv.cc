/* SPDX-License-Identifier: MIT */
/*
 * arrow_csv.cc: Arrow C++ reads CSV, with its own memory pools and with ours.
 *
 *	arrow_csv [ROUNDS [MEGABYTES [THREADS]]]	(default 15 64 2)
 *
 * The text is in memory. Each round reads it once with each pool, beginning
 * with another one each time; a way's ratio to its rival is taken within the
 * round, so that what else the machine does falls on both. Arrow's pools have
 * their statistics, which are always on.
 */
#include <portermem/adapt-arrow.hpp>

#include "adapters/arrow_jobs.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

struct way {
	const char *name;
	arrow::MemoryPool *pool;
	int against; /* number of the rival, or -1 */
	std::vector<double> seconds, ratios;
};

static double quantile(std::vector<double> values, double q)
{
	std::sort(values.begin(), values.end());
	return values[size_t(q * double(values.size() - 1) + 0.5)];
}

static double seconds_of(jobs::read_csv &job, arrow::MemoryPool *pool)
{
	using clock = std::chrono::steady_clock;
	auto begin = clock::now();

	job.run(pool);
	job.clear();
	return std::chrono::duration<double>(clock::now() - begin).count();
}

static int number(int argc, char **argv, int at, int otherwise)
{
	int n = argc > at ? atoi(argv[at]) : otherwise;

	return n > 0 ? n : otherwise;
}

int main(int argc, char **argv)
{
	const int rounds = number(argc, argv, 1, 15);
	const int megabytes = number(argc, argv, 2, 64);
	const int threads = number(argc, argv, 3, 2);
	const int rows = megabytes * 40000; /* some 26 bytes each */
	porter::arrow_allocator on_default;
	porter::arrow_pool ours,
		without_peak(nullptr, porter::arrow_pool::peak::unknown);
	porter::arrow_pool on_arrows_default(&on_default);
	way ways[] = {
		{ "Arrow's system pool",
		  arrow::system_memory_pool(),
		  -1,
		  {},
		  {} },
		{ "portermem, system", &ours, 0, {}, {} },
		{ "portermem, no peak", &without_peak, 0, {}, {} },
		{ "Arrow's default pool",
		  arrow::default_memory_pool(),
		  -1,
		  {},
		  {} },
		{ "portermem on that", &on_arrows_default, 3, {}, {} },
	};
	const int n = int(sizeof(ways) / sizeof(ways[0]));

	jobs::check(arrow::SetCpuThreadPoolCapacity(threads));
	jobs::read_csv job(jobs::csv_text(rows), true);
	for (way &w : ways)
		seconds_of(job, w.pool); /* warming up */
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < n; i++) {
			way &w = ways[(i + round) % n];

			w.seconds.push_back(seconds_of(job, w.pool));
		}
		for (way &w : ways)
			if (w.against >= 0)
				w.ratios.push_back(
					ways[w.against].seconds.back() /
					w.seconds.back());
	}
	printf("%d rounds, %d rows, %d threads; Arrow's default pool is %s\n\n",
	       rounds, rows, threads,
	       arrow::default_memory_pool()->backend_name().c_str());
	printf("%-22s %12s   %s\n", "", "rows/s",
	       "throughput against Arrow's "
	       "own: median (quartiles)");
	for (way &w : ways) {
		printf("%-22s %12.0f", w.name, rows / quantile(w.seconds, 0.5));
		if (w.against >= 0)
			printf("   %.3f (%.3f to %.3f)",
			       quantile(w.ratios, 0.5),
			       quantile(w.ratios, 0.25),
			       quantile(w.ratios, 0.75));
		printf("\n");
	}
	for (way &w : ways)
		jobs::settle(*w.pool);
	return ours.bytes_allocated() || without_peak.bytes_allocated() ||
	       on_arrows_default.bytes_allocated();
}
