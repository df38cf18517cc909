/* SPDX-License-Identifier: MIT */
/*
 * Accounts in a child of fork() that has threads of its own before it first asks an
 * account, and hierarchies in which it joins and leaves.
 */
#include "unit/rebuilds.h"

/* ---- Other threads of the child ---- */

/*
 * The child hires workers of its own. They take over the slots of those that are
 * no more, the lowest first, and what stock there is in their cells.
 */
#define needs_threads_in_child()                                           \
	do {                                                               \
		needs_stock();                                             \
		if (under_a_tool() || getenv("PORTER_TEST_EMULATOR"))      \
			skip_because("a child cannot start threads here"); \
	} while (0)

static void use_the_stock_of_the_dead(void *in_use)
{
	struct worker *heir[3];
	int with_stock = 0;

	look_at_points();
	for (int i = 0; i < 3; i++) {
		struct cell *cell;

		heir[i] = hire();
		cell = cell_by(heir[i], root);
		with_stock += own_stock(cell) >= 100;
		must(charge_by(heir[i], root, 100));
	}
	must(with_stock > 0);
	must(root->generation != porter__fork_generation || with_stock < 3);
	for (int i = 0; i < 3; i++)
		uncharge_by(heir[i], root, 100);
	check_all(in_use);
	for (int i = 0; i < 3; i++)
		must(charge_by(heir[i], root, 100));
	*(int64_t *)in_use += 300;
	check_all(in_use);
	for (int i = 0; i < 3; i++)
		dismiss(heir[i]);
}

static void heirs_of_slots_use_the_stock_there(void **state)
{
	int64_t in_use = 3000;

	(void)state;
	needs_threads_in_child();
	open_busy();
	assert_int_equal(in_child(use_the_stock_of_the_dead, &in_use).status,
			 0);
	close_busy(3000);
}

static void take_over_the_slot(void *in_use)
{
	struct account *other = open_account(NULL, NO_LIMIT);
	struct worker *heir = hire();

	look_at_points();
	/* It works elsewhere. */
	cell_by(heir, other);
	must(cell_by(heir, root)->attempt == 0);
	check_all(in_use);
	dismiss(heir);
}

/* The heir of its slot inherits an attempt that will never end. */
static void an_attempt_ends_with_its_thread(void **state)
{
	struct operation o = { .what = CHARGE, .size = 100 };
	int64_t in_use = 3000;

	(void)state;
	needs_threads_in_child();
	open_busy();
	o.a = root;
	stop_at(w[0], ATTEMPTING);
	begin(w[0], &o);
	wait_until_stopped(w[0]);
	assert_int_equal(in_child(take_over_the_slot, &in_use).status, 0);
	assert_int_equal(in_child(use_the_stock_of_the_dead, &in_use).status,
			 0);
	go_on(w[0]);
	wait_for(w[0]);
	close_busy(3100);
}

static void use_marked_cells(void *in_use)
{
	struct worker *heir[3];

	look_at_points();
	for (int i = 0; i < 3; i++) {
		heir[i] = hire();
		/* Before the first: by the drain that its thread did not end. */
		must(i > 0 || own_stock(cell_by(heir[i], root)) < 0);
		must(charge_by(heir[i], root, 100));
		uncharge_by(heir[i], root, 100);
		must(root->generation == porter__fork_generation);
	}
	check_all(in_use);
	for (int i = 0; i < 3; i++)
		dismiss(heir[i]);
}

static void heirs_of_marked_cells_come_to_the_account(void **state)
{
	struct operation o = { .what = DRAIN };
	int64_t in_use = 3000;

	(void)state;
	needs_threads_in_child();
	open_busy();
	o.a = root;
	stop_at(w[0], DRAINING);
	begin(w[0], &o);
	wait_until_stopped(w[0]);
	assert_int_equal(in_child(use_marked_cells, &in_use).status, 0);
	go_on(w[0]);
	wait_for(w[0]);
	close_busy(3000);
}

/* Whoever works in one has to ask. */
static bool is_marked(const struct cell *cell)
{
	return own_stock(cell) < -((int64_t)1 << 61) && cap_of(cell) == 0;
}

static bool all_are_marked(void)
{
	size_t slots = porter__slots_count();

	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = cell_of_slot(root, slot);

		if (cell && is_holder(cell) && !is_marked(cell))
			return false;
	}
	return true;
}

/* An attempt in the child is waited for, as in a drain. */
static void rebuild_beside_an_attempt(void *in_use)
{
	struct operation charging = { .what = CHARGE, .a = root, .size = 100 };
	struct operation draining = { .what = DRAIN, .a = root };
	struct worker *heir = hire(), *other = hire();
	unsigned before;

	look_at_points();
	must(own_stock(cell_by(heir, root)) >= 100);
	stop_at(heir, ATTEMPTING);
	begin(heir, &charging);
	wait_until_stopped(heir);
	before = barriers();
	/* Perhaps by a rebuild that did not come to its end. */
	cell_by(other, root)->word[QUOTA] -= 2 * QUOTA_MARK;
	begin(other, &draining);
	for (int i = 0; i < 1000 && barriers() == before; i++)
		give_time();
	must(barriers() == before + 1);
	must(all_are_marked());
	give_time();
	must(!is_done(other));
	must(root->generation != porter__fork_generation);
	go_on(heir);
	wait_for(heir);
	wait_for(other);
	must(charging.granted);
	must(root->generation == porter__fork_generation);
	*(int64_t *)in_use += 100;
	check_all(in_use);
	dismiss(heir);
	dismiss(other);
}

static void a_rebuild_waits_for_attempts_of_the_child(void **state)
{
	int64_t in_use = 3000;

	(void)state;
	needs_threads_in_child();
	open_busy();
	assert_int_equal(in_child(rebuild_beside_an_attempt, &in_use).status,
			 0);
	close_busy(3000);
}

/* A free in the child, between the mark and the settling. */
static struct operation freeing;
static struct worker *freer;

static void free_meanwhile(void)
{
	uint64_t before = porter__id_word(root->id, FREED);

	freeing =
		(struct operation){ .what = UNCHARGE, .a = root, .size = 200 };
	begin(freer, &freeing);
	while (porter__id_word(root->id, FREED) == before)
		give_time();
	give_time();
}

static void rebuild_beside_a_free(void *in_use)
{
	struct operation charging = { .what = CHARGE, .a = root, .size = 100 };
	struct operation draining = { .what = DRAIN, .a = root };
	struct worker *heir = hire(), *other = hire();

	look_at_points();
	freer = hire();
	cell_by(heir, root);
	cell_by(other, root);
	cell_by(freer, root);
	/* The rebuild waits for this one, with all cells marked. */
	stop_at(heir, ATTEMPTING);
	begin(heir, &charging);
	wait_until_stopped(heir);
	begin(other, &draining);
	give_time();
	free_meanwhile();
	go_on(heir);
	wait_for(heir);
	wait_for(other);
	wait_for(freer);
	*(int64_t *)in_use += 100 - 200;
	check_all(in_use);
}

static void a_free_beside_a_rebuild_is_not_lost(void **state)
{
	int64_t in_use = 3000;

	(void)state;
	needs_threads_in_child();
	open_busy();
	assert_int_equal(in_child(rebuild_beside_a_free, &in_use).status, 0);
	close_busy(3000);
}

/* ---- Hierarchies ---- */

static struct account *leaf, *beside;

static void open_hierarchy(void)
{
	root = open_account(NULL, LIMIT);
	leaf = open_account(root, NO_LIMIT);
	beside = open_account(root, NO_LIMIT);
	raise_peak_to(root, MIB);
	hire_so_many(2);
	must(charge_by(w[0], leaf, 2000));
	must(charge_by(w[1], beside, 1000));
	get_stock_by(w[0], leaf);
	get_stock_by(w[1], beside);
}

static void all_levels_are_right(void *in_use)
{
	must_equal(porter__account_charged(leaf), 2000);
	must_equal(porter__account_charged(beside), 1000);
	check_all(in_use);
	must(charge(leaf, LIMIT - 3000));
	must(!charge(beside, 1));
	uncharge(leaf, LIMIT - 1000);
	uncharge(beside, 1000);
	assert_adds_up(root);
	close_account(leaf);
	assert_adds_up(root);
	leaf = open_account(beside, NO_LIMIT);
	must(charge(leaf, LIMIT));
	must(!charge(root, 1));
	assert_adds_up(root);
}

static void all_levels_are_made_anew(void **state)
{
	struct operation o = { .what = DRAIN };
	int64_t in_use = 3000;

	(void)state;
	open_hierarchy();
	assert_int_equal(in_child(all_levels_are_right, &in_use).status, 0);
	if (stock_is_given()) {
		/* A part of it is being drained. */
		o.a = leaf;
		stop_at(w[0], DRAINING);
		begin(w[0], &o);
		wait_until_stopped(w[0]);
		assert_int_equal(in_child(all_levels_are_right, &in_use).status,
				 0);
		go_on(w[0]);
		wait_for(w[0]);
	}
	all_levels_are_right(&in_use);
	close_account(leaf);
	close_account(beside);
	close_account(root);
}

static void end_leaf(void)
{
	porter__account_fini(leaf);
	porter__id_give(leaf->id);
	free(leaf);
}

static void end_it_first(void *unused)
{
	(void)unused;
	end_leaf();
	must_equal(root->reserved - (int64_t)beside->caps, 1000 - beside->caps);
	must_equal(porter__account_charged(root), 1000);
	assert_adds_up(root);
}

static void rebuild_first(void *unused)
{
	(void)unused;
	must_equal(porter__account_charged(root), 1000);
	end_leaf();
	must_equal(porter__account_charged(root), 1000);
	assert_adds_up(root);
	must(charge(beside, LIMIT - 1000));
}

/* The thread that forked is in the middle of ending a member that has left. */
static void a_member_that_left_is_not_taken_away_twice(void **state)
{
	(void)state;
	open_hierarchy();
	assert_true(porter__hierarchy_leave(leaf));
	assert_int_equal(in_child(end_it_first, NULL).status, 0);
	assert_int_equal(in_child(rebuild_first, NULL).status, 0);
	end_leaf();
	assert_int_equal(porter__account_charged(root), 1000);
	assert_adds_up(root);
	uncharge(beside, 1000);
	close_account(beside);
	close_account(root);
}

static void join_first(void *unused)
{
	struct account *late = open_account(leaf, NO_LIMIT);

	(void)unused;
	must(charge(late, 500));
	must_equal(porter__account_charged(root), 3500);
	assert_adds_up(root);
	uncharge(late, 500);
	close_account(late);
	close_account(open_account(root, NO_LIMIT));
	must_equal(porter__account_charged(root), 3000);
	assert_adds_up(root);
}

static void who_joins_in_the_child_is_of_the_child(void **state)
{
	(void)state;
	open_hierarchy();
	assert_int_equal(in_child(join_first, NULL).status, 0);
	vacate(root, 3000); /* What the children have. */
	close_account(leaf);
	close_account(beside);
	assert_int_equal(porter__account_charged(root), -3000);
	occupy(root, 3000);
	close_account(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(heirs_of_slots_use_the_stock_there),
		account_test(an_attempt_ends_with_its_thread),
		account_test(heirs_of_marked_cells_come_to_the_account),
		account_test(a_rebuild_waits_for_attempts_of_the_child),
		account_test(a_free_beside_a_rebuild_is_not_lost),
		account_test(all_levels_are_made_anew),
		account_test(a_member_that_left_is_not_taken_away_twice),
		account_test(who_joins_in_the_child_is_of_the_child),
	};

	return run_all("rebuild in child", tests);
}
