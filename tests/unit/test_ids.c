/* SPDX-License-Identifier: MIT */
/*
 * Ids: given out once at a time, used again, never moved.
 */
#include "support.h"

#include "2-counter/counter.h"

static void an_id_that_was_given_back_is_taken_next(void **state)
{
	struct porter__id *a = porter__id_take(), *b = porter__id_take();

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_int_not_equal(a->element.index, b->element.index);
	porter__id_give(a);
	assert_ptr_equal(porter__id_take(), a);
	porter__id_give(b);
	porter__id_give(a);
	assert_ptr_equal(porter__id_take(), a);
	assert_ptr_equal(porter__id_take(), b);
	porter__id_give(b);
	porter__id_give(a);
}

static void the_reserved_id_is_never_taken(void **state)
{
	struct porter__id *taken[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		taken[i] = porter__id_take();
		assert_ptr_not_equal(taken[i], porter__id_reserved());
		assert_int_not_equal(taken[i]->element.index,
				     porter__id_reserved()->element.index);
	}
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		porter__id_give(taken[i]);
}

static void ten_thousand_ids_differ_and_stay_where_they_are(void **state)
{
	enum { IDS = 10000 };
	struct porter__id **ids = calloc(IDS, sizeof(struct porter__id *));
	char *seen = calloc(IDS + 64, 1);

	(void)state;
	for (size_t i = 0; i < IDS; i++) {
		ids[i] = porter__id_take();
		assert_non_null(ids[i]);
		assert_in_range(ids[i]->element.index, 1, IDS + 63);
		assert_int_equal(seen[ids[i]->element.index], 0);
		seen[ids[i]->element.index] = 1;
	}
	for (size_t i = 0; i < IDS; i++)
		porter__id_give(ids[i]);
	for (size_t i = 0; i < IDS; i++)
		assert_non_null(ids[i] = porter__id_take());
	for (size_t i = 0; i < IDS; i++)
		porter__id_give(ids[i]);
	free(seen);
	free(ids);
}

static void a_new_counter_starts_at_zero_in_used_cells(void **state)
{
	porter_counter *c = porter_counter_new();
	struct porter__id *id = c->id;

	(void)state;
	porter_counter_add(c, 1000);
	porter_counter_sub(c, 1);
	porter_counter_destroy(c);
	for (int generation = 0; generation < 10; generation++) {
		c = porter_counter_new();
		assert_ptr_equal(c->id, id);
		/* The cell was not reset: its owner alone may write it. */
		assert_true(own_cell_fast(c->at)->word[ALLOCATED] >= 1000);
		assert_int_equal(porter_counter_sum(c), 0);
		porter_counter_add(c, 5);
		assert_int_equal(porter_counter_sum(c), 5);
		porter_counter_sub(c, 15);
		assert_int_equal(porter_counter_sum(c), -10);
		porter_counter_destroy(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_that_was_given_back_is_taken_next),
		cmocka_unit_test(the_reserved_id_is_never_taken),
		cmocka_unit_test(
			ten_thousand_ids_differ_and_stay_where_they_are),
		cmocka_unit_test(a_new_counter_starts_at_zero_in_used_cells),
	};

	return run_all("ids", tests);
}
