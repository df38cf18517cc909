/* SPDX-License-Identifier: MIT */
/*
 * Many threads: nothing lost at rest (G1), never negative and never low while
 * they run (G2), whoever frees what whoever allocated.
 */
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <string.h>

/* ---- Allocate and free ---- */

struct work {
	porter_tracked *t;
	size_t rounds;
};

static void allocate_and_free(void *arg, size_t number)
{
	struct work *work = arg;
	porter_allocator *a = porter_tracked_allocator(work->t);
	uint64_t random = random_seed() + number;

	for (size_t i = 0; i < work->rounds; i++) {
		size_t size = random_below(&random, 300);
		size_t alignment = (size_t)1 << random_below(&random, 8);
		char *x = porter_allocate_aligned(a, size, alignment);
		char *y = porter_malloc(work->t, size / 2);

		must(x && y);
		memset(x, 1, size);
		x = porter_reallocate_aligned(a, x, size, size + 20, alignment);
		must(x);
		porter_mfree(work->t, y);
		porter_free_aligned(a, x, size + 20, alignment);
	}
}

static void threads_end_at_0(size_t threads, size_t rounds)
{
	struct work work = { porter_tracked_new(NULL), rounds };
	struct porter_stats s = { .size = sizeof(s) };
	size_t n = threads_allowed(threads);

	if (!in_threads(n, allocate_and_free, &work))
		skip_because("this machine gives no %zu threads", n);
	porter_tracked_stats(work.t, &s);
	assert_int_equal(s.bytes_used, 0);
	assert_int_equal(s.allocations, 2 * n * work.rounds);
	assert_int_equal(s.frees, 2 * n * work.rounds);
	assert_int_equal(s.reallocations, n * work.rounds);
	assert_int_equal(s.total_allocated, s.total_freed);
	assert_int_equal(left_at_destroy(work.t), 0);
}

static void ten_threads_that_allocate_and_free_end_at_0(void **state)
{
	(void)state;
	threads_end_at_0(10, scaled(20000));
}

static void a_thousand_threads_that_allocate_and_free_end_at_0(void **state)
{
	(void)state;
	threads_end_at_0(1000, scaled(100));
}

/* ---- Ten thousand at once ---- */

struct crowd {
	porter_counter *counter;
	porter_tracked *t;
	pthread_barrier_t all_here;
};

static void count_and_stay(void *arg, size_t number)
{
	struct crowd *crowd = arg;
	porter_allocator *a = porter_tracked_allocator(crowd->t);
	void *x = porter_allocate(a, 8);

	porter_counter_add(crowd->counter, number + 1);
	pthread_barrier_wait(&crowd->all_here);
	if (number == 0) {
		/* All are alive, and hold 8 bytes each. */
		int64_t used = porter_bytes_used(crowd->t);

		must(used % 8 == 0);
		must(used >= 8);
	}
	pthread_barrier_wait(&crowd->all_here);
	porter_free(a, x, 8);
}

static void ten_thousand_threads_at_once_are_summed_rightly(void **state)
{
	int64_t n = (int64_t)threads_allowed(10000);
	struct crowd crowd = { .counter = porter_counter_new(),
			       .t = porter_tracked_new(NULL) };

	(void)state;
	pthread_barrier_init(&crowd.all_here, NULL, (unsigned)n);
	if (!in_threads((size_t)n, count_and_stay, &crowd))
		skip_because("this machine gives no %d threads at once",
			     (int)n);
	assert_int_equal(porter_counter_sum(crowd.counter), n * (n + 1) / 2);
	assert_int_equal(left_at_destroy(crowd.t), 0);
	porter_counter_destroy(crowd.counter);
	pthread_barrier_destroy(&crowd.all_here);
}

/* ---- From one thread to another ---- */

enum { RING = 256 };

struct block {
	void *ptr;
	size_t size;
};

struct ring {
	porter_tracked *t;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct block blocks[RING];
	size_t head, tail, to_make, producers;
};

static void put(struct ring *ring, struct block b)
{
	pthread_mutex_lock(&ring->mutex);
	while (ring->head - ring->tail == RING)
		pthread_cond_wait(&ring->changed, &ring->mutex);
	ring->blocks[ring->head++ % RING] = b;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->mutex);
}

static bool get(struct ring *ring, struct block *b)
{
	bool got;

	pthread_mutex_lock(&ring->mutex);
	while (ring->head == ring->tail && ring->producers > 0)
		pthread_cond_wait(&ring->changed, &ring->mutex);
	got = ring->head != ring->tail;
	if (got)
		*b = ring->blocks[ring->tail++ % RING];
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->mutex);
	return got;
}

static void produce(struct ring *ring, size_t number)
{
	porter_allocator *a = porter_tracked_allocator(ring->t);

	for (size_t i = 0; i < ring->to_make; i++) {
		struct block b = { .size = (i * 7 + number) % 500 };

		b.ptr = porter_allocate(a, b.size);
		must(b.ptr);
		memset(b.ptr, 1, b.size);
		put(ring, b);
	}
	pthread_mutex_lock(&ring->mutex);
	ring->producers--;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->mutex);
}

static void consume(struct ring *ring, size_t number)
{
	porter_allocator *a = porter_tracked_allocator(ring->t);
	struct block b;

	while (get(ring, &b)) {
		/* Some are resized here before they are freed. */
		if (number % 2) {
			b.ptr = porter_reallocate(a, b.ptr, b.size, 333);
			must(b.ptr);
			b.size = 333;
		}
		must(porter_bytes_used(ring->t) >= (int64_t)b.size);
		porter_free(a, b.ptr, b.size);
	}
}

static void produce_or_consume(void *arg, size_t number)
{
	if (number < 2)
		produce(arg, number);
	else
		consume(arg, number);
}

static void blocks_freed_in_other_threads_are_never_counted_low(void **state)
{
	struct ring ring = {
		.t = porter_tracked_new(NULL),
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.to_make = scaled(20000),
		.producers = 2,
	};

	(void)state;
	assert_true(in_threads(4, produce_or_consume, &ring));
	assert_int_equal(left_at_destroy(ring.t), 0);
}

/* ---- Reading while threads count ---- */

enum { HOLDERS = 3, FLOOR = 1000 };

struct watch {
	porter_tracked *t;
	size_t rounds, holding, done;
};

/* Holds 1,000 bytes all along, in blocks that change all the time. */
static void hold_and_turn_over(struct watch *w)
{
	porter_allocator *a = porter_tracked_allocator(w->t);
	void *old = porter_allocate(a, FLOOR), *next;

	must(old);
	__atomic_fetch_add(&w->holding, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < w->rounds; i++) {
		next = porter_allocate(a, FLOOR);
		must(next);
		porter_free(a, old, FLOOR);
		old = next;
	}
	/* The floor holds until the reader has stopped. */
	__atomic_fetch_add(&w->done, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&w->done, __ATOMIC_ACQUIRE) <= HOLDERS)
		sched_yield();
	porter_free(a, old, FLOOR);
}

/* What holds for what it sees; returns how many reads there were. */
static size_t watch_the_floor(struct watch *w)
{
	size_t reads = 0;

	while (__atomic_load_n(&w->done, __ATOMIC_ACQUIRE) < HOLDERS) {
		int64_t floor = FLOOR * (int64_t)__atomic_load_n(
						&w->holding, __ATOMIC_ACQUIRE);
		struct porter_stats s = { .size = sizeof(s) };
		struct porter_interval seen;
		int64_t exact;

		must(porter_bytes_used(w->t) >= floor);
		must(porter_tracked_stats(w->t, &s) == 0);
		must(s.bytes_used >= floor);
		must(s.bytes_used ==
		     (int64_t)(s.total_allocated - s.total_freed));
		must(s.allocations >= s.frees);
		seen = porter_bytes_used_interval(w->t);
		must(seen.lower >= 0 && seen.lower <= seen.upper);
		must(seen.upper >= floor);
		if (porter_bytes_used_exact(w->t, &exact, 3) == 0)
			must(exact >= floor && exact <= 2 * HOLDERS * FLOOR);
		else
			must(errno == EAGAIN);
		reads++;
	}
	return reads;
}

static void hold_or_watch(void *arg, size_t number)
{
	struct watch *w = arg;

	if (number < HOLDERS) {
		hold_and_turn_over(w);
		return;
	}
	watch_the_floor(w);
	__atomic_fetch_add(&w->done, 1, __ATOMIC_RELEASE);
}

static void a_read_is_never_below_what_threads_hold_all_along(void **state)
{
	struct watch w = { .t = porter_tracked_new(NULL),
			   .rounds = scaled(5000000) };

	(void)state;
	assert_true(in_threads(HOLDERS + 1, hold_or_watch, &w));
	assert_int_equal(left_at_destroy(w.t), 0);
}

/* ---- Threads that come and go while others read ---- */

static void come_and_go(void *arg)
{
	struct watch *w = arg;
	porter_allocator *a = porter_tracked_allocator(w->t);

	porter_free(a, porter_allocate(a, 77), 77);
}

static void start_or_watch(void *arg, size_t number)
{
	struct watch *w = arg;

	if (number == 0) {
		for (size_t i = 0; i < w->rounds; i++)
			in_a_thread(come_and_go, w);
		__atomic_fetch_add(&w->done, HOLDERS, __ATOMIC_RELEASE);
	} else {
		watch_the_floor(w);
	}
}

static void reads_stay_right_while_threads_come_and_go(void **state)
{
	struct watch w = { .t = porter_tracked_new(NULL),
			   .rounds = scaled(2000),
			   .holding = 1 };
	porter_allocator *a = porter_tracked_allocator(w.t);
	void *held = porter_allocate(a, FLOOR);

	(void)state;
	assert_true(in_threads(2, start_or_watch, &w));
	assert_int_equal(porter_bytes_used(w.t), FLOOR);
	porter_free(a, held, FLOOR);
	assert_int_equal(left_at_destroy(w.t), 0);
}

/* ---- Trackers that come and go in all threads ---- */

static void make_use_and_destroy(void *unused, size_t number)
{
	(void)unused;
	for (size_t i = scaled(5000); i > 0; i--) {
		porter_tracked *t = porter_tracked_new(NULL);
		porter_allocator *a = porter_tracked_allocator(t);
		void *x = porter_allocate(a, number + 1);

		must(porter_bytes_used(t) == (int64_t)number + 1);
		porter_free(a, x, number + 1);
		must(porter_bytes_used(t) == 0);
		must(left_at_destroy(t) == 0);
	}
}

static void trackers_made_and_destroyed_side_by_side_start_at_0(void **state)
{
	(void)state;
	assert_true(in_threads(4, make_use_and_destroy, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_threads_that_allocate_and_free_end_at_0),
		cmocka_unit_test(
			a_thousand_threads_that_allocate_and_free_end_at_0),
		cmocka_unit_test(
			blocks_freed_in_other_threads_are_never_counted_low),
		cmocka_unit_test(
			a_read_is_never_below_what_threads_hold_all_along),
		cmocka_unit_test(reads_stay_right_while_threads_come_and_go),
		cmocka_unit_test(
			trackers_made_and_destroyed_side_by_side_start_at_0),
		/* Last: reads walk over ten thousand slots from here on. */
		cmocka_unit_test(
			ten_thousand_threads_at_once_are_summed_rightly),
	};

	return run_all("threads", tests);
}
