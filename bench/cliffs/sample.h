/* SPDX-License-Identifier: MIT */
/*
 * sample.h: each sample in a process of its own.
 *
 * Cliffs depend on history: threads that lived, trackers that were destroyed,
 * who used a tracker before. Two samples in one process would stand on each
 * other's ruins, and their order would decide.
 *
 *	bench_cliffs ---fork---> the history, then the measurement
 *	      ^                             |
 *	      `-----------pipe, figure------'
 *
 * The program itself never uses the library, so each sample finds it as new.
 * google-benchmark gets the figure as "manual time" and mixes the rows.
 */
#ifndef PORTER_BENCH_CLIFFS_SAMPLE_H
#define PORTER_BENCH_CLIFFS_SAMPLE_H

#include <functional>
#include <string>

/*
 * figure    nanoseconds for one operation; a row may say otherwise
 * measured  how much of the time that the work wanted a processor for it had
 *           one, from 0 to 1: other programs took the rest
 */
struct sample {
	double figure;
	double measured;
};

/* Ends the program with a message when the new process fails. */
sample in_new_process(const std::function<sample()> &measure);

/* How often a row is repeated in a round. */
enum effort {
	CHEAP, /* as often as --benchmark_repetitions says */
	DEAR,  /* once: what comes before the measurement takes long */
};

/* Adds a row "cliff/NAME". */
void add_row(const std::string &name, effort e,
	     const std::function<sample()> &measure);

#endif /* PORTER_BENCH_CLIFFS_SAMPLE_H */
