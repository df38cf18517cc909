/* SPDX-License-Identifier: MIT */
/*
 * Ids: given out once at a time, the lowest first, used again, never moved.
 */
#include "support.h"

#include "2-counter/counter.h"

static void the_lowest_free_id_is_taken_next(void **state)
{
	struct porter__id *a = porter__id_take(), *b = porter__id_take();

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_true(a->element.index < b->element.index);
	porter__id_give(a);
	assert_ptr_equal(porter__id_take(), a);
	porter__id_give(a);
	porter__id_give(b);
	assert_ptr_equal(porter__id_take(), a);
	assert_ptr_equal(porter__id_take(), b);
	porter__id_give(b);
	porter__id_give(a);
}

/* Its cells are found in the shortest way, as if nothing had been before. */
static void a_counter_after_thousands_is_as_new(void **state)
{
	enum { MANY = 5000 };
	porter_counter **c = calloc(MANY, sizeof(porter_counter *)), *fresh;
	uint32_t first = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		assert_non_null(c[i] = porter_counter_new());
		if (i == 0)
			first = c[i]->id->element.index;
	}
	assert_int_equal(c[MANY - 1]->at.direct, DIRECT_BLOCKS);
	for (size_t i = 0; i < MANY; i++)
		porter_counter_destroy(c[i]);
	fresh = porter_counter_new();
	assert_int_equal(fresh->id->element.index, first);
	assert_int_not_equal(fresh->at.direct, DIRECT_BLOCKS);
	porter_counter_destroy(fresh);
	free(c);
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
		assert_true(this_cell_fast(c->at)->word[ALLOCATED] >= 1000);
		assert_int_equal(porter_counter_sum(c), 0);
		porter_counter_add(c, 5);
		assert_int_equal(porter_counter_sum(c), 5);
		porter_counter_sub(c, 15);
		assert_int_equal(porter_counter_sum(c), -10);
		porter_counter_destroy(c);
	}
}

/* ---- What an account finds in the cells of its predecessor ---- */

static struct cell *cell_of_thread; /* of one that has ended */

static void leave_stock(void *counter)
{
	struct porter_counter *c = counter;

	porter_counter_add(c, 5000);
	porter_counter_sub(c, 2000);
	cell_of_thread = this_cell_fast(c->at);
	cell_of_thread->word[QUOTA] = 4096 - ((uint64_t)1 << 62);
	cell_of_thread->attempt = 1;
	cell_of_thread->cap = 4096;
	cell_of_thread->link = 1;
}

static void the_cells_of_a_new_id_have_no_stock(void **state)
{
	porter_counter *c = porter_counter_new();
	struct porter__id *id = c->id;
	struct cell *mine;

	(void)state;
	porter_counter_sub(c, 100);
	mine = this_cell_fast(c->at);
	in_a_thread(leave_stock, c);
	assert_int_equal(porter_counter_sum(c), 2900);
	id->shared.word[QUOTA] = 77;
	id->failures = id->refusals = id->cancelled = 3;
	porter_counter_destroy(c);

	c = porter_counter_new();
	assert_ptr_equal(c->id, id);
	assert_int_equal(porter_counter_sum(c), 0);
	for (int word = 0; word < WORDS; word++)
		assert_int_equal(id->shared.word[word], 0);
	assert_int_equal(id->failures + id->refusals + id->cancelled, 0);
	/* In each, what is reserved is what is in use, modulo 2^64. */
	assert_true(cell_of_thread != mine);
	assert_true(mine->word[QUOTA] ==
		    mine->word[ALLOCATED] - mine->word[FREED]);
	assert_true(cell_of_thread->word[QUOTA] ==
		    cell_of_thread->word[ALLOCATED] -
			    cell_of_thread->word[FREED]);
	assert_int_equal(cell_of_thread->attempt, 0);
	assert_int_equal(cell_of_thread->cap, 0);
	assert_int_equal(cell_of_thread->link, 0);
	porter_counter_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lowest_free_id_is_taken_next),
		cmocka_unit_test(a_counter_after_thousands_is_as_new),
		cmocka_unit_test(the_reserved_id_is_never_taken),
		cmocka_unit_test(
			ten_thousand_ids_differ_and_stay_where_they_are),
		cmocka_unit_test(a_new_counter_starts_at_zero_in_used_cells),
		cmocka_unit_test(the_cells_of_a_new_id_have_no_stock),
	};

	return run_all("ids", tests);
}
