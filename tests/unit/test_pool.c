/* SPDX-License-Identifier: MIT */
/*
 * Pools: the arithmetic of segments that double, where every index has one
 * place and neighbours are neighbours; and elements that never move.
 */
#include "support.h"

#include "0-machine/pool.h"

#include <string.h>

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

/* ---- Elements ---- */

struct thing {
	struct pool_element element;
	uint64_t contents[5];
};

static void an_element_given_back_is_taken_next_contents_intact(void **state)
{
	static struct pool pool = POOL_INIT(struct thing, 4);
	struct thing *a = porter__pool_take(&pool);
	struct thing *b = porter__pool_take(&pool);

	(void)state;
	assert_ptr_not_equal(a, b);
	a->contents[4] = 4711;
	porter__pool_give(&pool, b);
	porter__pool_give(&pool, a);
	assert_ptr_equal(porter__pool_take(&pool), a);
	assert_int_equal(a->contents[4], 4711);
	assert_ptr_equal(porter__pool_take(&pool), b);
	assert_int_equal(porter__pool_count(&pool), 2);
}

static void elements_are_zeroed_numbered_and_stay_where_they_are(void **state)
{
	enum { THINGS = 5000 };
	static struct pool pool = POOL_INIT(struct thing, 4);
	static struct thing *things[THINGS];

	(void)state;
	for (size_t i = 0; i < THINGS; i++) {
		things[i] = porter__pool_take(&pool);
		assert_non_null(things[i]);
		assert_int_equal(things[i]->contents[0], 0);
		assert_int_equal(things[i]->element.index, i);
		memset(things[i]->contents, 0xff, sizeof(things[i]->contents));
	}
	assert_int_equal(porter__pool_count(&pool), THINGS);
	for (size_t i = 0; i < THINGS; i++)
		assert_ptr_equal(porter__pool_at(&pool, i), things[i]);
}

static void take_and_give(void *pool, size_t number)
{
	for (size_t i = scaled(20000); i > 0; i--) {
		struct thing *mine = porter__pool_take(pool);

		/* Plain: a second owner would be a race, and seen here. */
		must(mine->contents[0] == 0);
		mine->contents[0] = number + 1;
		must(mine->contents[0] == number + 1);
		mine->contents[0] = 0;
		porter__pool_give(pool, mine);
	}
}

static void an_element_has_one_owner_at_a_time(void **state)
{
	static struct pool pool = POOL_INIT(struct thing, 4);

	(void)state;
	assert_true(in_threads(4, take_and_give, &pool));
	assert_in_range(porter__pool_count(&pool), 1, 4);
}

static void all_but_one_can_be_given_back(void **state)
{
	static struct pool pool = POOL_INIT(struct thing, 4);
	void *kept = NULL;

	(void)state;
	for (int i = 0; i < 20; i++) {
		void *taken = porter__pool_take(&pool);

		kept = i == 7 ? taken : kept;
	}
	porter__pool_give_all_but(&pool, kept);
	for (int i = 0; i < 19; i++)
		assert_ptr_not_equal(porter__pool_take(&pool), kept);
	assert_int_equal(porter__pool_count(&pool), 20);
	porter__pool_take(&pool);
	assert_int_equal(porter__pool_count(&pool), 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_segment_holds_the_first_elements),
		cmocka_unit_test(
			each_further_segment_is_as_long_as_all_before_it),
		cmocka_unit_test(every_index_lies_within_its_segment),
		cmocka_unit_test(segments_follow_each_other_without_a_gap),
		cmocka_unit_test(
			an_element_given_back_is_taken_next_contents_intact),
		cmocka_unit_test(
			elements_are_zeroed_numbered_and_stay_where_they_are),
		cmocka_unit_test(an_element_has_one_owner_at_a_time),
		cmocka_unit_test(all_but_one_can_be_given_back),
	};

	return run_all("pool", tests);
}
