/* SPDX-License-Identifier: MIT */
/*
 * peak.c: the bounds of peaks, against an exact oracle.
 *
 * Threads allocate and free at random through a tracker, or through a hierarchy,
 * over an oracle (oracle.h) that keeps the highest value of what it has out, from
 * before it gives a block until after it has got it back.
 *
 *	1 in each of 1,000 runs the oracle's peak is within the bounds; in half
 *	  of them the oracle is behind malloc, which other functions serve
 *	2 so it is when a new period begins in the middle
 *	3 with 64 threads that hold 1 GiB the bounds are within 1 percent
 *	4 one thread at a time, handing over to each other: exact
 *
 * The oracle counts what is out of the underlying allocator. A tracker may count
 * each operation that is under way a little earlier or later than that; so what
 * each thread has in flight is allowed for, on both sides.
 *
 * PORTER_STRESS_RUNS is the number of runs.
 */
#include "oracle.h"
#include "leak.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_THREADS = 64, LIVE = 256 };

static struct oracle oracle;

/* ---- Work ---- */

struct work {
	porter_allocator *a;
	struct oracle *malloc; /* it is behind malloc; or NULL */
	unsigned seed, operations, largest;
	bool keep;		/* all until the end */
	pthread_barrier_t *all; /* hold what they hold; or NULL */
};

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void *work(void *argument)
{
	struct work *w = argument;
	void *live[LIVE] = { NULL };
	size_t sizes[LIVE] = { 0 };

	oracle_of_malloc = w->malloc;
	for (unsigned i = 0; i < w->operations; i++) {
		size_t k = next(&w->seed) % LIVE;

		if (live[k] && (!w->keep || next(&w->seed) % 4 == 0)) {
			porter_free(w->a, live[k], sizes[k]);
			live[k] = NULL;
		} else if (!live[k]) {
			sizes[k] = 1 + next(&w->seed) % w->largest;
			live[k] = porter_allocate(w->a, sizes[k]);
		}
	}
	if (w->all)
		pthread_barrier_wait(w->all);
	for (size_t k = 0; k < LIVE; k++)
		if (live[k])
			porter_free(w->a, live[k], sizes[k]);
	return NULL;
}

static void in_threads(unsigned threads, struct work *w,
		       porter_tracked *const *t, unsigned trackers)
{
	pthread_t running[MOST_THREADS];
	struct work each[MOST_THREADS];

	for (unsigned i = 0; i < threads; i++) {
		each[i] = *w;
		each[i].seed += i * 7919;
		each[i].a = porter_tracked_allocator(t[i % trackers]);
		if (pthread_create(&running[i], NULL, work, &each[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(running[i], NULL);
}

/* ---- What must hold ---- */

static int points;

static void result(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++points, what);
	fflush(stdout);
}

static porter_tracked *make_over(porter_allocator *below,
				 porter_tracked *parent, int64_t limit)
{
	struct porter_tracked_options o = {
		.size = sizeof(o),
		.parent = parent,
		.limit = limit,
	};
	porter_tracked *t = porter_tracked_new_with(below, &o);

	if (!t)
		abort();
	return t;
}

static porter_tracked *make(porter_tracked *parent, int64_t limit)
{
	return make_over(&oracle.base, parent, limit);
}

static bool holds(struct porter_interval peak, long long highest)
{
	if (peak.lower <= highest && highest <= peak.upper)
		return true;
	printf("# the peak is %lld, and said to be in %lld..%lld\n", highest,
	       (long long)peak.lower, (long long)peak.upper);
	return false;
}

static struct porter_interval with_flights(struct porter_interval peak,
					   const struct work *w,
					   unsigned threads)
{
	int64_t flights = threads > 1 ? (int64_t)threads * w->largest : 0;

	peak.lower -= flights;
	peak.upper += flights;
	return peak;
}

/*
 * A random one of: over an allocator or malloc, bounded or not, a hierarchy of
 * three or one, 1 to 8 threads.
 */
static bool one_run(unsigned seed)
{
	unsigned threads = 1 + next(&seed) % 8;
	bool hierarchy = next(&seed) % 2;
	int64_t limit = next(&seed) % 2 ? 1 << 30 : 0;
	bool malloced = next(&seed) % 2;
	porter_allocator *below = malloced ? NULL : &oracle.base;
	porter_tracked *root = make_over(below, NULL, limit);
	porter_tracked *leaves[2] = { root, root };
	struct work w = {
		.malloc = malloced ? &oracle : NULL,
		.seed = seed,
		.operations = 200 + next(&seed) % 3000,
		.largest = 1u << (4 + next(&seed) % 14),
		.keep = next(&seed) % 2,
	};
	bool good;

	if (hierarchy)
		for (int i = 0; i < 2; i++)
			leaves[i] = make_over(below, root, 0);
	atomic_store(&oracle.highest, 0);
	in_threads(threads, &w, leaves, 2);
	good = holds(with_flights(porter_peak(root), &w, threads),
		     atomic_load(&oracle.highest));
	/* A second period, which begins with nothing in use. */
	good &= holds(with_flights(porter_peak_reset(root), &w, threads),
		      atomic_load(&oracle.highest));
	atomic_store(&oracle.highest, 0);
	w.seed++;
	w.operations /= 2;
	in_threads(threads, &w, leaves, 2);
	good &= holds(with_flights(porter_peak(root), &w, threads),
		      atomic_load(&oracle.highest));
	for (int i = 0; hierarchy && i < 2; i++)
		good &= left_at_destroy(leaves[i]) == 0;
	return (left_at_destroy(root) == 0) & good;
}

static void many_runs(void)
{
	const char *wanted = getenv("PORTER_STRESS_RUNS");
	unsigned runs = wanted ? (unsigned)atoi(wanted) : 1000;
	bool good = true;

	for (unsigned i = 0; i < runs && good; i++)
		good = one_run(i + 1);
	result(good, "the peak was within its bounds in every run");
}

static void a_gib(int64_t limit, const char *what)
{
	struct work w = {
		.seed = 1,
		.operations = 20000,
		.largest = 240000,
		.keep = true,
	};
	porter_tracked *t = make(NULL, limit);
	struct porter_interval peak;
	pthread_barrier_t all;
	double width;

	atomic_store(&oracle.highest, 0);
	pthread_barrier_init(&all, NULL, MOST_THREADS);
	w.all = &all;
	in_threads(MOST_THREADS, &w, &t, 1);
	pthread_barrier_destroy(&all);
	peak = porter_peak(t);
	width = (double)(peak.upper - peak.lower) /
		(double)atomic_load(&oracle.highest);
	printf("# peak %.1f MiB, bounds %.3f percent apart\n",
	       (double)atomic_load(&oracle.highest) / (1 << 20), width * 100);
	result(holds(with_flights(peak, &w, MOST_THREADS),
		     atomic_load(&oracle.highest)) &&
		       width <= 0.01,
	       what);
	porter_tracked_destroy(t, NULL);
}

/* Each thread by itself, one after the other. */
static void one_at_a_time(int64_t limit, const char *what)
{
	porter_tracked *t = make(NULL, limit);
	struct porter_interval peak;
	bool good = true;

	for (int period = 0; period < 2; period++) {
		atomic_store(&oracle.highest, 0);
		for (unsigned i = 0; i < 200; i++) {
			struct work w = {
				.seed = i,
				.operations = i % 7 ? i * 10 : 3,
				.largest = 1000 + 50 * i,
				.keep = i % 2,
			};

			in_threads(1, &w, &t, 1);
		}
		peak = porter_peak_reset(t);
		good &= holds(peak, atomic_load(&oracle.highest)) &&
			peak.lower == peak.upper;
		printf("# %lld..%lld\n", (long long)peak.lower,
		       (long long)peak.upper);
	}
	result(good, what);
	porter_tracked_destroy(t, NULL);
}

int main(void)
{
	oracle_init(&oracle, NULL);
	oracle.empty = true;
	printf("1..5\n");
	one_at_a_time(0, "one thread at a time: exact");
	one_at_a_time(1 << 30, "one thread at a time, with a limit: exact");
	many_runs();
	a_gib(0, "64 threads, 1 GiB: within 1 percent");
	a_gib((int64_t)4 << 30, "64 threads, 1 GiB, a limit: within 1 percent");
	return 0;
}
