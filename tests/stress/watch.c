/* SPDX-License-Identifier: MIT */
/*
 * watch.c: a million crossings of a mark by four threads, none lost or twice.
 *
 * In turns, until there were enough crossings:
 *
 *	a crowd		each thread takes and gives back a block that alone is
 *			beyond the high mark, as fast as it can
 *	in step		all go up together, rest, go down together, rest
 *
 * At each rest an oracle knows on which side of the marks the bytes are, and in
 * step how many crossings there were. Who is told: a callback, an event loop, a
 * callback with an interval; one more comes and goes.
 *
 *	1 never twice		what is told counts up: each crossing is the one
 *				before, and what was suppressed, further
 *	2 none lost		at rest the state is that of the oracle, and all
 *				come to be told of it: a crossing that lasts
 *	3 no lock held		the library looks before each callback, and at
 *				the ranks of all locks that it takes; so does
 *				the callback
 *
 * Once with one tracker; once with a hierarchy, where each thread has a child of
 * the tracker that is watched. The marks are so far apart that threads have
 * room between them. PORTER_CROSSINGS is how many there are to be.
 */
#include "0-machine/lock-order.h"
#include "leak.h"

#include <portermem/portermem.h>

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define WITH_A_TOOL
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define WITH_A_TOOL
#endif
#endif

enum {
	THREADS = 4,
	BLOCKS = 128,
	SIZE = 2048,
	SMALL = 100,
	STEPS = 5, /* up and down */
};

/* All threads together hold so much at the top. */
#define TOP ((int64_t)THREADS * BLOCKS * SIZE)

#if defined(WITH_A_TOOL)
enum { CROWD = 20 };
static uint64_t crossings = 1000;
#else
enum { CROWD = 5000 }; /* blocks, in a row */
static uint64_t crossings = 1000000;
#endif

/* What is watched; and what each thread uses: the same, or a child of it. */
static porter_tracked *tracker, *counts[THREADS];
static pthread_barrier_t barrier;
static atomic_ullong faults;

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

/* ---- Who is told ---- */

struct listener {
	const char *name;
	int watch;
	uint64_t last, told; /* of one thread at a time */
	atomic_ullong seen;  /* the last, for the others */
};

static struct listener by_callback = { .name = "callback" };
static struct listener by_interval = { .name = "interval" };
static struct listener by_fd = { .name = "event loop" };
static struct listener silent = { .name = "silent" };

static void listen_to(struct listener *l, const struct porter_watch_event *e)
{
	bool high = e->crossing % 2;

	if (e->crossing != l->last + 1 + e->suppressed)
		fault("%s: crossing %llu, %llu suppressed, after %llu", l->name,
		      (unsigned long long)e->crossing,
		      (unsigned long long)e->suppressed,
		      (unsigned long long)l->last);
	if ((e->mark == PORTER_WATCH_HIGH) != high)
		fault("%s: crossing %llu at the wrong mark", l->name,
		      (unsigned long long)e->crossing);
	if (high ? e->bytes < TOP * 3 / 4 : e->bytes > TOP / 4)
		fault("%s: crossing %llu at %lld bytes", l->name,
		      (unsigned long long)e->crossing, (long long)e->bytes);
	l->last = e->crossing;
	l->told++;
	atomic_store(&l->seen, e->crossing);
}

static void on_crossing(porter_tracked *t, int watch,
			const struct porter_watch_event *e, void *context)
{
	(void)t;
	(void)watch;
	if (porter__locks_held() != 0)
		fault("a lock is held in a callback");
	listen_to(context, e);
}

static atomic_bool stop;

static void *event_loop(void *unused)
{
	struct pollfd p = { .fd = porter_watch_fd(tracker, by_fd.watch),
			    .events = POLLIN };
	struct porter_watch_event e = { .size = sizeof(e) };

	while (!atomic_load(&stop)) {
		if (poll(&p, 1, 100) != 1)
			continue;
		if (porter_watch_read(tracker, by_fd.watch, &e) == 0)
			listen_to(&by_fd, &e);
		else
			fault("readable, and nothing to read");
	}
	return unused;
}

static void add(struct listener *l, porter_on_crossing callback,
		uint64_t interval)
{
	struct porter_watch w = {
		.size = sizeof(w),
		.high = TOP * 3 / 4,
		.low = TOP / 4,
		.min_interval = interval,
		.callback = callback,
		.context = l,
	};

	l->watch = porter_watch_add(tracker, &w);
	if (l->watch < 0)
		abort();
}

/* Comes and goes; what it is told is that of a watch just begun. */
static void add_and_remove(void)
{
	struct listener passing = { .name = "passing" };

	add(&passing, on_crossing, 0);
	porter_watch_remove(tracker, passing.watch);
	if (passing.last > 1)
		fault("passing: told of crossing %llu",
		      (unsigned long long)passing.last);
}

/* ---- The oracle ---- */

static bool hears(struct listener *l, uint64_t expected)
{
	static const struct timespec nap = { .tv_nsec = 20000 };
	int naps = 0;

	while (atomic_load(&l->seen) != expected && naps++ < 3000000)
		nanosleep(&nap, NULL);
	if (atomic_load(&l->seen) == expected)
		return true;
	fault("%s: told of %llu, and it was %llu", l->name,
	      (unsigned long long)atomic_load(&l->seen),
	      (unsigned long long)expected);
	return false;
}

/* At rest, so many crossings in: all are told. */
static void look(uint64_t expected)
{
	hears(&by_callback, expected);
	hears(&by_fd, expected);
	add_and_remove();
}

/* How many there were is known from a watch that tells nobody. */
static uint64_t count_so_far(void)
{
	struct porter_watch_event e = { .size = sizeof(e) };

	if (porter_watch_read(tracker, silent.watch, &e) == 0)
		listen_to(&silent, &e);
	return silent.last;
}

/* ---- The threads ---- */

static uint64_t so_far; /* of thread 0, between two barriers */

/* Nobody moves while thread 0 looks. */
static void rest(size_t number, bool above)
{
	pthread_barrier_wait(&barrier);
	if (number == 0) {
		so_far = count_so_far();
		if (so_far % 2 != above)
			fault("crossing %llu leaves it %s",
			      (unsigned long long)so_far,
			      above ? "above" : "below");
		look(so_far);
	}
	pthread_barrier_wait(&barrier);
}

static void crowd(porter_allocator *a)
{
	for (int i = 0; i < CROWD; i++) {
		void *block = porter_allocate(a, (size_t)TOP);

		if (!block)
			abort();
		porter_free(a, block, (size_t)TOP);
		for (int k = 0; k < 4; k++)
			porter_free(a, porter_allocate(a, SMALL), SMALL);
	}
}

static void in_step(porter_allocator *a, size_t number)
{
	uint64_t before = so_far;
	void *blocks[BLOCKS];

	for (uint64_t i = 0; i < STEPS; i++) {
		for (size_t k = 0; k < BLOCKS; k++) {
			blocks[k] = porter_allocate(a, SIZE);
			if (!blocks[k])
				abort();
		}
		rest(number, true);
		for (size_t k = 0; k < BLOCKS; k++)
			porter_free(a, blocks[k], SIZE);
		rest(number, false);
		if (number == 0 && so_far != before + 2 * (i + 1))
			fault("%llu crossings in step, and it was %llu",
			      (unsigned long long)(so_far - before),
			      (unsigned long long)(2 * (i + 1)));
	}
}

static void *work(void *number)
{
	porter_allocator *a = porter_tracked_allocator(counts[(size_t)number]);

	while (so_far < crossings) {
		crowd(a);
		rest((size_t)number, false);
		in_step(a, (size_t)number);
	}
	return NULL;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(void)
{
	pthread_t threads[THREADS], loop;

	pthread_barrier_init(&barrier, NULL, THREADS);
	if (pthread_create(&loop, NULL, event_loop, NULL) != 0)
		abort();
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			abort();
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	hears(&by_interval, so_far);
	atomic_store(&stop, true);
	pthread_join(loop, NULL);
}

static void begin(bool hierarchy)
{
	struct porter_tracked_options o = { .size = sizeof(o) };

	tracker = porter_tracked_new(NULL);
	o.parent = tracker;
	for (int i = 0; i < THREADS; i++) {
		counts[i] = hierarchy ? porter_tracked_new_with(NULL, &o) :
					tracker;
		if (!counts[i])
			abort();
	}
	by_callback = (struct listener){ .name = "callback" };
	by_interval = (struct listener){ .name = "interval" };
	by_fd = (struct listener){ .name = "event loop" };
	silent = (struct listener){ .name = "silent" };
	so_far = 0;
	atomic_store(&stop, false);
	atomic_store(&faults, 0);
	add(&by_callback, on_crossing, 0);
	add(&by_interval, on_crossing, 1000000);
	add(&by_fd, NULL, 0);
	add(&silent, NULL, 0);
}

static bool end(bool hierarchy)
{
	bool clean = true;

	for (int i = 0; hierarchy && i < THREADS; i++)
		clean &= left_at_destroy(counts[i]) == 0;
	return clean & (left_at_destroy(tracker) == 0);
}

static void check(int point, const char *name, bool hierarchy)
{
	double began = seconds();
	bool clean;

	begin(hierarchy);
	run();
	printf("# %llu crossings in %.1f s; told: callback %llu, event loop "
	       "%llu, each millisecond at most %llu\n",
	       (unsigned long long)so_far, seconds() - began,
	       (unsigned long long)by_callback.told,
	       (unsigned long long)by_fd.told,
	       (unsigned long long)by_interval.told);
	clean = end(hierarchy);
	printf("%sok %d - %s: no crossing is lost or told twice\n",
	       atomic_load(&faults) ? "not " : "", point, name);
	printf("%sok %d - %s: all is back in the end\n", clean ? "" : "not ",
	       point + 1, name);
	fflush(stdout);
}

int main(void)
{
	const char *wanted = getenv("PORTER_CROSSINGS");

	/* Else large blocks would be mapped and unmapped all the time. */
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	printf("1..4\n");
	fflush(stdout);
	if (wanted)
		crossings = strtoull(wanted, NULL, 10);
	check(1, "one tracker", false);
	check(3, "a hierarchy", true);
	return 0;
}
