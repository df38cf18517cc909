/* SPDX-License-Identifier: MIT */
/*
 * The two bounds of a peak are published together: whoever reads gets two that
 * belong together, and waits for no writer.
 */
#include "support.h"

#include "3-account/peak.h"
#include "unit/steps.h"

#include <pthread.h>
#include <stdatomic.h>

static void a_new_peak_is_nothing(void **state)
{
	struct peak peak = { 0 };

	(void)state;
	assert_int_equal(peak_read(&peak).lower, 0);
	assert_int_equal(peak_read(&peak).upper, 0);
}

static void what_was_published_last_is_read(void **state)
{
	static const struct porter_interval pairs[] = {
		{ 1, 2 }, { 3, 3 }, { INT64_MIN, INT64_MAX }, { 0, 0 }, { 7, 9 }
	};
	struct peak peak = { 0 };

	(void)state;
	peak.number = UINT32_MAX - 1; /* It wraps around on the way. */
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		peak_publish(&peak, pairs[i].lower, pairs[i].upper);
		for (int times = 0; times < 2; times++) {
			struct porter_interval pair = peak_read(&peak);

			assert_int_equal(pair.lower, pairs[i].lower);
			assert_int_equal(pair.upper, pairs[i].upper);
		}
	}
}

/* ---- A reader beside a writer ---- */

static struct peak busy;
static atomic_bool stop;

static void *publish(void *unused)
{
	for (int64_t i = 1; !atomic_load(&stop); i++)
		peak_publish(&busy, i, i + 1000000);
	return unused;
}

static void two_bounds_that_are_read_belong_together(void **state)
{
	size_t reads = scaled(2000000);
	pthread_t writer;
	int64_t last = 1;

	(void)state;
	peak_publish(&busy, 0, 1000000);
	must(pthread_create(&writer, NULL, publish, NULL) == 0);
	while (peak_read(&busy).lower == 0)
		;
	while (reads-- > 0) {
		struct porter_interval pair = peak_read(&busy);

		must(pair.upper == pair.lower + 1000000);
		/* Nor does one come back that is over. */
		must(pair.lower >= last);
		last = pair.lower;
	}
	atomic_store(&stop, true);
	pthread_join(writer, NULL);
}

/* ---- A writer that stops ---- */

static void publish_one(void *peak)
{
	peak_publish(peak, 30, 40);
}

/* Whatever its last instruction was, readers do not wait for the next. */
static void a_writer_that_stopped_anywhere_stops_no_reader(void **state)
{
	struct peak *peak = shared_memory(sizeof(*peak));
	bool is_new = false;
	pid_t writer;

	(void)state;
	peak_publish(peak, 10, 20);
	writer = start_stepping(publish_one, peak);
	if (writer < 0)
		skip_because("no process can be stepped through");
	do {
		struct porter_interval pair = peak_read(peak);

		is_new |= pair.lower == 30;
		assert_int_equal(pair.lower, is_new ? 30 : 10);
		assert_int_equal(pair.upper, is_new ? 40 : 20);
	} while (step(writer));
	assert_true(is_new);
	munmap(peak, sizeof(*peak));
}

static void the_allowance_is_a_part_of_the_peak(void **state)
{
	static const int64_t of[][2] = {
		{ 0, 65536 },
		{ -1, 65536 },
		{ 16 << 20, 65536 },
		{ (16 << 20) + 256, 65537 },
		{ (int64_t)1 << 30, 4 << 20 },
		{ INT64_MAX, INT64_MAX / 256 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		assert_int_equal(peak_allowance(of[i][0]), of[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_peak_is_nothing),
		cmocka_unit_test(what_was_published_last_is_read),
		cmocka_unit_test(two_bounds_that_are_read_belong_together),
		cmocka_unit_test(
			a_writer_that_stopped_anywhere_stops_no_reader),
		cmocka_unit_test(the_allowance_is_a_part_of_the_peak),
	};

	return run_all("peak pair", tests);
}
