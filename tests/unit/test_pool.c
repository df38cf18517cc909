/* SPDX-License-Identifier: MIT */
/*
 * Pools: the arithmetic of segments that double, where every index has one
 * place and neighbours are neighbours; and elements that never move, of which
 * the lowest free one comes next.
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

static void the_lowest_free_element_is_taken_next_contents_intact(void **state)
{
	static struct pool pool = POOL_INIT(struct thing, 4, RANK_TRACKERS);
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
	static struct pool pool = POOL_INIT(struct thing, 4, RANK_TRACKERS);
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

/* Takes and gives at random, and knows by itself which the lowest free one is. */
static void whatever_the_order_the_lowest_free_one_comes_next(void **state)
{
	enum { THINGS = 1000, STEPS = 100000 };
	static struct pool pool = POOL_INIT(struct thing, 4, RANK_TRACKERS);
	static void *taken[THINGS];
	uint64_t random = 1;

	(void)state;
	for (size_t step = scaled(STEPS); step > 0; step--) {
		size_t n = random_below(&random, THINGS), lowest = 0;

		/* Long runs of each, so that many are free, then few. */
		if (step / (2 * THINGS) % 2 && taken[n]) {
			porter__pool_give(&pool, taken[n]);
			taken[n] = NULL;
			continue;
		}
		while (lowest < THINGS && taken[lowest])
			lowest++;
		if (lowest == THINGS)
			continue;
		taken[lowest] = porter__pool_take(&pool);
		if (taken[lowest] != porter__pool_at(&pool, lowest))
			fail_msg("step %zu: not the one of %zu", step, lowest);
	}
	assert_true(porter__pool_count(&pool) <= THINGS);
}

static uint32_t way_right(const struct pool_element *heap)
{
	uint32_t length = 0;

	for (; heap; heap = heap->right)
		length++;
	return length;
}

static void check_ways(const struct pool_element *heap)
{
	/* As deep as the longest way to the left: few elements are long. */
	for (; heap; heap = heap->left) {
		assert_int_equal(heap->length, way_right(heap));
		assert_true(way_right(heap->left) >= way_right(heap->right));
		check_ways(heap->right);
	}
}

/* What a step costs is the length of the way to the right. */
static void the_way_that_a_step_follows_is_short(void **state)
{
	enum { THINGS = 4095 };
	static struct pool pool = POOL_INIT(struct thing, 4, RANK_TRACKERS);
	static void *things[THINGS];
	uint64_t random = 1;

	(void)state;
	for (int order = 0; order < 3; order++) {
		for (size_t i = 0; i < THINGS; i++)
			things[i] = porter__pool_take(&pool);
		for (size_t i = 0; i < THINGS; i++) {
			size_t n = order == 0 ? i : THINGS - 1 - i;

			if (order == 2) {
				size_t other = random_below(&random, n + 1);
				void *swapped = things[n];

				things[n] = things[other];
				things[other] = swapped;
			}
			porter__pool_give(&pool, things[n]);
			assert_true(way_right(pool.free) <= 12);
		}
		check_ways(pool.free);
	}
}

static void an_element_has_one_owner_at_a_time(void **state)
{
	static struct pool pool = POOL_INIT(struct thing, 4, RANK_TRACKERS);

	(void)state;
	assert_true(in_threads(4, take_and_give, &pool));
	assert_in_range(porter__pool_count(&pool), 1, 4);
}

static void all_but_one_can_be_given_back(void **state)
{
	static struct pool pool = POOL_INIT(struct thing, 4, RANK_TRACKERS);
	void *kept = NULL;

	(void)state;
	for (int i = 0; i < 20; i++) {
		void *taken = porter__pool_take(&pool);

		kept = i == 7 ? taken : kept;
	}
	porter__pool_give_all_but(&pool, kept);
	for (size_t i = 0; i < 20; i++)
		if (i != 7)
			assert_ptr_equal(porter__pool_take(&pool),
					 porter__pool_at(&pool, i));
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
			the_lowest_free_element_is_taken_next_contents_intact),
		cmocka_unit_test(
			elements_are_zeroed_numbered_and_stay_where_they_are),
		cmocka_unit_test(
			whatever_the_order_the_lowest_free_one_comes_next),
		cmocka_unit_test(the_way_that_a_step_follows_is_short),
		cmocka_unit_test(an_element_has_one_owner_at_a_time),
		cmocka_unit_test(all_but_one_can_be_given_back),
	};

	return run_all("pool", tests);
}
