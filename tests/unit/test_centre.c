/* SPDX-License-Identifier: MIT */
/*
 * Room is taken back with a barrier in all threads, unless it is all one's own.
 */
#define WITHOUT_KINDS
#include "support.h"

#include "0-machine/barrier.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint barriers;

void __real_porter__barrier_everywhere(void);
void __wrap_porter__barrier_everywhere(void);
void __wrap_porter__barrier_everywhere(void)
{
	atomic_fetch_add(&barriers, 1);
	__real_porter__barrier_everywhere();
}

static void *take_back(void *t)
{
	porter_tracked_set_limit(t, 1);
	return NULL;
}

/* The first thread has the first slot; the other never counts, so has none. */
static void a_thread_without_a_slot_takes_room_back_from_the_first(void **state)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .limit = 1 << 30 };
	porter_tracked *t = porter_tracked_new_with(NULL, &o);
	porter_allocator *a = porter_tracked_allocator(t);
	void *blocks[100];
	pthread_t thread;

	(void)state;
	if (!porter__barrier_possible())
		skip();
	for (int i = 0; i < 100; i++)
		blocks[i] = porter_allocate(a, 1000);
	for (int i = 0; i < 100; i++)
		porter_free(a, blocks[i], 1000);
	atomic_store(&barriers, 0);
	assert_int_equal(pthread_create(&thread, NULL, take_back, t), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(atomic_load(&barriers), 1);
	/* Now nobody has room. */
	take_back(t);
	assert_int_equal(atomic_load(&barriers), 1);
	assert_int_equal(porter_tracked_destroy(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_thread_without_a_slot_takes_room_back_from_the_first),
	};

	return run_all("centre", tests);
}
