/* SPDX-License-Identifier: MIT */
/*
 * shared_writes_probe.cc: the program that shared_writes looks at.
 *
 *	shared_writes_probe UPDATES
 *
 * For each way of counting, two threads that live at once take turns, so that
 * a tool that records every store knows whose it was:
 *
 *	first thread	warm up; store to marker; UPDATES pairs; store
 *	second thread	warm up; store to marker; UPDATES pairs; store
 *
 * Printed are the address of the marker and then, in the order they are run,
 * the ways: whether shared-line writes are to be expected, and a name.
 */
#include <portermem/portermem.h>

#include "peers/counted.h"
#include "peers/four-atomics.h"
#include "peers/mutex.h"
#include "peers/one-atomic.h"

#include <pthread.h>

#include <cstdio>
#include <cstdlib>

enum { BLOCK = 64, WARM_UP = 100 };

/* ---- What is updated ---- */

static porter_allocator *allocator;
static porter_counter *counter;

/* Hands the same block to everybody and writes nothing. */
static void *allocate_nothing(porter_allocator *, size_t, size_t)
{
	static char block[BLOCK];

	return block;
}

static void *reallocate_nothing(porter_allocator *, void *ptr, size_t, size_t,
				size_t)
{
	return ptr;
}

static void free_nothing(porter_allocator *, void *, size_t, size_t)
{
}

static const porter_allocator_vtable writes_nothing_vtable = {
	sizeof(porter_allocator_vtable),
	"writes nothing",
	allocate_nothing,
	reallocate_nothing,
	free_nothing,
	nullptr,
	nullptr,
};

static porter_allocator writes_nothing = { &writes_nothing_vtable };
static counted<one_atomic> by_one_atomic;
static counted<four_atomics> by_four_atomics;
static counted<under_mutex> by_mutex;

static void count(void)
{
	porter_counter_add(counter, 1);
	porter_counter_sub(counter, 1);
}

static void pair(void)
{
	porter_free(allocator, porter_allocate(allocator, BLOCK), BLOCK);
}

static void malloc_pair(void)
{
	void *volatile block = malloc(BLOCK);

	free(block);
}

struct way {
	const char *expected, *name;
	void (*update)(void);
	porter_allocator *allocator;
};

/* ---- Two threads, in turns ---- */

alignas(64) static volatile long marker;
static void (*update)(void);
static long updates;
static pthread_barrier_t turn;

static void run_updates(void)
{
	for (long i = 0; i < WARM_UP; i++)
		update();
	marker = 1;
	for (long i = 0; i < updates; i++)
		update();
	marker = 0;
}

static void *run_thread(void *second)
{
	if (second)
		pthread_barrier_wait(&turn);
	run_updates();
	if (!second)
		pthread_barrier_wait(&turn);
	/* Keep the slot until both are done. */
	pthread_barrier_wait(&turn);
	return nullptr;
}

static void run_way(const way &w)
{
	pthread_t first, second;

	printf("%s %s\n", w.expected, w.name);
	update = w.update;
	allocator = w.allocator;
	pthread_create(&first, nullptr, run_thread, nullptr);
	pthread_create(&second, nullptr, run_thread, &turn);
	pthread_join(first, nullptr);
	pthread_join(second, nullptr);
}

static porter_allocator *tracked_over(porter_allocator *underlying)
{
	return porter_tracked_allocator(porter_tracked_new(underlying));
}

int main(int argc, char **argv)
{
	updates = argc == 2 ? atol(argv[1]) : 0;
	if (updates <= 0) {
		fprintf(stderr, "usage: %s UPDATES\n", argv[0]);
		return 2;
	}
	printf("%p\n", static_cast<void *>(const_cast<long *>(&marker)));
	pthread_barrier_init(&turn, nullptr, 2);
	counter = porter_counter_new();
	for (const way &w : {
		     way{ "none", "counter: add and sub", count, nullptr },
		     way{ "none", "tracked over an allocator without writes",
			  pair, tracked_over(&writes_nothing) },
		     way{ "none", "tracked over malloc", pair,
			  tracked_over(nullptr) },
		     way{ "none", "malloc", malloc_pair, nullptr },
		     way{ "some", "one atomic", pair,
			  &by_one_atomic.allocator },
		     way{ "some", "four atomics", pair,
			  &by_four_atomics.allocator },
		     way{ "some", "mutex", pair, &by_mutex.allocator },
	     })
		run_way(w);
	return 0;
}
