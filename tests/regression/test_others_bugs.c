/* SPDX-License-Identifier: MIT */
/*
 * What broke in other counters and allocators, each by what it looked like.
 * The library must not show any of it.
 */
#include "picky.h"
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- valkey-search #1119, polars #29430 ---- */

static void count_a_little(void *counter, size_t number)
{
	/* Less than any batch that one could think of. */
	porter_counter_add(counter, number % 3 + 1);
}

static void the_unpublished_part_of_a_thread_is_lost_at_its_exit(void **state)
{
	porter_counter *c = porter_counter_new();
	int64_t expected = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(in_threads(3, count_a_little, c));
		expected += 6;
		assert_int_equal(porter_counter_sum(c), expected);
	}
	porter_counter_destroy(c);
}

/* ---- valkey #2994, clickhouse #84946 ---- */

struct hand_over {
	porter_tracked *t;
	pthread_barrier_t step;
	void *block;
	size_t rounds;
	bool done;
};

/* One allocates, the other frees: its cell is below 0 all the time. */
static void hand_over_or_read(void *arg, size_t number)
{
	struct hand_over *h = arg;
	porter_allocator *a = porter_tracked_allocator(h->t);

	if (number == 2) {
		while (!__atomic_load_n(&h->done, __ATOMIC_ACQUIRE)) {
			/* May be high, when the reader was put aside. */
			must(porter_bytes_used(h->t) >= 0);
		}
		return;
	}
	for (size_t i = 0; i < h->rounds; i++) {
		if (number == 0)
			h->block = porter_allocate(a, 100);
		pthread_barrier_wait(&h->step);
		if (number == 1)
			porter_free(a, h->block, 100);
		pthread_barrier_wait(&h->step);
	}
	__atomic_store_n(&h->done, true, __ATOMIC_RELEASE);
}

static void a_sum_goes_negative_and_reads_as_18446744073702280352(void **state)
{
	struct hand_over h = { .t = porter_tracked_new(NULL),
			       .rounds = scaled(5000) };

	(void)state;
	pthread_barrier_init(&h.step, NULL, 2);
	assert_true(in_threads(3, hand_over_or_read, &h));
	pthread_barrier_destroy(&h.step);
	assert_int_equal(left_at_destroy(h.t), 0);
}

/* ---- valkey: a slot limit that is reached for good ---- */

static void hold_and_free(void *tracked, size_t number)
{
	porter_allocator *a = porter_tracked_allocator(tracked);

	(void)number;
	porter_free(a, porter_allocate(a, 10), 10);
}

static void after_some_threads_no_further_one_is_counted_by_itself(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct porter_stats s = { .size = sizeof(s) };
	size_t crowds = scaled(50);

	(void)state;
	for (size_t i = 0; i < crowds; i++)
		assert_true(in_threads(40, hold_and_free, t));
	porter_tracked_stats(t, &s);
	assert_int_equal(s.allocations, 40 * crowds);
	assert_int_equal(left_at_destroy(t), 0);
}

/* ---- polars, arrow-go CheckedAllocator ---- */

static void what_failed_stays_counted(void **state)
{
	struct picky picky;
	porter_tracked *t;
	porter_allocator *a;
	void *x;

	(void)state;
	picky_init(&picky, NULL);
	t = porter_tracked_new(&picky.base);
	a = porter_tracked_allocator(t);
	picky.fail_at = 1;
	assert_null(porter_allocate(a, 1000));
	assert_int_equal(porter_bytes_used(t), 0);
	x = porter_allocate(a, 10);
	picky.fail_at = picky.requests + 1;
	assert_null(porter_reallocate(a, x, 10, 1000));
	assert_int_equal(porter_bytes_used(t), 10);
	/* Shrinking can fail as well. */
	picky.fail_at = picky.requests + 1;
	assert_null(porter_reallocate(a, x, 10, 5));
	assert_int_equal(porter_bytes_used(t), 10);
	/* So can the block of size 0 that a block is exchanged for. */
	picky.fail_at = picky.requests + 1;
	assert_null(porter_reallocate(a, x, 10, 0));
	assert_int_equal(porter_bytes_used(t), 10);
	porter_free(a, x, 10);
	assert_int_equal(left_at_destroy(t), 0);
	picky_fini(&picky);
}

/* ---- arrow C++ LoggingMemoryPool ---- */

static void the_alignment_is_dropped_on_reallocation(void **state)
{
	struct picky picky;
	porter_tracked *inner, *outer;
	porter_allocator *a;

	(void)state;
	picky_init(&picky, NULL);
	inner = porter_tracked_new(&picky.base);
	outer = porter_tracked_new(porter_tracked_allocator(inner));
	a = porter_tracked_allocator(outer);
	for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
		/* More than one, so that none is aligned by chance. */
		void *x[8];

		for (size_t i = 0; i < 8; i++)
			x[i] = porter_allocate_aligned(a, 24, alignment);
		for (size_t i = 0; i < 8; i++) {
			x[i] = porter_reallocate_aligned(a, x[i], 24, 1000 + i,
							 alignment);
			assert_int_equal((uintptr_t)x[i] & (alignment - 1), 0);
		}
		for (size_t i = 0; i < 8; i++)
			porter_free_aligned(a, x[i], 1000 + i, alignment);
	}
	assert_int_equal(left_at_destroy(outer), 0);
	assert_int_equal(left_at_destroy(inner), 0);
	picky_fini(&picky);
}

static void nothing_from_posix_memalign_for_0_bytes_is_no_memory(void **state)
{
	porter_allocator *a = porter_backend("system");

	(void)state;
	for (size_t alignment = 32; alignment <= 1 << 20; alignment *= 2) {
		void *x;

		errno = 0;
		x = porter_allocate_aligned(a, 0, alignment);
		assert_non_null(x);
		assert_int_not_equal(errno, ENOMEM);
		porter_free_aligned(a, x, 0, alignment);
	}
}

/* ---- brpc #2937, #3291 ---- */

struct short_life {
	porter_counter *counter;
	pthread_t thread;
	pthread_barrier_t counted;
};

static void *count_and_end(void *arg)
{
	struct short_life *life = arg;

	porter_counter_add(life->counter, 1);
	pthread_barrier_wait(&life->counted);
	/* From here on the thread ends, while the counter is destroyed. */
	return NULL;
}

static void a_counter_is_destroyed_while_a_thread_exits(void **state)
{
	(void)state;
	for (size_t i = scaled(1000); i > 0; i--) {
		struct short_life life = { .counter = porter_counter_new() };

		pthread_barrier_init(&life.counted, NULL, 2);
		assert_int_equal(pthread_create(&life.thread, NULL,
						count_and_end, &life),
				 0);
		pthread_barrier_wait(&life.counted);
		assert_int_equal(porter_counter_sum(life.counter), 1);
		porter_counter_destroy(life.counter);
		pthread_join(life.thread, NULL);
		pthread_barrier_destroy(&life.counted);
	}
}

/* ---- prometheus client_python #328 ---- */

static void count_in_child(void *counter)
{
	for (int i = 0; i < 1000; i++)
		porter_counter_add(counter, 1);
	must(porter_counter_sum(counter) == 1005);
}

static void a_child_after_fork_writes_its_parents_numbers(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	porter_counter_add(c, 5);
	assert_int_equal(in_child(count_in_child, c).status, 0);
	assert_int_equal(porter_counter_sum(c), 5);
	porter_counter_destroy(c);
}

/* ---- jemalloc #937, glibc NEWS ---- */

/*
 * An allocator that is asked by a tracker and uses another tracker itself, as
 * a malloc would whose first call in a thread is what makes the slot.
 */
struct inward {
	porter_allocator base;
	porter_tracked *own;
};

static void *inward_allocate(porter_allocator *self, size_t size,
			     size_t alignment)
{
	struct inward *in = (struct inward *)self;

	return porter_allocate_aligned(porter_tracked_allocator(in->own), size,
				       alignment);
}

static void *inward_reallocate(porter_allocator *self, void *ptr,
			       size_t old_size, size_t new_size,
			       size_t alignment)
{
	struct inward *in = (struct inward *)self;

	return porter_reallocate_aligned(porter_tracked_allocator(in->own), ptr,
					 old_size, new_size, alignment);
}

static void inward_free(porter_allocator *self, void *ptr, size_t size,
			size_t alignment)
{
	struct inward *in = (struct inward *)self;

	porter_free_aligned(porter_tracked_allocator(in->own), ptr, size,
			    alignment);
}

static const struct porter_allocator_vtable inward_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "inward",
	.allocate = inward_allocate,
	.reallocate = inward_reallocate,
	.free = inward_free,
};

static void first_touch_inside_an_allocation(void *tracked)
{
	porter_allocator *a = porter_tracked_allocator(tracked);

	porter_free(a, porter_allocate(a, 50), 50);
}

static void a_first_touch_from_inside_an_allocation_recurses(void **state)
{
	struct inward in = { .base = { &inward_vtable },
			     .own = porter_tracked_new(NULL) };
	porter_tracked *t = porter_tracked_new(&in.base);

	(void)state;
	in_a_thread(first_touch_inside_an_allocation, t);
	assert_int_equal(left_at_destroy(t), 0);
	assert_int_equal(left_at_destroy(in.own), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_unpublished_part_of_a_thread_is_lost_at_its_exit),
		cmocka_unit_test(
			a_sum_goes_negative_and_reads_as_18446744073702280352),
		cmocka_unit_test(
			after_some_threads_no_further_one_is_counted_by_itself),
		cmocka_unit_test(what_failed_stays_counted),
		cmocka_unit_test(the_alignment_is_dropped_on_reallocation),
		cmocka_unit_test(
			nothing_from_posix_memalign_for_0_bytes_is_no_memory),
		cmocka_unit_test(a_counter_is_destroyed_while_a_thread_exits),
		cmocka_unit_test(a_child_after_fork_writes_its_parents_numbers),
		cmocka_unit_test(
			a_first_touch_from_inside_an_allocation_recurses),
	};

	return run_all("others' bugs", tests);
}
