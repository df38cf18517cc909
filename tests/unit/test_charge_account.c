/* SPDX-License-Identifier: MIT */
/*
 * Charges at an account: what is granted, what is refused and by whom, and what
 * a refusal leaves behind.
 */
#include "accounts.h"

#include <string.h>

/* ---- Which level ---- */

struct tower {
	struct account *root, *mid, *leaf, *beside;
};

static struct tower build(int64_t root, int64_t mid, int64_t leaf)
{
	struct tower t;

	t.root = open_account(NULL, root);
	t.mid = open_account(t.root, mid);
	t.leaf = open_account(t.mid, leaf);
	t.beside = open_account(t.mid, NO_LIMIT);
	return t;
}

static void tear_down(struct tower *t)
{
	close_account(t->leaf);
	close_account(t->beside);
	close_account(t->mid);
	close_account(t->root);
}

static void assert_refused_by(struct account *a, uint64_t size,
			      const struct account *level, int64_t limit,
			      int64_t charged)
{
	struct refused refused;

	assert_false(charge_or_tell(a, size, &refused));
	assert_ptr_equal(refused.level, level);
	assert_int_equal(refused.limit, limit);
	assert_int_equal(refused.charged, charged);
}

static void a_refusal_tells_its_level_and_how_that_stood(void **state)
{
	struct tower t = build(10000, 5000, 3000);

	(void)state;
	assert_refused_by(t.leaf, 3001, t.leaf, 3000, 0);
	assert_true(charge(t.leaf, 3000));
	assert_refused_by(t.leaf, 1, t.leaf, 3000, 3000);
	assert_refused_by(t.beside, 2001, t.mid, 5000, 3000);
	assert_true(charge(t.beside, 2000));
	/* The lowest of those that have no room. */
	assert_refused_by(t.leaf, 9000, t.leaf, 3000, 3000);
	uncharge(t.leaf, 3000);
	assert_refused_by(t.leaf, 3000 + 1, t.leaf, 3000, 0);
	assert_true(charge(t.root, 8000));
	assert_refused_by(t.leaf, 1, t.root, 10000, 10000);
	assert_adds_up(t.root);
	uncharge(t.root, 8000);
	uncharge(t.beside, 2000);
	tear_down(&t);
}

static void what_is_too_large_for_all_is_refused_by_none(void **state)
{
	struct account *a = open_account(NULL, NO_LIMIT);

	(void)state;
	assert_refused_by(a, (uint64_t)BEYOND_ALL + 1, NULL, 0, 0);
	assert_refused_by(a, INT64_MAX, NULL, 0, 0);
	get_stock(a);
	assert_refused_by(a, INT64_MAX, NULL, 0, 0);
	close_account(a);
}

/* ---- What a refusal leaves ---- */

struct level {
	int64_t reserved, upper, lower, limit;
	uint64_t allocated, freed;
};

static struct level look_at(const struct account *a)
{
	return (struct level){
		.reserved = a->reserved,
		.upper = a->upper,
		.lower = a->lower,
		.limit = a->limit,
		.allocated = porter__id_word(a->id, ALLOCATED),
		.freed = porter__id_word(a->id, FREED),
	};
}

static void look_at_all(const struct tower *t, struct level out[4])
{
	memset(out, 0, 4 * sizeof(*out));
	out[0] = look_at(t->root);
	out[1] = look_at(t->mid);
	out[2] = look_at(t->leaf);
	out[3] = look_at(t->beside);
}

static void a_refusal_above_changes_nothing_below(void **state)
{
	struct tower t = build(100000, NO_LIMIT, 90000);
	struct level before[4], after[4];

	(void)state;
	assert_true(charge(t.beside, 60000));
	assert_true(charge(t.leaf, 20000));
	look_at_all(&t, before);
	for (int i = 0; i < 20; i++) {
		assert_refused_by(t.leaf, 20001, t.root, 100000, 80000);
		assert_refused_by(t.leaf, 70001, t.leaf, 90000, 20000);
	}
	look_at_all(&t, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_adds_up(t.root);
	uncharge(t.beside, 60000);
	uncharge(t.leaf, 20000);
	tear_down(&t);
}

static void a_request_for_nothing_is_never_refused(void **state)
{
	struct tower t = build(1000, 1000, NO_LIMIT);

	(void)state;
	assert_true(charge(t.leaf, 1000));
	porter__account_set_limit(t.mid, 10);
	assert_true(charge(t.leaf, 0));
	assert_true(charge(t.beside, 0));
	assert_true(porter__charge_at_account(t.leaf, NULL, 0,
					      &(struct refused){ 0 }));
	assert_adds_up(t.root);
	uncharge(t.leaf, 1000);
	tear_down(&t);
}

/* ---- Before a refusal ---- */

enum { WORKERS = 4 };

struct crowd {
	struct account *a;
	struct worker *w[WORKERS];
};

/* Each of them has stock. */
static struct crowd gather(int64_t limit)
{
	struct crowd c;

	needs_stock();
	c.a = open_account(NULL, limit);
	for (int i = 0; i < WORKERS; i++) {
		c.w[i] = hire();
		get_stock_by(c.w[i], c.a);
	}
	assert_int_equal(c.a->holders, WORKERS);
	look_at_points();
	return c;
}

static void part(struct crowd *c)
{
	look_no_more();
	assert_adds_up(c->a);
	for (int i = 0; i < WORKERS; i++)
		dismiss(c->w[i]);
	close_account(c->a);
}

/* Stock is no reason to refuse. */
static void all_room_can_be_had_that_others_do_not_use(void **state)
{
	struct crowd c = gather(64 * MIB);

	(void)state;
	assert_true(charge(c.a, 64 * MIB));
	assert_int_equal(c.a->holders, 0);
	assert_int_equal(came_to(DRAINING), 1);
	for (int i = 0; i < WORKERS; i++)
		assert_false(charge_by(c.w[i], c.a, 1));
	uncharge(c.a, 64 * MIB);
	part(&c);
}

static void what_no_drain_could_make_fit_drains_nobody(void **state)
{
	struct crowd c = gather(64 * MIB);
	struct refused refused;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(charge_or_tell(c.a, 65 * MIB, &refused));
	assert_int_equal(came_to(DRAINING), 0);
	assert_int_equal(came_to(REFUSING), 10);
	assert_true(c.a->caps > 0);
	part(&c);
}

/*
 * A byte more than there is; but for what is out as stock that cannot be known
 * before it is taken back.
 */
static void those_that_are_refused_together_cause_one_drain(void **state)
{
	struct crowd c = gather(64 * MIB);
	uint64_t size = 64 * MIB - 12 * MIB + 1;

	(void)state;
	assert_true(charge(c.a, 12 * MIB));
	for (int round = 0; round < 10; round++)
		for (int i = 0; i < WORKERS; i++)
			assert_false(charge_by(c.w[i], c.a, size));
	assert_int_equal(came_to(REFUSING), 10 * WORKERS);
	assert_in_range(came_to(DRAINING), 1, 2);
	uncharge(c.a, 12 * MIB);
	part(&c);
}

/* A big request waits in the lock for its refusal; others have their stock. */
static void those_with_stock_do_not_wait_for_a_refusal(void **state)
{
	struct crowd c = gather(64 * MIB);
	struct operation big = { .what = CHARGE, .a = c.a, .size = 65 * MIB };
	struct operation small = { .what = CHARGE, .a = c.a, .size = 10000000 };

	(void)state;
	stop_at(c.w[0], REFUSING);
	begin(c.w[0], &big);
	wait_until_stopped(c.w[0]);
	assert_true(charge_by(c.w[1], c.a, 100));
	uncharge_by(c.w[1], c.a, 100);
	/* One that needs the account waits, and gets what there is room for. */
	begin(c.w[2], &small);
	give_time();
	assert_false(is_done(c.w[2]));
	go_on(c.w[0]);
	wait_for(c.w[0]);
	wait_for(c.w[2]);
	assert_false(big.granted);
	assert_true(small.granted);
	uncharge(c.a, small.size);
	part(&c);
}

/* ---- Numbers near the ends ---- */

static void no_sum_near_the_ends_overflows(void **state)
{
	static const int64_t limits[] = { INT64_MAX, INT64_MAX - 1,
					  INT64_MAX / 2, (int64_t)1 << 60 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct account *root = open_account(NULL, limits[i]);
		struct account *child = open_account(root, INT64_MAX - 1);

		assert_true(charge(child, (uint64_t)BEYOND_ALL));
		assert_refused_by(child, 1, child, INT64_MAX - 1, BEYOND_ALL);
		assert_refused_by(root, (uint64_t)BEYOND_ALL, root, limits[i],
				  BEYOND_ALL);
		assert_true(charge(root, 0));
		assert_adds_up(root);
		assert_int_equal(peak_read(&root->peak).lower, BEYOND_ALL);
		assert_int_equal(peak_read(&root->peak).upper, BEYOND_ALL);
		uncharge(child, (uint64_t)BEYOND_ALL - 100);
		get_stock(child);
		get_stock(root);
		assert_adds_up(root);
		assert_refused_by(child, (uint64_t)BEYOND_ALL - 99, child,
				  INT64_MAX - 1, 100);
		uncharge(root, 100); /* As if of what the child has. */
		assert_int_equal(porter__account_charged(root), 0);
		close_account(child);
		close_account(root);
	}
}

static void a_limit_of_all_there_is_leaves_that(void **state)
{
	struct account *a = open_account(NULL, BEYOND_ALL - 1);

	(void)state;
	assert_false(charge(a, (uint64_t)BEYOND_ALL));
	assert_true(charge(a, (uint64_t)BEYOND_ALL - 1));
	uncharge(a, (uint64_t)BEYOND_ALL - 1);
	close_account(a);
	a = open_account(NULL, 0);
	assert_refused_by(a, 1, a, 0, 0);
	close_account(a);
}

/* ---- Other limits ---- */

static void a_lowered_limit_is_kept_from_then_on(void **state)
{
	struct crowd c = gather(64 * MIB);

	(void)state;
	assert_true(charge(c.a, 100000));
	porter__account_set_limit(c.a, 60000);
	/* Stock of before does not help. */
	for (int i = 0; i < WORKERS; i++)
		assert_false(charge_by(c.w[i], c.a, 1));
	assert_false(charge(c.a, 1));
	uncharge(c.a, 40000);
	assert_false(charge(c.a, 1));
	uncharge(c.a, 1000);
	assert_false(charge(c.a, 1001));
	assert_true(charge_by(c.w[0], c.a, 1000));
	assert_false(charge_by(c.w[1], c.a, 1));
	uncharge(c.a, 60000);
	part(&c);
}

/*
 * What was counted without being asked for; stock that is out is within what is
 * reserved already, and yet nobody may go on with it.
 */
static void what_is_found_above_a_limit_takes_all_stock(void **state)
{
	struct crowd c = gather(NO_LIMIT);
	struct refused refused;

	(void)state;
	assert_int_equal(c.a->holders, WORKERS);
	porter__account_set_limit(c.a, 64 * MIB);
	for (int i = 0; i < WORKERS; i++)
		get_stock_by(c.w[i], c.a);
	assert_int_equal(c.a->holders, WORKERS);
	count(c.a, 70 * MIB);
	assert_int_equal(c.a->holders, 0);
	assert_false(charge_by(c.w[0], c.a, 1));
	uncharge(c.a, 10 * MIB);
	for (int i = 0; i < WORKERS; i++)
		get_stock_by(c.w[i], c.a);
	assert_int_equal(c.a->holders, WORKERS + 1);
	/* Where the thread has no cell. */
	porter__count_shared(c.a, 5 * MIB);
	assert_int_equal(c.a->holders, 0);
	assert_false(porter__charge_at_account(c.a, NULL, 1, &refused));
	porter__uncharge_shared(c.a, 5 * MIB);
	uncharge(c.a, 60 * MIB);
	part(&c);
}

/* ---- Without a cell, and in vain ---- */

static void a_thread_without_a_cell_is_held_to_the_limit(void **state)
{
	struct tower t = build(10000, NO_LIMIT, NO_LIMIT);
	struct refused refused;

	(void)state;
	assert_true(porter__charge_at_account(t.leaf, NULL, 6000, &refused));
	assert_int_equal(t.leaf->id->shared.word[ALLOCATED], 6000);
	assert_int_equal(t.root->reserved, 6000);
	assert_false(porter__charge_at_account(t.leaf, NULL, 4001, &refused));
	assert_ptr_equal(refused.level, t.root);
	assert_true(charge(t.beside, 4000));
	assert_adds_up(t.root);
	assert_int_equal(peak_read(&t.root->peak).lower, 10000);
	assert_int_equal(peak_read(&t.leaf->peak).lower, 6000);
	porter__uncharge_shared(t.leaf, 6000);
	assert_int_equal(t.root->reserved, 4000);
	assert_true(charge(t.leaf, 6000));
	assert_adds_up(t.root);
	uncharge(t.leaf, 6000);
	uncharge(t.beside, 4000);
	tear_down(&t);
}

static void what_is_cancelled_was_charged_and_is_told(void **state)
{
	struct account *a = open_account(NULL, 10000);

	(void)state;
	assert_true(charge(a, 9000));
	porter__cancel(a, 9000);
	assert_true(charge(a, 10000));
	assert_int_equal(a->id->cancelled, 9000);
	assert_int_equal(porter__id_word(a->id, ALLOCATED), 19000);
	assert_int_equal(porter__id_word(a->id, FREED), 9000);
	assert_adds_up(a);
	uncharge(a, 10000);
	close_account(a);
}

/* So few operations get no stock: the bounds are equal. */
static void all_levels_know_their_own_peak(void **state)
{
	struct tower t = build(NO_LIMIT, NO_LIMIT, NO_LIMIT);

	(void)state;
	raise_peak_to(t.leaf, 500);
	assert_true(charge(t.beside, 300));
	assert_true(charge(t.leaf, 400));
	uncharge(t.beside, 300);
	assert_true(charge(t.root, 500));
	assert_int_equal(peak_read(&t.leaf->peak).lower, 500);
	assert_int_equal(peak_read(&t.leaf->peak).upper, 500);
	assert_int_equal(peak_read(&t.beside->peak).lower, 300);
	assert_int_equal(peak_read(&t.beside->peak).upper, 300);
	assert_int_equal(peak_read(&t.mid->peak).lower, 700);
	assert_int_equal(peak_read(&t.mid->peak).upper, 700);
	assert_int_equal(peak_read(&t.root->peak).lower, 900);
	assert_int_equal(peak_read(&t.root->peak).upper, 900);
	uncharge(t.leaf, 400);
	uncharge(t.root, 500);
	tear_down(&t);
}

/* ---- At random, beside a model ---- */

enum { MAX_LEVELS = 5, BLOCKS = 40 };

/* Threads take turns, so at each step it is known what must be granted. */
struct model {
	int levels;
	bool asks; /* charges; else it counts, and there are no limits */
	struct account *a[MAX_LEVELS]; /* each parent before its children */
	int64_t limit[MAX_LEVELS], charged[MAX_LEVELS], peak[MAX_LEVELS];
	struct worker *w[WORKERS];
	struct block {
		int account;
		uint64_t size;
	} blocks[BLOCKS];
	uint64_t random;
	size_t atomic; /* steps that were in atomic mode */
};

static const int parents[MAX_LEVELS] = { -1, 0, 0, 1, 3 };

static bool has_room(const struct model *m, int i, uint64_t size)
{
	for (; i >= 0; i = parents[i])
		if (size && m->charged[i] + (int64_t)size > m->limit[i])
			return false;
	return true;
}

static void add(struct model *m, int i, int64_t size)
{
	for (; i >= 0; i = parents[i]) {
		m->charged[i] += size;
		if (m->charged[i] > m->peak[i])
			m->peak[i] = m->charged[i];
	}
}

static uint64_t random_size(struct model *m)
{
	static const size_t below[] = { 1, 64, 2000, 50000, 3 * MIB };

	return random_below(&m->random,
			    below[random_below(&m->random, ARRAY_SIZE(below))]);
}

static bool allocate(struct model *m, struct worker *w, const struct block *b)
{
	if (m->asks)
		return charge_by(w, m->a[b->account], b->size);
	count_by(w, m->a[b->account], b->size);
	return true;
}

static void allocate_or_free(struct model *m)
{
	struct block *b = &m->blocks[random_below(&m->random, BLOCKS)];
	struct worker *w = m->w[random_below(&m->random, WORKERS)];

	if (b->size) {
		uncharge_by(w, m->a[b->account], b->size);
		add(m, b->account, -(int64_t)b->size);
		b->size = 0;
		return;
	}
	b->account = (int)random_below(&m->random, (size_t)m->levels);
	b->size = random_size(m);
	must_equal(allocate(m, w, b), has_room(m, b->account, b->size));
	if (has_room(m, b->account, b->size))
		add(m, b->account, (int64_t)b->size);
	else
		b->size = 0;
}

static void change_a_limit(struct model *m)
{
	int i = (int)random_below(&m->random, (size_t)m->levels);

	m->limit[i] = random_below(&m->random, 3) ?
			      (int64_t)random_below(&m->random, 20 * MIB) + 1 :
			      NO_LIMIT;
	porter__account_set_limit(m->a[i], m->limit[i]);
}

static void begin_a_period(struct model *m)
{
	int i = (int)random_below(&m->random, (size_t)m->levels);

	porter__peak_reset(m->a[i]);
	m->peak[i] = m->charged[i];
}

/* Of G8: the bounds hold the peak, and are not too far apart. */
static void check_model(const struct model *m)
{
	assert_adds_up(m->a[0]);
	for (int i = 0; i < m->levels; i++) {
		struct porter_interval p = peak_read(&m->a[i]->peak);
		int64_t width = peak_allowance(p.upper);

		must_equal(charged_in(m->a[i]), m->charged[i]);
		must(p.lower <= m->peak[i] && m->peak[i] <= p.upper);
		if (width < (int64_t)WORKERS * m->levels * 4 * KIB)
			width = (int64_t)WORKERS * m->levels * 4 * KIB;
		must(p.upper - p.lower <= width);
	}
}

static void run_model(struct model *m)
{
	size_t steps = scaled(15000);

	m->random = random_seed();
	for (int i = 0; i < m->levels; i++) {
		m->limit[i] = NO_LIMIT;
		m->a[i] = open_account(i ? m->a[parents[i]] : NULL, NO_LIMIT);
	}
	for (int i = 0; i < WORKERS; i++)
		m->w[i] = hire();
	for (size_t step = 0; step < steps; step++) {
		allocate_or_free(m);
		if (m->asks && random_below(&m->random, 100) == 0)
			change_a_limit(m);
		if (random_below(&m->random, 500) == 0)
			begin_a_period(m);
		m->atomic += is_atomic(m->a[0]->word);
		if (step % 20 == 0)
			check_model(m);
	}
	for (int i = 0; i < BLOCKS; i++)
		if (m->blocks[i].size)
			uncharge(m->a[m->blocks[i].account], m->blocks[i].size);
	for (int i = 0; i < WORKERS; i++)
		dismiss(m->w[i]);
	must_equal(porter__account_charged(m->a[0]), 0);
	for (int i = m->levels - 1; i >= 0; i--)
		close_account(m->a[i]);
}

static void what_fits_is_granted_and_nothing_else(void **state)
{
	struct model m = { .levels = 1, .asks = true };

	(void)state;
	run_model(&m);
	/* Near its limit, and far from it. */
	assert_in_range(m.atomic, 10, scaled(15000) - 10);
}

static void what_fits_all_levels_is_granted_and_nothing_else(void **state)
{
	struct model m = { .levels = MAX_LEVELS, .asks = true };

	(void)state;
	run_model(&m);
	assert_int_equal(m.atomic, 0);
}

static void what_is_counted_adds_up_at_all_levels(void **state)
{
	struct model m = { .levels = MAX_LEVELS, .asks = false };

	(void)state;
	run_model(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_tells_its_level_and_how_that_stood),
		cmocka_unit_test(what_is_too_large_for_all_is_refused_by_none),
		cmocka_unit_test(a_refusal_above_changes_nothing_below),
		cmocka_unit_test(a_request_for_nothing_is_never_refused),
		cmocka_unit_test(all_room_can_be_had_that_others_do_not_use),
		cmocka_unit_test(what_no_drain_could_make_fit_drains_nobody),
		cmocka_unit_test(
			those_that_are_refused_together_cause_one_drain),
		cmocka_unit_test(those_with_stock_do_not_wait_for_a_refusal),
		cmocka_unit_test(no_sum_near_the_ends_overflows),
		cmocka_unit_test(a_limit_of_all_there_is_leaves_that),
		cmocka_unit_test(a_lowered_limit_is_kept_from_then_on),
		cmocka_unit_test(what_is_found_above_a_limit_takes_all_stock),
		cmocka_unit_test(a_thread_without_a_cell_is_held_to_the_limit),
		cmocka_unit_test(what_is_cancelled_was_charged_and_is_told),
		cmocka_unit_test(all_levels_know_their_own_peak),
		cmocka_unit_test(what_fits_is_granted_and_nothing_else),
		cmocka_unit_test(
			what_fits_all_levels_is_granted_and_nothing_else),
		cmocka_unit_test(what_is_counted_adds_up_at_all_levels),
	};

	return run_all("charge account", tests);
}
