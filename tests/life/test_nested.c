/* SPDX-License-Identifier: MIT */
/*
 * What an underlying allocator may do: work with the same tracker, and with its
 * relatives, in the middle of an operation. The numbers are right all the same,
 * a request that was impossible gets NULL, and a limit refuses what does not
 * fit, and only that.
 *
 *	porter_allocate(t, 3000)
 *	 |  3000 bytes are charged
 *	 |  malloc(3000), or the table's allocate
 *	 |   |  porter_free(t, cached, 100)
 *	 |   `  porter_allocate(sibling, 500), in which again ...
 *	 `  the block, or NULL
 */
#define WITHOUT_KINDS
#include "nested.h"

#include "ways.h"

/* ---- A model: what is charged, at each level ---- */

enum { LEVELS = 4, BLOCKS = 32, LARGEST = 3000, DEPTH = 3 };

struct level {
	porter_tracked *t;
	struct level *parent;
	int64_t limit;	   /* 0: none */
	int64_t charged;   /* from before malloc until after free */
	int64_t most;	   /* that it was */
	int64_t held;	   /* by who has a block and is not freeing it */
	int64_t most_held; /* that it was */
	uint64_t refusals, failures; /* of requests to this tracker */
};

static struct level levels[LEVELS];
static int count;

static bool fits(const struct level *l, size_t size)
{
	for (; l; l = l->parent)
		if (l->limit && l->charged + (int64_t)size > l->limit)
			return false;
	return true;
}

static void charge(struct level *l, int64_t more)
{
	for (; l; l = l->parent) {
		l->charged += more;
		if (l->charged > l->most)
			l->most = l->charged;
	}
}

static void hold(struct level *l, int64_t more)
{
	for (; l; l = l->parent) {
		l->held += more;
		if (l->held > l->most_held)
			l->most_held = l->held;
	}
}

/* ---- Random operations, some inside of others ---- */

struct block {
	struct level *l;
	const struct way *way;
	void *ptr;
	size_t size;
	bool busy; /* an operation on it is under way */
};

/* One that is under way, and what the allocator did about it. */
struct outer {
	bool asked, failed;
};

static struct block blocks[BLOCKS];
static struct outer *outer;
static uint64_t seed;
static int depth;

static void enter(struct outer *now, struct outer **before)
{
	*now = (struct outer){ .asked = false };
	*before = outer;
	outer = now;
}

/* Whether it got what it wanted is as the model says. */
static bool leave(struct level *l, bool room, bool got, struct outer *before)
{
	bool failed = outer->failed, asked = outer->asked;

	outer = before;
	must(got == (room && !failed));
	must(room || (!asked && errno == ENOMEM));
	if (!room)
		l->refusals++;
	else if (failed)
		l->failures++;
	return got;
}

static void get(struct block *b)
{
	size_t size = 1 + random_below(&seed, LARGEST);
	struct level *l = &levels[random_below(&seed, (size_t)count)];
	const struct way *way = random_way(&seed);
	bool room = fits(l, size);
	struct outer now, *before;

	if (room)
		charge(l, (int64_t)size);
	b->busy = true;
	enter(&now, &before);
	b->ptr = way->get(l->t, size);
	if (leave(l, room, b->ptr != NULL, before)) {
		b->l = l;
		b->size = size;
		b->way = way;
		hold(l, (int64_t)size);
	} else if (room) {
		charge(l, -(int64_t)size);
	}
	b->busy = false;
}

static void put(struct block *b)
{
	struct outer now, *before;

	hold(b->l, -(int64_t)b->size);
	b->busy = true;
	enter(&now, &before);
	b->way->put(b->l->t, b->ptr, b->size);
	outer = before;
	charge(b->l, -(int64_t)b->size);
	b->ptr = NULL;
	b->busy = false;
}

static void resize(struct block *b)
{
	size_t size = 1 + random_below(&seed, LARGEST);
	int64_t more = (int64_t)size - (int64_t)b->size;
	bool room = more <= 0 || fits(b->l, (size_t)more);
	struct outer now, *before;
	void *ptr;

	if (more > 0 && room)
		charge(b->l, more);
	if (more < 0)
		hold(b->l, more);
	b->busy = true;
	enter(&now, &before);
	ptr = b->way->resize(b->l->t, b->ptr, b->size, size);
	if (leave(b->l, room, ptr != NULL, before)) {
		b->ptr = ptr;
		b->size = size;
		if (more < 0)
			charge(b->l, more);
		else
			hold(b->l, more);
	} else if (more < 0) {
		hold(b->l, -more);
	} else if (room) {
		charge(b->l, -more);
	}
	b->busy = false;
}

/* To what is there, or to as much and a little; the first one stays. */
static void move_limit(struct level *l)
{
	int64_t limit = l->charged + (int64_t)random_below(&seed, 4 * LARGEST);

	if (!l->limit)
		return;
	l->limit = limit ? limit : 1;
	must(porter_tracked_set_limit(l->t, l->limit) == 0);
}

static void child_comes_and_goes(struct level *l)
{
	struct porter_tracked_options o = { .size = sizeof(o), .parent = l->t };
	porter_tracked *child = porter_tracked_new_with(NULL, &o);

	must(child);
	must(destroy(child) == 0);
}

static void one_operation(void)
{
	struct block *b = &blocks[random_below(&seed, BLOCKS)];
	struct level *l = &levels[random_below(&seed, (size_t)count)];

	switch (random_below(&seed, 64)) {
	case 0:
		move_limit(l);
		return;
	case 1:
		if (count > 1)
			child_comes_and_goes(&levels[0]);
		return;
	}
	if (b->busy)
		return;
	if (!b->ptr)
		get(b);
	else if (b->way->resize && random_below(&seed, 3) == 0)
		resize(b);
	else
		put(b);
}

/* From the allocator, in the middle of an operation of the test. */
static bool visit(size_t size)
{
	struct outer *mine = outer;

	if (!mine)
		return true;
	mine->asked = true;
	outer = NULL; /* The rest is not the tracker's. */
	if (depth < DEPTH) {
		depth++;
		for (size_t n = random_below(&seed, 4); n > 0; n--)
			one_operation();
		depth--;
	}
	outer = mine;
	if (size && random_below(&seed, 8) == 0)
		mine->failed = true;
	return !mine->failed;
}

/* ---- What must hold ---- */

static void compare(const struct level *l)
{
	struct porter_stats s = { .size = sizeof(s) };
	struct porter_interval i = porter_bytes_used_interval(l->t);
	uint64_t refusals = 0, failures = 0;

	for (int k = 0; k < count; k++)
		for (struct level *x = &levels[k]; x; x = x->parent)
			if (x == l) {
				refusals += levels[k].refusals;
				failures += levels[k].failures;
			}
	must(porter_tracked_stats(l->t, &s) == 0);
	assert_int_equal(l->charged, l->held);
	assert_int_equal(porter_bytes_used(l->t), l->charged);
	assert_int_equal(s.bytes_used, l->charged);
	assert_int_equal(i.lower, l->charged);
	assert_int_equal(i.upper, l->charged);
	assert_int_equal(s.refusals, refusals);
	assert_int_equal(s.failures, failures);
}

static bool is_bounded(const struct level *l)
{
	for (; l; l = l->parent)
		if (l->limit)
			return true;
	return false;
}

static bool has_children(const struct level *l)
{
	for (int k = 0; k < count; k++)
		if (levels[k].parent == l)
			return true;
	return false;
}

/* One thread: where nobody else counts, its peak is a number. */
static void compare_peak(const struct level *l)
{
	struct porter_interval peak = porter_peak(l->t);

	assert_true(peak.lower <= l->most);
	assert_true(peak.upper >= l->most_held);
	if (is_bounded(l))
		assert_true(peak.upper >= l->most);
	if (has_children(l))
		return;
	assert_int_equal(peak.lower, peak.upper);
	if (is_bounded(l))
		assert_int_equal(peak.lower, l->most);
}

static void all_comes_back(void)
{
	for (int i = 0; i < BLOCKS; i++)
		if (blocks[i].ptr)
			put(&blocks[i]);
	for (int i = 0; i < count; i++) {
		compare(&levels[i]);
		assert_int_equal(levels[i].charged, 0);
	}
	for (int i = 0; i < count; i++) {
		int64_t all = INT64_MAX;

		for (struct level *l = &levels[i]; l; l = l->parent)
			if (l->limit && l->limit < all)
				all = l->limit;
		if (all == INT64_MAX)
			continue;
		assert_int_equal(porter_charge(levels[i].t, (size_t)all), 0);
		assert_int_equal(porter_charge(levels[i].t, 1), -1);
		porter_refund(levels[i].t, (size_t)all);
	}
	for (int i = count - 1; i >= 0; i--)
		assert_int_equal(destroy(levels[i].t), 0);
}

/* 0 above 1 and 3; 1 above 2 */
struct kind {
	const char *name;
	int levels;
	bool options;
	int64_t limit[LEVELS];
};

static const struct kind kinds[] = {
	{ "it counts", 1, false, { 0 } },
	{ "it keeps a peak", 1, true, { 0 } },
	{ "far from its limit", 1, true, { FAR_LIMIT } },
	{ "near its limit", 1, true, { 20000 } },
	{ "a hierarchy", 4, true, { 0 } },
	{ "a hierarchy, far", 4, true, { FAR_LIMIT, FAR_LIMIT, 0, FAR_LIMIT } },
	{ "a hierarchy, near", 4, true, { 20000, 15000, 0, 5000 } },
	{ "near at the top", 4, true, { 20000, 0, 0, 0 } },
	{ "near at the bottom", 4, true, { 0, 0, 10000, 0 } },
};

static void make(const struct kind *k, bool over_malloc)
{
	static const int parents[LEVELS] = { -1, 0, 1, 0 };

	count = k->levels;
	for (int i = 0; i < count; i++) {
		struct level *parent = i ? &levels[parents[i]] : NULL;
		struct porter_tracked_options o = {
			.size = sizeof(o),
			.parent = parent ? parent->t : NULL,
			.limit = k->limit[i],
		};

		levels[i] = (struct level){ .parent = parent,
					    .limit = k->limit[i] };
		levels[i].t = porter_tracked_new_with(nested_over(over_malloc),
						      k->options ? &o : NULL);
		assert_non_null(levels[i].t);
	}
}

static void run(bool over_malloc)
{
	size_t rounds = scaled(20000);

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		print_message("# %s\n", kinds[k].name);
		seed = random_seed();
		make(&kinds[k], over_malloc);
		nested_visit = visit;
		for (size_t i = 0; i < rounds; i++) {
			one_operation();
			for (int l = 0; l < count; l++) {
				compare(&levels[l]);
				compare_peak(&levels[l]);
			}
		}
		nested_visit = NULL;
		all_comes_back();
	}
}

static void operations_in_an_allocator_count_as_any_other(void **state)
{
	(void)state;
	run(false);
}

static void and_in_malloc(void **state)
{
	(void)state;
	run(true);
}

/* ---- An impossible request, and a cache that is shed for it ---- */

enum { HUGE_SIZE = 1 << 30, CACHED = 100 };

static struct {
	porter_tracked *t;
	void *cached, *kept;
	int what; /* bit 0: it frees, bit 1: it allocates and keeps that */
	bool refused;
} shed;

static bool out_of_memory(size_t size)
{
	if (size < HUGE_SIZE)
		return true;
	shed.refused = true;
	if (shed.what & 1) {
		porter_free(porter_tracked_allocator(shed.t), shed.cached,
			    CACHED);
		shed.cached = NULL;
	}
	if (shed.what & 2)
		shed.kept = porter_allocate(porter_tracked_allocator(shed.t),
					    CACHED + 1);
	return false;
}

static void ask_for_too_much(porter_tracked *t, const struct way *way)
{
	porter_allocator *a = porter_tracked_allocator(t);
	int64_t left;

	for (shed.what = 0; shed.what < 4; shed.what++) {
		shed.t = t;
		shed.refused = false;
		shed.kept = NULL;
		shed.cached = porter_allocate(a, CACHED);
		errno = 0;
		assert_null(way->get(t, HUGE_SIZE));
		assert_int_equal(errno, ENOMEM);
		assert_true(shed.refused);
		left = (shed.cached ? CACHED : 0) +
		       (shed.kept ? CACHED + 1 : 0);
		assert_int_equal(porter_bytes_used(t), left);
		assert_true(!shed.kept == !(shed.what & 2));
		porter_free(a, shed.kept, CACHED + 1);
		porter_free(a, shed.cached, CACHED);
		assert_int_equal(porter_bytes_used(t), 0);
	}
}

static void what_is_impossible_gets_nothing(void **state)
{
	(void)state;
	nested_visit = out_of_memory;
	for (size_t k = 0; k < 2 * ARRAY_SIZE(kinds); k++) {
		const struct kind *kind = &kinds[k / 2];

		if (strstr(kind->name, "near"))
			continue; /* The limit refuses. */
		make(kind, k % 2);
		for (int l = 0; l < count; l++)
			for (size_t w = 0; w < ways_count; w++)
				if (!ways[w].charges)
					ask_for_too_much(levels[l].t, &ways[w]);
		for (int l = count - 1; l >= 0; l--)
			assert_int_equal(destroy(levels[l].t), 0);
	}
	nested_visit = NULL;
}

/* A test that failed may have left off in the middle. */
static int begin(void **state)
{
	(void)state;
	nested_visit = NULL;
	outer = NULL;
	depth = 0;
	memset(blocks, 0, sizeof(blocks));
	return 0;
}

#define nested_test(name) cmocka_unit_test_setup_teardown(name, begin, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		nested_test(what_is_impossible_gets_nothing),
		nested_test(operations_in_an_allocator_count_as_any_other),
		nested_test(and_in_malloc),
	};

	return run_all("nested", tests);
}
