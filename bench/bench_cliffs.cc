/* SPDX-License-Identifier: MIT */
/*
 * bench_cliffs.cc: does the cost stay what it is, off the beaten track?
 *
 * The cost of an operation must not depend on how many threads, trackers,
 * children or levels there are or once were, nor on who used a tracker before
 * (G9). Each file of cliffs/ changes one of these and has a baseline beside
 * each row: the same work untracked, or without what was changed.
 */
#include "cliffs/rows.h"

#include <benchmark/benchmark.h>

int main(int argc, char **argv)
{
	add_rows_of_many();
	add_rows_of_bystanders();
	add_rows_of_growth();
	add_rows_of_transactions();
	add_rows_of_neighbours();
	add_rows_of_history();
	add_rows_of_forks();
	add_rows_of_limits();

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 1;
	benchmark::RunSpecifiedBenchmarks();
	return 0;
}
