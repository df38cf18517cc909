/* SPDX-License-Identifier: MIT */
/*
 * Holders and drains: who has stock is known at all levels, and all of it can be
 * taken back, whatever its owners are in the middle of.
 */
#include "unit/accounts.h"

#include <portermem/thread.h>

enum { WORKERS = 4 };

static int begin_drain_test(void **state)
{
	begin_test(state);
	hire_so_many(WORKERS);
	return 0;
}

/* ---- Lists of holders ---- */

static void those_with_stock_are_linked_and_drained(void **state)
{
	struct account *a = open_account(NULL, NO_LIMIT);
	struct cell *cells[WORKERS];

	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		cells[i] = cell_by(w[i], a);
		assert_false(is_holder(cells[i]));
		get_stock_by(w[i], a);
		assert_true(is_holder(cells[i]));
		assert_true(own_stock(cells[i]) > 0);
		assert_int_equal(a->holders, i + 1);
		assert_adds_up(a);
	}
	drain(a);
	for (int i = 0; i < WORKERS; i++) {
		assert_false(is_holder(cells[i]));
		assert_int_equal(cap_of(cells[i]), 0);
		assert_int_equal(own_stock(cells[i]), 0);
	}
	assert_int_equal(a->holders, 0);
	assert_int_equal(a->caps, 0);
	assert_int_equal(a->reserved, 0);
	assert_adds_up(a);
	/* Again, in another order. */
	for (int i = WORKERS - 1; i >= 0; i--)
		get_stock_by(w[i], a);
	assert_int_equal(a->holders, WORKERS);
	assert_adds_up(a);
	close_account(a);
}

static void what_is_in_use_stays_reserved(void **state)
{
	struct account *a = open_account(NULL, NO_LIMIT);

	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		get_stock_by(w[i], a);
		charge_by(w[i], a, 1000);
	}
	/* One has freed what another allocated. */
	uncharge_by(w[0], a, 1500);
	drain(a);
	assert_int_equal(a->reserved, 1000 * WORKERS - 1500);
	assert_adds_up(a);
	uncharge(a, 1000 * WORKERS - 1500);
	drain(a);
	assert_int_equal(a->reserved, 0);
	close_account(a);
}

/* ---- Who has holders ---- */

struct tree {
	struct account *root, *left, *leaf[3], *right;
};

static struct tree plant(void)
{
	struct tree t = { .root = open_account(NULL, NO_LIMIT) };

	t.left = open_account(t.root, NO_LIMIT);
	t.right = open_account(t.root, NO_LIMIT);
	for (int i = 0; i < 3; i++)
		t.leaf[i] = open_account(t.left, NO_LIMIT);
	return t;
}

static void fell(struct tree *t)
{
	for (int i = 0; i < 3; i++)
		close_account(t->leaf[i]);
	close_account(t->right);
	close_account(t->left);
	close_account(t->root);
}

static void get_stock_everywhere(struct tree *t)
{
	for (int i = 0; i < 3; i++)
		get_stock_by(w[i], t->leaf[i]);
	get_stock_by(w[0], t->right);
	get_stock_by(w[1], t->left);
	get_stock_by(w[2], t->root);
}

static void accounts_are_linked_where_stock_is(void **state)
{
	struct tree t = plant();

	(void)state;
	get_stock_by(w[0], t.leaf[1]);
	assert_true(t.leaf[1]->is_active);
	assert_true(t.left->is_active);
	assert_false(t.leaf[0]->is_active);
	assert_false(t.right->is_active);
	assert_ptr_equal(t.root->active_children, t.left);
	assert_ptr_equal(t.left->active_children, t.leaf[1]);
	get_stock_everywhere(&t);
	assert_int_equal(t.root->holders, 7);
	assert_int_equal(t.left->holders, 5);
	assert_int_equal(t.leaf[1]->holders, 2);
	assert_adds_up(t.root);
	drain(t.root);
	assert_int_equal(t.root->holders, 0);
	assert_adds_up(t.root);
	fell(&t);
}

/* Whichever of the accounts: what is not below it keeps its stock. */
static void a_part_is_drained_and_the_rest_is_not(void **state)
{
	struct tree t = plant();
	struct account *all[] = { t.leaf[0], t.leaf[1], t.leaf[2],
				  t.left,    t.right,	t.root };

	(void)state;
	for (size_t first = 0; first < ARRAY_SIZE(all); first++) {
		for (size_t second = 0; second < ARRAY_SIZE(all); second++) {
			uint32_t holders;

			get_stock_everywhere(&t);
			assert_int_equal(t.root->holders, 6);
			holders = 6 - all[first]->holders;
			drain(all[first]);
			assert_int_equal(all[first]->holders, 0);
			assert_int_equal(all[first]->caps, 0);
			assert_int_equal(t.root->holders, holders);
			assert_adds_up(t.root);
			drain(all[second]);
			assert_adds_up(t.root);
		}
	}
	fell(&t);
}

static void set_cap(struct account *a, uint32_t cap)
{
	account_enter(a);
	settle(a, my_cell(a));
	porter__set_cap(a, my_cell(a), cap);
	account_leave(a);
}

static void all_levels_know_the_sum_of_caps(void **state)
{
	static const uint32_t caps[] = { 4096, 100, 0, 70000, 1, 300 };
	struct tree t = plant();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		set_cap(t.leaf[0], caps[i]);
		set_cap(t.right, 2 * caps[i]);
		assert_int_equal(t.leaf[0]->caps, caps[i]);
		assert_int_equal(t.left->caps, caps[i]);
		assert_int_equal(t.right->caps, 2 * caps[i]);
		assert_int_equal(t.root->caps, 3 * caps[i]);
		/* Also without a cap it is a holder still. */
		assert_int_equal(t.root->holders, 2);
		assert_int_equal(t.left->holders, 1);
	}
	drain(t.left);
	assert_int_equal(t.root->caps, 2 * caps[ARRAY_SIZE(caps) - 1]);
	assert_int_equal(t.root->holders, 1);
	assert_adds_up(t.root);
	fell(&t);
}

static void the_most_holders_are_since_the_last_drain(void **state)
{
	struct tree t = plant();

	(void)state;
	get_stock_everywhere(&t);
	drain(t.left);
	assert_int_equal(t.root->max_holders, 6);
	assert_int_equal(t.left->max_holders, 0);
	assert_int_equal(t.leaf[0]->max_holders, 0);
	get_stock_by(w[0], t.leaf[0]);
	assert_int_equal(t.left->max_holders, 1);
	drain(t.root);
	assert_int_equal(t.root->max_holders, 0);
	fell(&t);
}

/* ---- In the middle of it ---- */

static struct account *drained;
static struct cell *marked;

/* Whatever its thread does now, it finds that it has to ask. */
static void look_at_a_marked_cell(void)
{
	must(own_stock(marked) < -((int64_t)1 << 61));
	must_equal(cap_of(marked), 0);
	must(is_holder(marked));
	/* What is reserved is as before. */
	must_equal(drained->reserved, charged_in(drained) + 2000);
}

static void all_holders_are_marked_before_the_barrier(void **state)
{
	unsigned before = barriers();

	(void)state;
	drained = open_with_peak(64 * KIB);
	get_stock_by(w[0], drained);
	marked = cell_by(w[0], drained);
	assert_true(own_stock(marked) > 2000);
	charge_by(w[0], drained, (uint64_t)own_stock(marked) - 2000);
	call_at(DRAINING, look_at_a_marked_cell);
	drain(drained);
	assert_int_equal(came_to(DRAINING), 1);
	assert_int_equal(barriers() - before, 1);
	uncharge(drained, (uint64_t)drained->reserved);
	close_account(drained);
}

static void an_attempt_is_waited_for(void **state)
{
	struct account *a = open_with_peak(64 * KIB);
	struct operation charging = { .what = CHARGE, .a = a, .size = 1000 };
	struct operation draining = { .what = DRAIN, .a = a };

	(void)state;
	get_stock_by(w[0], a);
	get_stock_by(w[1], a);
	stop_at(w[0], ATTEMPTING);
	begin(w[0], &charging);
	wait_until_stopped(w[0]);
	begin(w[2], &draining);
	while (came_to(DRAINING) == 0)
		give_time();
	give_time();
	assert_false(is_done(w[2]));
	go_on(w[0]);
	wait_for(w[0]);
	wait_for(w[2]);
	assert_true(charging.granted);
	/* It is in what the drain has found. */
	assert_int_equal(a->holders, 0);
	assert_int_equal(a->reserved, 1000);
	assert_adds_up(a);
	uncharge(a, 1000);
	close_account(a);
}

/* An attempt in one hierarchy is no business of another's. */
static void an_attempt_elsewhere_is_not_waited_for(void **state)
{
	struct account *a = open_with_peak(64 * KIB);
	struct account *b = open_with_peak(64 * KIB);
	struct operation charging = { .what = CHARGE, .a = a, .size = 1000 };

	(void)state;
	get_stock_by(w[0], a);
	get_stock_by(w[0], b);
	stop_at(w[0], ATTEMPTING);
	begin(w[0], &charging);
	wait_until_stopped(w[0]);
	drain(b);
	assert_int_equal(b->reserved, 0);
	go_on(w[0]);
	wait_for(w[0]);
	uncharge(a, 1000);
	close_account(a);
	close_account(b);
}

static struct operation beside;
static struct cell *cell_beside;
static uint64_t value_before;
static enum word counted;

/* It counts, and comes to the lock, where it waits for the drain to be over. */
static void operate_beside(void)
{
	value_before = word_load(&cell_beside->word[counted]);
	begin(w[0], &beside);
	while (word_load(&cell_beside->word[counted]) == value_before)
		give_time();
	give_time();
	must(!is_done(w[0]));
}

static void drain_beside(int what, enum word word)
{
	struct account *a = open_with_peak(64 * KIB);
	int64_t in_use = what == UNCHARGE ? 2000 : 3000;

	get_stock_by(w[0], a);
	charge_by(w[0], a, 2500);
	beside = (struct operation){ .a = a, .size = 500 };
	beside.what = what;
	cell_beside = cell_by(w[0], a);
	counted = word;
	call_at(DRAINING, operate_beside);
	drain(a);
	wait_for(w[0]);
	assert_adds_up(a);
	drain(a);
	assert_int_equal(a->reserved, in_use);
	uncharge(a, (uint64_t)in_use);
	close_account(a);
}

/* Between the mark and the settling; the room is there for all. */
static void a_free_in_the_middle_of_a_drain_is_not_lost(void **state)
{
	(void)state;
	drain_beside(UNCHARGE, FREED);
}

static void what_is_counted_in_the_middle_of_a_drain_is_not_lost(void **state)
{
	(void)state;
	drain_beside(COUNT, ALLOCATED);
}

/* ---- Counted, and not looked yet ---- */

/*
 * Here a thread has counted and stops before it looks at its stock. Whatever a
 * drain has done meanwhile, it finds that it has to come to the account, which
 * must hear of it from the thread itself: a drain knows no peaks and watermarks.
 */
static void count_only(void *operation)
{
	struct operation *o = operation;
	struct cell *cell = my_cell(o->a);

	if (o->what == COUNT)
		word_add(&cell->word[ALLOCATED], o->size);
	else
		word_add_release(&cell->word[FREED], o->size);
}

/* To count nothing, and to look. */
static void look_after_it(void *operation)
{
	struct operation *o = operation;

	if (o->what == COUNT)
		count(o->a, 0);
	else
		uncharge(o->a, 0);
}

static void what_a_drain_finds_counted_is_a_peak_soon(void **state)
{
	struct account *parent = open_with_peak(64 * KIB);
	struct account *a = open_account(parent, NO_LIMIT);
	struct operation o = { .what = COUNT, .a = a, .size = MIB };

	(void)state;
	get_stock_by(w[0], a);
	let(w[0], count_only, &o);
	drain(parent);
	let(w[0], look_after_it, &o);
	assert_true(peak_read(&a->peak).upper >= MIB);
	assert_true(peak_read(&a->peak).lower >= MIB);
	assert_true(peak_read(&parent->peak).upper >= MIB);
	assert_adds_up(parent);
	uncharge(a, MIB);
	close_account(a);
	close_account(parent);
}

static unsigned crossed;

static bool cross(struct account *a)
{
	crossed++;
	a->low = INT64_MIN;
	return false;
}

static void what_a_drain_finds_freed_crosses_watermarks_soon(void **state)
{
	static const struct watermark_user user = { .crossed = cross };
	struct account *parent = open_with_peak(64 * KIB);
	struct account *a = open_account(parent, NO_LIMIT);
	struct operation o = { .what = UNCHARGE, .a = a, .size = 1000 };

	(void)state;
	must(charge_by(w[0], a, 2 * MIB));
	a->user = &user;
	a->low = 2 * MIB - 100000;
	get_stock_by(w[0], a);
	o.size = 100000;
	let(w[0], count_only, &o);
	drain(parent);
	let(w[0], look_after_it, &o);
	assert_int_equal(crossed, 1);
	uncharge(a, 2 * MIB - 100000);
	close_account(a);
	close_account(parent);
}

/* ---- Barriers, and threads without a slot ---- */

static void drain_without_a_slot(void *account)
{
	porter_thread_unregister();
	must(!porter__this_slot());
	drain(account);
	must(!porter__this_slot());
}

/* The first thread has the first slot; a thread without one has none of it. */
static void a_thread_without_a_slot_drains_the_first_slot(void **state)
{
	struct account *a = open_with_peak(64 * KIB);
	unsigned before;

	(void)state;
	get_stock(a);
	assert_int_equal(a->holders, 1);
	before = barriers();
	in_a_thread(drain_without_a_slot, a);
	assert_int_equal(barriers() - before, 1);
	assert_int_equal(a->holders, 0);
	assert_int_equal(a->reserved, 0);
	assert_adds_up(a);
	close_account(a);
}

static void a_barrier_is_for_the_stock_of_others(void **state)
{
	struct account *a = open_with_peak(64 * KIB);
	struct account *child = open_account(a, NO_LIMIT);
	unsigned before = barriers();

	(void)state;
	drain(a);
	get_stock(a);
	get_stock(child);
	assert_int_equal(a->holders, 2);
	drain(a);
	assert_int_equal(a->holders, 0);
	assert_int_equal(barriers() - before, 0);
	get_stock(a);
	get_stock_by(w[0], child);
	drain(a);
	assert_int_equal(barriers() - before, 1);
	close_account(child);
	close_account(a);
}

/* ---- A barrier that is taken away ---- */

static void take_it_away(void *unused)
{
	struct account *a = open_account(NULL, MIB);

	(void)unused;
	get_stock(a);
	must_equal(a->holders, 1);
	forbid_barriers();
	/* Another one wants it all, and gets it all the same. */
	in_a_thread(drain_without_a_slot, a);
	must(!stock_is_given());
	must(charge(a, MIB));
	must(!charge(a, 1));
	uncharge(a, MIB);
	get_stock(a);
	must_equal(a->holders, 0);
	assert_adds_up(a);
	close_account(a);
}

static void without_a_barrier_any_more_nobody_gets_stock(void **state)
{
	(void)state;
	if (under_a_tool() || getenv("PORTER_TEST_EMULATOR"))
		skip_because("a child cannot start threads here");
	assert_int_equal(in_child(take_it_away, NULL).status, 0);
}

#define with_workers(test) \
	cmocka_unit_test_setup_teardown(test, begin_drain_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_workers(those_with_stock_are_linked_and_drained),
		with_workers(what_is_in_use_stays_reserved),
		with_workers(accounts_are_linked_where_stock_is),
		with_workers(a_part_is_drained_and_the_rest_is_not),
		with_workers(all_levels_know_the_sum_of_caps),
		with_workers(the_most_holders_are_since_the_last_drain),
		with_workers(all_holders_are_marked_before_the_barrier),
		with_workers(an_attempt_is_waited_for),
		with_workers(an_attempt_elsewhere_is_not_waited_for),
		with_workers(a_free_in_the_middle_of_a_drain_is_not_lost),
		with_workers(
			what_is_counted_in_the_middle_of_a_drain_is_not_lost),
		with_workers(what_a_drain_finds_counted_is_a_peak_soon),
		with_workers(what_a_drain_finds_freed_crosses_watermarks_soon),
		with_workers(a_thread_without_a_slot_drains_the_first_slot),
		with_workers(a_barrier_is_for_the_stock_of_others),
		with_workers(without_a_barrier_any_more_nobody_gets_stock),
	};

	/* Before all others, so it has the first slot. */
	porter_thread_register();
	return stock_is_given() ? run_all("drain", tests) : skip_all();
}
