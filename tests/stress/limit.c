/* SPDX-License-Identifier: MIT */
/*
 * limit.c: limits that are always nearly reached, against an exact oracle.
 *
 * Eight threads hold as much as they get, free at random when they are refused,
 * and go on. Under each tracker stands an oracle (oracle.h), which counts a block
 * from before malloc until after free, for its ancestors as well.
 *
 *	1 no overshoot		the oracle's highest value is within the limit
 *	2 no false refusal	at each refusal with the lock held, all cells
 *				are looked through: none has stock, and what
 *				their quotas add up to does not leave enough
 *	3 no reader misled	what is read is within the limit, always
 *	4 nothing lost		when all have freed, one thread can have all
 *	5 the peak		lies within its bounds, but for what each thread
 *				has charged and not asked for yet
 *
 * With one tracker, and with a hierarchy of three levels, each with a limit of its
 * own; over an allocator, always close to the limit; and over malloc, which other
 * functions serve, with tides, so that stock is given and drained all the time.
 * PORTER_STRESS is the number of seconds for each of the four.
 */
#include "0-machine/test-point.h"
#include "3-account/hierarchy.h"
#include "4-allocator/tracked.h"

#include "oracle.h"
#include "leak.h"

#include <portermem/portermem.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 8, LIVE = 64, TRACKERS = 7, LARGEST = 4096 };

/* ---- What is tested ---- */

static struct oracle oracles[TRACKERS];
static porter_tracked *trackers[TRACKERS];
static int tracker_count; /* of trackers */
static bool over_malloc;
static atomic_bool stop;
static atomic_size_t width; /* of its blocks that each thread uses */
static atomic_ullong refusals, grants, faults;

static void fault(const char *format, ...)
{
	va_list arguments;

	if (atomic_fetch_add(&faults, 1) >= 10)
		return;
	printf("# ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

/* ---- Each refusal is looked into ---- */

static _Thread_local porter_tracked *asked;
static _Thread_local size_t asked_size;

/* What is asked for next, and which oracle counts it. */
static void ask(int i, size_t size)
{
	asked = trackers[i];
	asked_size = size;
	oracle_of_malloc = over_malloc ? &oracles[i] : NULL;
}

/* What its cells have charged, as far as it is settled; nobody has stock. */
static int64_t quotas_of(struct account *a)
{
	uint64_t used = porter__id_beside_cells(a->id, ALLOCATED) -
			porter__id_beside_cells(a->id, FREED);

	for (size_t slot = 0; slot < porter__slots_count(); slot++) {
		const struct cell *cell = porter__slot_cell(slot, a->at);

		if (!cell)
			continue;
		used += word_load(&cell->word[QUOTA]);
		if (load_acquire(&cell->cap))
			fault("refused while slot %zu has stock", slot);
	}
	return (int64_t)used;
}

/*
 * An operation of atomic mode may be between its two parts, the word and its
 * cell, and goes on when its thread runs again; so what seems to leave room is
 * looked at again, for some seconds at most.
 */
static bool is_legal(struct account *x)
{
	static const struct timespec a_while = { .tv_nsec = 1000000 };

	for (int looks = 0; looks < 10000; looks++) {
		int64_t used = 0;

		for_each_member(x, member)
			used += quotas_of(member);
		if (used + (int64_t)asked_size > x->limit)
			return true;
		if (looks < 1000)
			sched_yield();
		else
			nanosleep(&a_while, NULL);
	}
	return false;
}

static void look(enum test_point point)
{
	struct account *x;

	if (point != REFUSING)
		return;
	for (x = account_of(asked); x; x = x->parent)
		if (x->limit != INT64_MAX &&
		    x->reserved + (int64_t)asked_size > x->limit)
			break;
	if (!x || !is_legal(x))
		fault("refused %zu bytes while there was room", asked_size);
}

/* ---- Work ---- */

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

struct block {
	void *ptr;
	size_t size;
	porter_allocator *a;
};

static void drop(struct block *b)
{
	porter_free(b->a, b->ptr, b->size);
	*b = (struct block){ NULL, 0, b->a };
}

static void get(struct block *b, unsigned *seed)
{
	ask((int)(next(seed) % (unsigned)tracker_count),
	    1 + next(seed) % LARGEST);
	b->a = porter_tracked_allocator(asked);
	b->ptr = porter_allocate(b->a, asked_size);
	b->size = b->ptr ? asked_size : 0;
	atomic_fetch_add(b->ptr ? &grants : &refusals, 1);
}

static void resize(struct block *b, unsigned *seed)
{
	size_t size = 1 + next(seed) % LARGEST;
	void *ptr;

	asked = porter_tracked_cast(b->a);
	asked_size = size > b->size ? size - b->size : 0;
	ptr = porter_reallocate(b->a, b->ptr, b->size, size);
	if (ptr) {
		b->ptr = ptr;
		b->size = size;
	}
}

static void drop_all(struct block live[LIVE])
{
	for (int i = 0; i < LIVE; i++)
		if (live[i].ptr)
			drop(&live[i]);
}

/* A quarter of the time all use a few blocks only; one thread says when. */
static size_t tide(size_t number, unsigned *operations)
{
	enum { PART = 5000, PARTS = 4, FEW = LIVE / 8 };

	if (over_malloc && number == 0 && ++*operations % PART == 0)
		atomic_store(&width, *operations / PART % PARTS ? LIVE : FEW);
	return atomic_load_explicit(&width, memory_order_relaxed);
}

static void *work(void *number)
{
	unsigned seed = 1 + (unsigned)(size_t)number, operations = 0;
	struct block live[LIVE] = { { NULL, 0, NULL } };
	size_t before = LIVE;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		size_t now = tide((size_t)number, &operations);
		struct block *b = &live[next(&seed) % now];

		if (now < before || next(&seed) % 10000 == 0)
			drop_all(live);
		before = now;
		if (!b->ptr)
			get(b, &seed);
		else if (next(&seed) % 4 == 0)
			resize(b, &seed);
		else
			drop(b);
	}
	drop_all(live);
	return NULL;
}

static void read_all(void)
{
	for (int i = 0; i < tracker_count; i++) {
		int64_t limit = porter_tracked_limit(trackers[i]);
		int64_t used = porter_bytes_used(trackers[i]);
		int64_t least = porter_bytes_used_interval(trackers[i]).lower;

		if (used < 0 || used > limit || least > limit)
			fault("tracker %d says %lld, or %lld at least, of %lld",
			      i, (long long)used, (long long)least,
			      (long long)limit);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(double seconds)
{
	double end = now() + seconds;
	pthread_t threads[THREADS];

	atomic_store(&stop, false);
	atomic_store(&width, LIVE);
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			abort();
	while (now() < end) {
		const struct timespec a_little = { .tv_nsec = 10000 };

		for (int i = 0; i < 100; i++)
			read_all();
		nanosleep(&a_little, NULL);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- What must hold ---- */

static int points;

static void result(bool good, const char *where, const char *what)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++points, where, what);
	fflush(stdout);
}

static void make(int i, int parent, int64_t limit)
{
	struct porter_tracked_options o = {
		.size = sizeof(o),
		.parent = parent < 0 ? NULL : trackers[parent],
		.limit = limit,
	};

	oracle_init(&oracles[i], parent < 0 ? NULL : &oracles[parent]);
	trackers[i] = porter_tracked_new_with(
		over_malloc ? NULL : &oracles[i].base, &o);
	if (!trackers[i])
		abort();
}

/* All of it, in one allocation. */
static bool takes_all(int i)
{
	porter_allocator *a = porter_tracked_allocator(trackers[i]);
	size_t size = (size_t)porter_tracked_limit(trackers[i]);
	void *all;

	for (int k = i; k >= 0; k = k ? (k - 1) / 2 : -1) {
		size_t limit = (size_t)porter_tracked_limit(trackers[k]);

		size = limit < size ? limit : size;
	}
	ask(i, size);
	all = porter_allocate(a, size);
	porter_free(a, all, all ? size : 0);
	return all;
}

static void check(const char *name, double seconds)
{
	bool over = false, bracketed = true, all = true, clean = true;

	atomic_store(&refusals, 0);
	atomic_store(&grants, 0);
	atomic_store(&faults, 0);
	run(seconds);
	for (int i = 0; i < tracker_count; i++) {
		struct porter_interval peak = porter_peak(trackers[i]);
		long long highest = atomic_load(&oracles[i].highest);
		long long limit = porter_tracked_limit(trackers[i]);

		printf("# tracker %d: highest %lld of %lld, peak %lld..%lld\n",
		       i, highest, limit, (long long)peak.lower,
		       (long long)peak.upper);
		over |= highest > limit;
		bracketed &= peak.lower <= highest + THREADS * LARGEST &&
			     highest <= peak.upper;
		clean &= porter_bytes_used(trackers[i]) == 0;
	}
	for (int i = tracker_count - 1; i >= 0; i--)
		all &= takes_all(i);
	printf("# %llu granted, %llu refused\n", atomic_load(&grants),
	       atomic_load(&refusals));
	result(!over, name, "never above the limit");
	result(atomic_load(&faults) == 0 && atomic_load(&refusals) > 0, name,
	       "each refusal was right, and each number read");
	result(all, name, "one thread can have all that was freed");
	result(bracketed, name, "the peak is within its bounds");
	for (int i = tracker_count - 1; i >= 0; i--)
		clean &= left_at_destroy(trackers[i]) == 0;
	result(clean, name, "all is back in the end");
}

/* 0 above 1 and 2; 1 above 3 and 4; 2 above 5 and 6 */
static void make_hierarchy(int64_t wanted)
{
	make(0, -1, wanted * 3 / 4);
	make(1, 0, wanted / 2);
	make(2, 0, wanted / 3);
	make(3, 1, wanted / 4);
	make(4, 1, wanted / 8);
	make(5, 2, wanted / 8);
	make(6, 2, wanted);
}

int main(void)
{
	const char *stress = getenv("PORTER_STRESS");
	double seconds = stress ? atof(stress) : 1;
	/* About three quarters of what the threads would hold. */
	int64_t wanted = (int64_t)THREADS * LIVE / 2 * LARGEST / 2;

	printf("1..20\n");
	porter__test_point = look;
	for (int way = 0; way < 2; way++) {
		over_malloc = way;
		tracker_count = 1;
		make(0, -1, wanted * 3 / 4);
		check(way ? "one tracker, over malloc" : "one tracker",
		      seconds);
		tracker_count = TRACKERS;
		make_hierarchy(wanted);
		check(way ? "three levels, over malloc" : "three levels",
		      seconds);
	}
	return 0;
}
