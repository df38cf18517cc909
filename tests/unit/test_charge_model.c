/* SPDX-License-Identifier: MIT */
/*
 * Charges at random, beside a model: threads take turns, so at each step it is
 * known what must be granted and what must not. Limits come and go, periods of
 * the peak begin.
 */
#include "unit/accounts.h"

enum { WORKERS = 4, MAX_LEVELS = 5, BLOCKS = 40 };

struct model {
	int levels;
	bool asks; /* charges; else it counts, and there are no limits */
	struct account *a[MAX_LEVELS]; /* each parent before its children */
	int64_t limit[MAX_LEVELS], charged[MAX_LEVELS], peak[MAX_LEVELS];
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

static bool allocate(struct model *m, struct worker *who, const struct block *b)
{
	if (m->asks)
		return charge_by(who, m->a[b->account], b->size);
	count_by(who, m->a[b->account], b->size);
	return true;
}

static void allocate_or_free(struct model *m)
{
	struct block *b = &m->blocks[random_below(&m->random, BLOCKS)];
	struct worker *who = w[random_below(&m->random, WORKERS)];

	if (b->size) {
		uncharge_by(who, m->a[b->account], b->size);
		add(m, b->account, -(int64_t)b->size);
		b->size = 0;
		return;
	}
	b->account = (int)random_below(&m->random, (size_t)m->levels);
	b->size = random_size(m);
	must_equal(allocate(m, who, b), has_room(m, b->account, b->size));
	if (has_room(m, b->account, b->size))
		add(m, b->account, (int64_t)b->size);
	else
		b->size = 0;
}

/* Far away, near, or none. */
static void change_a_limit(struct model *m)
{
	int i = (int)random_below(&m->random, (size_t)m->levels);

	switch (random_below(&m->random, 3)) {
	case 0:
		m->limit[i] = NO_LIMIT;
		break;
	case 1:
		m->limit[i] = (int64_t)random_below(&m->random, 20 * MIB) + 1;
		break;
	default:
		m->limit[i] = m->charged[i] +
			      (int64_t)random_below(&m->random, 300 * KIB) + 1;
	}
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
	hire_so_many(WORKERS);
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
	assert_in_range(m.atomic, 1, scaled(15000) - 1);
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
		account_test(what_fits_is_granted_and_nothing_else),
		account_test(what_fits_all_levels_is_granted_and_nothing_else),
		account_test(what_is_counted_adds_up_at_all_levels),
	};

	return run_all("charge model", tests);
}
