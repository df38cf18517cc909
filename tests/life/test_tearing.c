/* SPDX-License-Identifier: MIT */
/*
 * 64-bit words are not torn, on 32-bit machines either.
 *
 * Every update adds 2^32 + 1, so both halves of a word change each time, and
 * every sum is a multiple of that. Half of one value with half of another is
 * none: the low and the high half of a multiple k * (2^32 + 1) are both k, as
 * long as k < 2^32.
 */
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <stdatomic.h>

#define STEP ((UINT64_C(1) << 32) + 1)
enum { MOST = 1000000000 };

static porter_counter *counter;
static atomic_bool stop;

static void *count_up(void *unused)
{
	uint64_t times = 0;

	(void)unused;
	/* The sum stays below 2^63. */
	while (!atomic_load_explicit(&stop, memory_order_relaxed) &&
	       times < MOST) {
		porter_counter_add(counter, STEP);
		times++;
	}
	return (void *)(uintptr_t)times;
}

/* Adds in the cell that threads share which have left their slots. */
static void count_late(void *times)
{
	*(uintptr_t *)times = (uintptr_t)count_up(NULL);
}

static pthread_key_t at_end;
static uintptr_t late_times;

static void *count_up_at_the_end(void *unused)
{
	(void)unused;
	porter_counter_add(counter, STEP);
	pthread_setspecific(at_end, &late_times);
	return NULL;
}

static void watch(void *(*writer)(void *unused))
{
	uint64_t last = 0, sum = 0;
	pthread_t thread;
	void *times;

	counter = porter_counter_new();
	atomic_store(&stop, false);
	must(!pthread_create(&thread, NULL, writer, NULL));
	for (size_t i = scaled(2000000); i > 0; i--) {
		sum = (uint64_t)porter_counter_sum(counter);
		if (sum % STEP != 0)
			fail_msg("half of one, half of another: %llx",
				 (unsigned long long)sum);
		if (sum < last)
			fail_msg("%llx after %llx", (unsigned long long)sum,
				 (unsigned long long)last);
		last = sum;
	}
	atomic_store(&stop, true);
	pthread_join(thread, &times);
	if (writer == count_up_at_the_end)
		times = (void *)(late_times + 1);
	assert_int_equal(porter_counter_sum(counter),
			 (uint64_t)(uintptr_t)times * STEP);
	porter_counter_destroy(counter);
}

static void no_reader_sees_half_a_word(void **state)
{
	(void)state;
	watch(count_up);
}

static void nor_half_of_a_word_that_threads_share(void **state)
{
	(void)state;
	must(!pthread_key_create(&at_end, count_late));
	watch(count_up_at_the_end);
	pthread_key_delete(at_end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_reader_sees_half_a_word),
		cmocka_unit_test(nor_half_of_a_word_that_threads_share),
	};

	return run_all("tearing", tests);
}
