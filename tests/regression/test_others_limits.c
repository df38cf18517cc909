/* SPDX-License-Identifier: MIT */
/*
 * What others met who hand room out ahead, under one limit, to threads and to
 * consumers: the memory controller of a kernel, the pools of databases.
 *
 *	- requests were refused while others sat on room that they did not use,
 *	  or because a larger request was about to be refused
 *	- a refusal high up left bytes counted below
 *	- threads that allocate and end, and another that frees, made peaks that
 *	  were many times too high
 *	- numbers near the largest there is overflowed
 */
#define WITHOUT_KINDS
#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <stdatomic.h>

static porter_tracked *make(porter_tracked *parent, int64_t limit)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent,
					    .limit = limit };
	porter_tracked *t = porter_tracked_new_with(NULL, &o);

	must(t);
	return t;
}

static void end(porter_tracked *t)
{
#ifdef PORTER_TRACKED_OPTIONS_INIT
	int64_t leaked = -1;

	must(porter_tracked_destroy(t, &leaked) == 0 && leaked == 0);
#else
	must(porter_tracked_destroy(t) == 0);
#endif
}

static porter_allocator *of(porter_tracked *t)
{
	return porter_tracked_allocator(t);
}

static struct porter_stats stats_of(const porter_tracked *t)
{
	struct porter_stats s = { .size = sizeof(s) };

	must(porter_tracked_stats(t, &s) == 0);
	return s;
}

/* All that there is, and not one byte more. */
static void must_have_exactly(porter_tracked *t, int64_t room)
{
	must(porter_charge(t, (size_t)room) == 0);
	must(porter_charge(t, 1) == -1);
	porter_refund(t, (size_t)room);
}

static void assert_at_most_so_wide(struct porter_interval peak, int64_t most,
				   int64_t cells)
{
	int64_t width = 64 * 1024;

	width = most / 256 > width ? most / 256 : width;
	width = 4096 * cells > width ? 4096 * cells : width;
	if (peak.lower > most || peak.upper < most ||
	    peak.upper - peak.lower > width)
		fail_msg("the peak was %lld, and is said to be between %lld "
			 "and %lld",
			 (long long)most, (long long)peak.lower,
			 (long long)peak.upper);
}

/* ---- Many are refused at once ---- */

enum { MANY = 64, TIMES = 200 };

static porter_tracked *asked[MANY];

static void ask_in_vain(void *unused, size_t number)
{
	porter_tracked *t = asked[number];

	(void)unused;
	for (size_t i = 0; i < scaled(TIMES); i++) {
		must(!porter_allocate(of(t), 100));
		must(porter_charge(t, 1) == -1);
		must(!porter_malloc(t, 5000));
	}
}

static void refuse_many(bool in_children)
{
	enum { LIMIT = 1 << 20 };
	porter_tracked *root = make(NULL, LIMIT);
	size_t threads = threads_allowed(MANY);
	uint64_t refusals = 3 * threads * scaled(TIMES);
	void *block = porter_allocate(of(root), 1000);
	struct porter_interval peak;

	must(block && porter_charge(root, LIMIT - 1000) == 0);
	for (size_t i = 0; i < threads; i++)
		asked[i] = in_children ? make(root, 0) : root;
	assert_true(in_threads(threads, ask_in_vain, NULL));
	peak = porter_peak(root);
	assert_true(peak.lower <= LIMIT && peak.upper == LIMIT);
	assert_int_equal(stats_of(root).refusals, refusals);
	assert_int_equal(stats_of(root).allocations, 2);
	assert_int_equal(porter_bytes_used(root), LIMIT);
	for (size_t i = 0; in_children && i < threads; i++) {
		assert_int_equal(porter_bytes_used(asked[i]), 0);
		assert_int_equal(porter_peak(asked[i]).upper, 0);
		assert_int_equal(stats_of(asked[i]).allocations, 0);
		assert_int_equal(stats_of(asked[i]).total_allocated, 0);
		end(asked[i]);
	}
	porter_free(of(root), block, 1000);
	must_have_exactly(root, 1000);
	porter_refund(root, LIMIT - 1000);
	end(root);
}

static void who_is_refused_leaves_nothing_behind(void **state)
{
	(void)state;
	refuse_many(false);
	refuse_many(true);
}

/* ---- A large one, and small ones beside it ---- */

static struct {
	porter_tracked *root, *large, *small[4];
	atomic_bool stop;
	atomic_size_t done;
} race;

enum { RACERS = 4, ROOM = 8000 };

/* Two blocks each, of a quarter of the room altogether. */
static void *ask_for_little(void *number)
{
	porter_tracked *t = race.small[(size_t)(uintptr_t)number];

	for (size_t i = 0; i < scaled(50000); i++) {
		size_t size = 1 + i % (ROOM / RACERS / 2);
		void *x = porter_allocate(of(t), size), *y;

		must(x);
		y = porter_malloc(t, size);
		must(y);
		porter_free(of(t), x, size);
		porter_mfree(t, y);
	}
	atomic_fetch_add(&race.done, 1);
	return NULL;
}

/* More than there is room for, whatever the others have just now. */
static void ask_for_much(porter_tracked *t, size_t size)
{
	while (atomic_load(&race.done) < RACERS) {
		must(porter_charge(t, size) == -1);
		must(!porter_allocate(of(t), size + 1));
	}
}

static void race_with_large_ones(int depth, int64_t held)
{
	pthread_t threads[RACERS];

	atomic_store(&race.done, 0);
	race.root = make(NULL, held + ROOM);
	must(porter_charge(race.root, (size_t)held) == 0);
	race.large = race.root;
	for (int i = 0; i < depth; i++)
		race.large = make(race.large, 0);
	for (size_t i = 0; i < RACERS; i++)
		race.small[i] =
			depth ? make(i % 2 ? race.large : race.root, 0) :
				race.root;
	for (size_t i = 0; i < RACERS; i++)
		must(!pthread_create(&threads[i], NULL, ask_for_little,
				     (void *)(uintptr_t)i));
	ask_for_much(race.large, ROOM + 1);
	for (size_t i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(porter_bytes_used(race.root), held);
	must_have_exactly(race.large, ROOM);
	porter_refund(race.root, (size_t)held);
	for (size_t i = 0; depth && i < RACERS; i++)
		end(race.small[i]);
	while (race.large) {
		porter_tracked *parent = porter_tracked_parent(race.large);

		end(race.large);
		race.large = parent;
	}
}

static void a_large_request_that_fails_takes_no_small_one_with_it(void **state)
{
	(void)state;
	for (int depth = 0; depth < 4; depth++) {
		race_with_large_ones(depth, 1000);
		race_with_large_ones(depth, (int64_t)1 << 30);
	}
}

/* ---- A refusal high up ---- */

enum { LEVELS = 4 };

struct seen {
	struct porter_stats stats;
	struct porter_interval used, peak;
};

static struct seen see(porter_tracked *t)
{
	struct seen seen = {
		.stats = stats_of(t),
		.used = porter_bytes_used_interval(t),
		.peak = porter_peak(t),
	};

	return seen;
}

static void refuse_above(porter_tracked *const chain[LEVELS], void **block,
			 int how)
{
	porter_tracked *t = chain[LEVELS - 1];
	size_t size = (size_t)porter_tracked_limit(chain[0]);

	switch (how) {
	case 0:
		must(!porter_allocate(of(t), size));
		break;
	case 1:
		must(!porter_reallocate(of(t), *block, 500, size));
		break;
	case 2:
		must(porter_charge(t, size) == -1);
		break;
	case 3:
		must(!porter_malloc(t, size));
		break;
	default:
		must(!porter_allocate_aligned(of(t), size, 4096));
	}
}

static void a_refusal_above_leaves_all_below_as_it_was(void **state)
{
	static const int64_t limits[] = { 3000, 1 << 20, FAR_LIMIT };
	porter_tracked *chain[LEVELS];

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(limits); l++) {
		void *block;

		for (int i = 0; i < LEVELS; i++)
			chain[i] = make(i ? chain[i - 1] : NULL,
					i ? 0 : limits[l]);
		block = porter_allocate(of(chain[LEVELS - 1]), 500);
		must(block && porter_charge(chain[1], 1000) == 0);
		for (int how = 0; how < 5; how++) {
			struct seen before[LEVELS];

			for (int i = 0; i < LEVELS; i++)
				before[i] = see(chain[i]);
			refuse_above(chain, &block, how);
			for (int i = 0; i < LEVELS; i++) {
				struct seen now = see(chain[i]);

				now.stats.refusals--;
				assert_memory_equal(&now.stats,
						    &before[i].stats,
						    sizeof(now.stats));
				assert_memory_equal(&now.used, &before[i].used,
						    sizeof(now.used));
				assert_int_equal(now.peak.upper,
						 before[i].peak.upper);
				assert_true(now.peak.lower >=
					    before[i].peak.lower);
			}
		}
		porter_refund(chain[1], 1000);
		porter_free(of(chain[LEVELS - 1]), block, 500);
		for (int i = LEVELS - 1; i >= 0; i--)
			end(chain[i]);
	}
}

/* ---- Threads that allocate and end, and one that frees ---- */

enum { PRODUCERS = 8, EACH = 100, SIZE = 1000, PEAK = PRODUCERS * EACH * SIZE };

static void *produced[PRODUCERS][EACH];

static void produce(void *t, size_t number)
{
	for (int i = 0; i < EACH; i++) {
		produced[number][i] = porter_allocate(of(t), SIZE);
		must(produced[number][i]);
	}
}

static void consume(porter_tracked *t)
{
	for (int p = 0; p < PRODUCERS; p++)
		for (int i = 0; i < EACH; i++)
			porter_free(of(t), produced[p][i], SIZE);
}

static void who_frees_what_others_allocated_sees_the_right_peak(void **state)
{
	static const int64_t limits[] = { PEAK, 2 * PEAK, FAR_LIMIT, 0 };

	(void)state;
	for (size_t l = 0; l < 2 * ARRAY_SIZE(limits); l++) {
		porter_tracked *root = make(NULL, limits[l / 2]);
		porter_tracked *t = l % 2 ? make(root, 0) : root;

		for (size_t i = 0; i < scaled(100); i++) {
			assert_true(in_threads(PRODUCERS, produce, t));
			consume(t);
			assert_at_most_so_wide(porter_peak(t), PEAK,
					       PRODUCERS + 1);
			assert_int_equal(porter_bytes_used(root), 0);
		}
		assert_at_most_so_wide(porter_peak(root), PEAK, PRODUCERS + 1);
		if (limits[l / 2])
			must_have_exactly(t, limits[l / 2]);
		if (t != root)
			end(t);
		end(root);
	}
}

/* ---- Idle ones ---- */

enum { IDLE = 128, USED = 100000 };

static struct {
	pthread_barrier_t rest;
	porter_tracked *of[IDLE];
	int64_t limit;
	porter_tracked *root;
} idle;

/* They have used some, and so may use some more; then they do nothing. */
static void be_idle(void *unused, size_t number)
{
	porter_tracked *t = idle.of[number];

	(void)unused;
	for (int i = 0; i < 200; i++) {
		void *block = porter_allocate(of(t), 900);

		must(block);
		porter_free(of(t), block, 900);
	}
	pthread_barrier_wait(&idle.rest);
	/* Meanwhile one thread has all of it: see take_all(). */
	pthread_barrier_wait(&idle.rest);
	for (int i = 0; i < 200; i++) {
		void *block = porter_allocate(of(t), 900);

		must(block);
		porter_free(of(t), block, 900);
	}
}

static void *take_all(void *unused)
{
	porter_tracked *t = idle.of[0];

	pthread_barrier_wait(&idle.rest);
	must_have_exactly(t, idle.limit);
	/* In many small pieces, too. */
	for (int64_t i = 0; i < idle.limit / 1000; i++)
		must(porter_charge(t, 1000) == 0);
	must(porter_charge(t, 1000) == -1);
	for (int64_t i = 0; i < idle.limit / 1000; i++)
		porter_refund(t, 1000);
	pthread_barrier_wait(&idle.rest);
	return unused;
}

static void beside_idle_ones(int64_t limit, bool in_children)
{
	size_t threads = threads_allowed(IDLE);
	pthread_t active;

	idle.limit = limit;
	idle.root = make(NULL, limit);
	for (size_t i = 0; i < threads; i++)
		idle.of[i] = in_children ? make(idle.root, 0) : idle.root;
	pthread_barrier_init(&idle.rest, NULL, (unsigned)threads + 1);
	must(!pthread_create(&active, NULL, take_all, NULL));
	assert_true(in_threads(threads, be_idle, NULL));
	pthread_join(active, NULL);
	pthread_barrier_destroy(&idle.rest);
	for (size_t i = 0; in_children && i < threads; i++)
		end(idle.of[i]);
	end(idle.root);
}

static void idle_ones_keep_nothing_from_an_active_one(void **state)
{
	/* All of them at once, and more than they ever use. */
	static const int64_t limits[] = { IDLE * 900 + 777, 1 << 20, 20000000 };

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(limits); l++)
		for (int in_children = 0; in_children < 2; in_children++)
			beside_idle_ones(limits[l], in_children);
}

/* ---- Very many under one limit ---- */

enum { CHILDREN = 1000 };

static porter_tracked *children[CHILDREN];
static atomic_llong credits;

static void go_round(void *unused, size_t number)
{
	uint64_t random = random_seed() + number;
	size_t rounds = scaled(20000);

	(void)unused;
	for (size_t i = 0; i < rounds; i++) {
		porter_tracked *t = children[random_below(&random, CHILDREN)];
		size_t size = 1 + random_below(&random, 2000);
		void *block;

		if (atomic_fetch_sub(&credits, (long long)size) >=
		    (long long)size) {
			block = porter_allocate(of(t), size);
			must(block);
			porter_free(of(t), block, size);
		}
		atomic_fetch_add(&credits, (long long)size);
	}
}

static void children_of_one_limit_share_all_of_it(void **state)
{
	enum { LIMIT = 40000 };
	porter_tracked *root = make(NULL, LIMIT);

	(void)state;
	for (int i = 0; i < CHILDREN; i++)
		children[i] = make(root, 0);
	atomic_store(&credits, LIMIT);
	assert_true(in_threads(threads_allowed(MANY), go_round, NULL));
	assert_int_equal(stats_of(root).refusals, 0);
	assert_int_equal(porter_bytes_used(root), 0);
	must_have_exactly(children[0], LIMIT);
	for (int i = 0; i < CHILDREN; i++)
		end(children[i]);
	end(root);
}

/* ---- Made, used once, and done with ---- */

static void ten_thousand_that_are_used_once(void **state)
{
	size_t rounds = scaled(10000);
	porter_tracked *root = make(NULL, 1 << 20);

	(void)state;
	for (size_t i = 0; i < rounds; i++) {
		porter_tracked *t = i % 2 ? make(NULL, 5000) : make(root, 0);
		size_t size = 1 + i % 4000;
		void *block = porter_allocate(of(t), size);

		must(block && porter_bytes_used(t) == (int64_t)size);
		must(porter_peak(t).lower == (int64_t)size);
		must(porter_peak(t).upper == (int64_t)size);
		porter_free(of(t), block, size);
		must(stats_of(t).allocations == 1 && stats_of(t).frees == 1);
		end(t);
	}
	assert_int_equal(stats_of(root).allocations, rounds - rounds / 2);
	assert_int_equal(porter_bytes_used(root), 0);
	must_have_exactly(root, 1 << 20);
	end(root);
}

/* ---- Numbers near the largest ---- */

/* There can be so much in use, and no more. */
#define MOST ((int64_t)1 << 60)

/* Each is granted or refused; what is granted is there, and below the limit. */
static void charge_much(porter_tracked *t, porter_tracked *root, int64_t limit,
			size_t size)
{
	enum { REQUESTS = 40 };
	int64_t sum = porter_bytes_used(root), before = sum;
	int granted = 0;

	for (int i = 0; i < REQUESTS; i++) {
		/* A number of its own, since the sum may overflow. */
		bool fits = size <= (uint64_t)(limit - sum);
		bool must_fit = fits && size <= PTRDIFF_MAX &&
				size <= (uint64_t)(MOST - sum);
		int result = porter_charge(t, size);

		must(result == 0 || (result == -1 && errno == ENOMEM));
		must(result != 0 || fits);
		must(result == 0 || !must_fit);
		if (result == 0) {
			granted++;
			sum += (int64_t)size;
		}
		must(porter_bytes_used(root) == sum);
		must(porter_peak(root).upper >= sum);
	}
	while (granted-- > 0)
		porter_refund(t, size);
	must(porter_bytes_used(root) == before);
}

static void nothing_overflows(void **state)
{
	static const int64_t limits[] = {
		INT64_MAX,	  INT64_MAX - 1,    INT64_MAX / 2,
		(int64_t)1 << 62, (int64_t)1 << 61, MOST,
		MOST - 1,	  (int64_t)1 << 48, ((int64_t)1 << 48) - 1,
		(int64_t)1 << 47, (int64_t)1 << 32, ((int64_t)1 << 31) - 1,
	};

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(limits); l++) {
		porter_tracked *one = make(NULL, limits[l]);
		porter_tracked *root = make(NULL, limits[l]);
		porter_tracked *child = make(root, INT64_MAX);
		size_t size = (size_t)limits[l] & PTRDIFF_MAX;

		for (int shift = 0; shift < 8; shift++)
			for (size_t off = 0; off < 3; off++) {
				size_t n = (size >> shift) - off;

				charge_much(one, one, limits[l], n);
				charge_much(child, root, limits[l], n);
				must(porter_charge(child, 1000000) == 0);
				charge_much(child, root, limits[l], n);
				porter_refund(child, 1000000);
			}
		must(porter_charge(one, SIZE_MAX) == -1);
		must(porter_charge(child, (size_t)PTRDIFF_MAX + 1) == -1);
		must(porter_tracked_set_limit(one, INT64_MAX) == 0);
		end(child);
		end(root);
		end(one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_refused_leaves_nothing_behind),
		cmocka_unit_test(
			a_large_request_that_fails_takes_no_small_one_with_it),
		cmocka_unit_test(a_refusal_above_leaves_all_below_as_it_was),
		cmocka_unit_test(
			who_frees_what_others_allocated_sees_the_right_peak),
		cmocka_unit_test(idle_ones_keep_nothing_from_an_active_one),
		cmocka_unit_test(children_of_one_limit_share_all_of_it),
		cmocka_unit_test(ten_thousand_that_are_used_once),
		cmocka_unit_test(nothing_overflows),
	};

	return run_all("limits of others", tests);
}
