/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of segments that double: every index has one place, and
 * neighbours are neighbours.
 */
#include "support.h"

#include "0-machine/segments.h"

static void the_first_segment_holds_the_first_elements(void **state)
{
	(void)state;
	assert_int_equal(segment_of(0, 16), 0);
	assert_int_equal(segment_of(15, 16), 0);
	assert_int_equal(segment_start(0, 16), 0);
	assert_int_equal(segment_length(0, 16), 16);
}

static void each_further_segment_is_as_long_as_all_before_it(void **state)
{
	(void)state;
	for (unsigned s = 1; s < 20; s++) {
		assert_int_equal(segment_start(s, 32), segment_length(s, 32));
		assert_int_equal(segment_start(s + 1, 32),
				 segment_start(s, 32) + segment_length(s, 32));
	}
}

static void every_index_lies_within_its_segment(void **state)
{
	(void)state;
	for (size_t first = 1; first <= 64; first *= 2) {
		for (size_t i = 0; i < 100000; i++) {
			unsigned s = segment_of(i, first);
			size_t start = segment_start(s, first);

			if (i < start || i - start >= segment_length(s, first))
				fail_msg("index %zu, first %zu", i, first);
		}
	}
}

static void segments_follow_each_other_without_a_gap(void **state)
{
	(void)state;
	for (unsigned s = 0; s < 26; s++) {
		size_t last = segment_start(s, 64) + segment_length(s, 64) - 1;

		assert_int_equal(segment_of(last, 64), s);
		assert_int_equal(segment_of(last + 1, 64), s + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_segment_holds_the_first_elements),
		cmocka_unit_test(
			each_further_segment_is_as_long_as_all_before_it),
		cmocka_unit_test(every_index_lies_within_its_segment),
		cmocka_unit_test(segments_follow_each_other_without_a_gap),
	};

	return run_all("segments", tests);
}
