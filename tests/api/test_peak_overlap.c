/* SPDX-License-Identifier: MIT */
/*
 * Peaks where operations are so short that they say nothing before: two threads
 * overlap in them, one inside malloc, and that is found out afterwards.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define CAN_STOP_MALLOC
#endif

static pthread_barrier_t inside, go_on;

#ifdef CAN_STOP_MALLOC

enum { BLOCK = 1000, MANY = 100, ODD = 1234, MINE = 3500 };

static _Thread_local bool stops;
static bool in_free;

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *ptr);

/* In place of the C library's, for the library too. */
__attribute__((visibility("default"))) void *malloc(size_t size)
{
	void *block = __libc_malloc(size);

	if (stops && !in_free && size == ODD) {
		stops = false;
		pthread_barrier_wait(&inside);
		pthread_barrier_wait(&go_on);
	}
	return block;
}

__attribute__((visibility("default"))) void free(void *ptr)
{
	__libc_free(ptr);
	if (stops && in_free) {
		stops = false;
		pthread_barrier_wait(&inside);
		pthread_barrier_wait(&go_on);
	}
}

static porter_tracked *tracker;

static void *work(void *unused)
{
	porter_allocator *a = porter_tracked_allocator(tracker);
	void *blocks[MANY], *odd;

	for (int i = 0; i < MANY; i++)
		blocks[i] = porter_allocate(a, BLOCK);
	odd = in_free ? porter_allocate(a, ODD) : NULL;
	for (int i = 0; i < 3; i++)
		porter_free(a, blocks[i], BLOCK);
	stops = true;
	if (in_free)
		porter_free(a, odd, ODD);
	else
		odd = porter_allocate(a, ODD);
	for (int i = 3; i < MANY; i++)
		porter_free(a, blocks[i], BLOCK);
	if (!in_free)
		porter_free(a, odd, ODD);
	return unused;
}

/* Both blocks are out at the same time, which no count ever says. */
static void overlap(void)
{
	struct porter_tracked_options o = { .size = sizeof(o) };
	porter_allocator *a;
	pthread_t thread;
	void *mine;

	pthread_barrier_init(&inside, NULL, 2);
	pthread_barrier_init(&go_on, NULL, 2);
	tracker = porter_tracked_new_with(NULL, &o);
	a = porter_tracked_allocator(tracker);
	assert_int_equal(pthread_create(&thread, NULL, work, NULL), 0);
	pthread_barrier_wait(&inside);
	mine = porter_allocate(a, MINE);
	porter_free(a, mine, MINE);
	pthread_barrier_wait(&go_on);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(porter_peak(tracker).upper >=
		    (MANY - 3) * BLOCK + ODD + MINE);
	assert_int_equal(porter_tracked_destroy(tracker), 0);
	pthread_barrier_destroy(&inside);
	pthread_barrier_destroy(&go_on);
}

static void two_threads_one_of_them_inside_malloc(void **state)
{
	(void)state;
	in_free = false;
	overlap();
}

static void two_threads_one_of_them_inside_free(void **state)
{
	(void)state;
	in_free = true;
	overlap();
}

#else

static void two_threads_one_of_them_inside_malloc(void **state)
{
	(void)state;
	(void)inside;
	(void)go_on;
	skip();
}

static void two_threads_one_of_them_inside_free(void **state)
{
	(void)state;
	skip();
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads_one_of_them_inside_malloc),
		cmocka_unit_test(two_threads_one_of_them_inside_free),
	};

	return run_all("peak_overlap", tests);
}
