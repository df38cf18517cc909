/* SPDX-License-Identifier: MIT */
/*
 * Children end in any order: the oldest first, the newest first, at random, by
 * several threads at once. What is left of the hierarchy is right all the time.
 *
 *	root		holds some itself
 *	 `-- middle	counts what 10,000 children hold ...
 *	      |-- child 0, 1, 2, ...	one block each; some leave theirs
 *	      `-- ...			and what those that ended have counted
 */
#define WITHOUT_KINDS
#include "life.h"
#include "ways.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CHILDREN = 10000, BASE = 777, THREADS = 3 };

static porter_tracked *root, *middle, *children[CHILDREN];
static size_t order[CHILDREN], count;

/* Some are given back, some stay where they are when their child ends. */
static size_t size_of(size_t i)
{
	return 1 + i % 100;
}

static bool is_left(size_t i)
{
	return i % 7 == 0;
}

static void make_all(int64_t limit)
{
	count = scaled(CHILDREN);
	root = make_tracker(&nothing, NULL, limit);
	middle = make_tracker(&nothing, root, 0);
	must(porter_charge(root, BASE) == 0);
	for (size_t i = 0; i < count; i++) {
		children[i] = make_tracker(&nothing, middle, 0);
		must(porter_charge(children[i], size_of(i)) == 0);
		order[i] = i;
	}
}

static void shuffle(void)
{
	uint64_t random = random_seed();

	for (size_t i = count; i > 1; i--) {
		size_t k = random_below(&random, i), kept = order[i - 1];

		order[i - 1] = order[k];
		order[k] = kept;
	}
}

static void turn_round(void)
{
	for (size_t i = 0; i < count; i++)
		order[i] = count - 1 - i;
}

static void end_one(size_t i)
{
	int64_t left = is_left(i) ? (int64_t)size_of(i) : 0;

	if (!is_left(i))
		porter_refund(children[i], size_of(i));
	must(destroy(children[i]) == left);
	children[i] = NULL;
}

static int64_t held_in_all(void)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (children[i])
			sum += (int64_t)size_of(i);
	return sum;
}

static int count_one(porter_tracked *t, void *context)
{
	must(porter_tracked_parent(t) == middle);
	must(porter_bytes_used(t) > 0);
	++*(size_t *)context;
	return 0;
}

/* A read of the root looks at each that is left, so not after every one. */
static void numbers_are_right(size_t ended)
{
	int64_t sum = held_in_all();
	size_t seen = 0;

	assert_int_equal(porter_bytes_used(middle), sum);
	assert_int_equal(porter_bytes_used(root), sum + BASE);
	porter_tracked_foreach_child(middle, count_one, &seen);
	assert_int_equal(seen, count - ended);
}

static void end_all(int64_t limit)
{
	struct porter_stats s = { .size = sizeof(s) };
	uint64_t bytes = 0;

	numbers_are_right(count);
	for (size_t i = 0; i < count; i++)
		bytes += size_of(i);
	assert_int_equal(porter_tracked_stats(middle, &s), 0);
	assert_int_equal(s.total_allocated, bytes);
	assert_int_equal(s.total_freed, bytes);
	assert_int_equal(s.bytes_used, 0);
	assert_int_equal(s.allocations, count);
	if (limit) {
		assert_int_equal(porter_charge(middle, (size_t)limit - BASE),
				 0);
		assert_int_equal(porter_charge(middle, 1), -1);
		porter_refund(middle, (size_t)limit - BASE);
	}
	porter_refund(root, BASE);
	assert_int_equal(destroy(middle), 0);
	assert_int_equal(destroy(root), 0);
}

/* All in one go; and, where a limit refuses, one that is late is let in. */
static void in_order(void (*arrange)(void))
{
	static const int64_t limits[] = { 0, CHILDREN * 100 };

	for (size_t l = 0; l < ARRAY_SIZE(limits); l++) {
		make_all(limits[l]);
		if (arrange)
			arrange();
		for (size_t i = 0; i < count; i++) {
			if (i % 1000 == 0)
				numbers_are_right(i);
			end_one(order[i]);
		}
		end_all(limits[l]);
	}
}

static void the_oldest_first(void **state)
{
	(void)state;
	in_order(NULL);
}

static void the_newest_first(void **state)
{
	(void)state;
	in_order(turn_round);
}

static void at_random(void **state)
{
	(void)state;
	in_order(shuffle);
}

/* ---- Others come as those go ---- */

static void as_many_come_as_go(void **state)
{
	(void)state;
	make_all(CHILDREN * 100);
	shuffle();
	for (size_t i = 0; i < count; i++) {
		size_t k = order[i];

		if (i % 1000 == 0)
			numbers_are_right(0);
		porter_refund(children[k], size_of(k));
		assert_int_equal(destroy(children[k]), 0);
		children[k] = make_tracker(&nothing, middle, 0);
		assert_int_equal(porter_charge(children[k], size_of(k)), 0);
	}
	turn_round();
	for (size_t i = 0; i < count; i++) {
		porter_refund(children[order[i]], size_of(order[i]));
		assert_int_equal(destroy(children[order[i]]), 0);
		children[order[i]] = NULL;
	}
	assert_int_equal(porter_bytes_used(middle), 0);
	porter_refund(root, BASE);
	assert_int_equal(destroy(middle), 0);
	assert_int_equal(destroy(root), 0);
}

/* ---- Several threads, and others that look on ---- */

static atomic_size_t next_one;
static atomic_llong ended_bytes;
static atomic_bool stop;

static void end_the_next(void *unused, size_t number)
{
	size_t i;

	(void)unused;
	(void)number;
	while ((i = atomic_fetch_add(&next_one, 1)) < count) {
		size_t k = order[i];

		end_one(k);
		atomic_fetch_add(&ended_bytes, (long long)size_of(k));
	}
}

static int look_at_one(porter_tracked *t, void *context)
{
	int64_t used = porter_bytes_used(t);

	(void)context;
	must(used >= 0 && used <= 100);
	return 0;
}

/* What is told of the whole, while it changes hands within. */
struct looks {
	long long all;	    /* bytes at first, but for the root's own */
	uint64_t allocated; /* ever, by the children; and no more comes */
	atomic_ulong wrong; /* sums of what was ever allocated */
	unsigned long looks;
};

/*
 * What has ended by the end of a call was perhaps there at its beginning, and
 * the others were, all the time: nothing is missing between two of them.
 */
static void *look_on(void *arg)
{
	struct looks *l = arg;
	struct porter_stats s = { .size = sizeof(s) };

	while (!atomic_load(&stop)) {
		int64_t used = porter_bytes_used(root);
		/* Those that threads are about to tell of are missing here. */
		long long ended = atomic_load(&ended_bytes) + THREADS * 100;

		must(used >= l->all - ended + BASE);
		must(used <= porter_tracked_limit(root));
		must(porter_tracked_stats(middle, &s) == 0);
		/* What leaves may be seen twice for a moment, never not at all. */
		l->wrong += s.total_allocated < l->allocated ||
			    s.allocations < count || s.frees > count ||
			    s.total_freed > l->allocated;
		porter_tracked_foreach_child(middle, look_at_one, NULL);
		l->looks++;
	}
	return NULL;
}

static void end_beside_a_looker(struct looks *l)
{
	struct porter_stats s = { .size = sizeof(s) };
	pthread_t looker;

	make_all(CHILDREN * 100);
	shuffle();
	must(porter_tracked_stats(middle, &s) == 0);
	*l = (struct looks){ .all = held_in_all(),
			     .allocated = s.total_allocated };
	atomic_store(&next_one, 0);
	atomic_store(&ended_bytes, 0);
	atomic_store(&stop, false);
	must(!pthread_create(&looker, NULL, look_on, l));
	assert_true(in_threads(THREADS, end_the_next, NULL));
	atomic_store(&stop, true);
	pthread_join(looker, NULL);
	end_all(CHILDREN * 100);
}

static void by_several_threads_and_nothing_is_missing(void **state)
{
	struct looks l;

	(void)state;
	end_beside_a_looker(&l);
}

static void nor_is_any_statistic_wrong_meanwhile(void **state)
{
	struct looks l;

	(void)state;
	end_beside_a_looker(&l);
	print_message("# %lu of %lu wrong\n", (unsigned long)l.wrong, l.looks);
	assert_int_equal(l.wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_first),
		cmocka_unit_test(the_newest_first),
		cmocka_unit_test(at_random),
		cmocka_unit_test(as_many_come_as_go),
		cmocka_unit_test(by_several_threads_and_nothing_is_missing),
		cmocka_unit_test(nor_is_any_statistic_wrong_meanwhile),
	};

	return run_all("children end", tests);
}
