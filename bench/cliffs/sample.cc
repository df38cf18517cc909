/* SPDX-License-Identifier: MIT */
/* See sample.h. */
#include "sample.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 60 };

[[noreturn]] static void give_up(const char *what)
{
	fprintf(stderr, "bench_cliffs: %s\n", what);
	exit(1);
}

sample in_new_process(const std::function<sample()> &measure)
{
	sample result;
	int ends[2], status;
	bool whole;
	pid_t child;

	if (pipe(ends) != 0)
		give_up("no pipe");
	child = fork();
	if (child < 0)
		give_up("no new process");
	if (child == 0) {
		alarm(PATIENCE_SECONDS);
		result = measure();
		whole = write(ends[1], &result, sizeof(result)) ==
			sizeof(result);
		_exit(whole ? 0 : 1);
	}
	close(ends[1]);
	whole = read(ends[0], &result, sizeof(result)) == sizeof(result);
	close(ends[0]);
	if (waitpid(child, &status, 0) != child || status != 0 || !whole)
		give_up("a sample failed, or took longer than a minute");
	return result;
}

void add_row(const std::string &name, effort e,
	     const std::function<sample()> &measure)
{
	auto run = [measure](benchmark::State &state) {
		for (auto _ : state) {
			sample s = in_new_process(measure);

			state.SetIterationTime(s.figure * 1e-9);
			state.counters["measured"] = s.measured;
		}
	};
	auto *row = benchmark::RegisterBenchmark(("cliff/" + name).c_str(), run)
			    ->Iterations(1)
			    ->UseManualTime();

	if (e == DEAR)
		row->Repetitions(1);
}
