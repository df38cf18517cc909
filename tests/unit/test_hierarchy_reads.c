/* SPDX-License-Identifier: MIT */
/*
 * Hierarchies whose members join and leave while others read: no sum is low.
 */
#include "unit/accounts.h"

#include "1-slots/grace.h"

#include <pthread.h>
#include <sched.h>

static struct account *join(struct account *parent)
{
	return open_account(parent, NO_LIMIT);
}

static uint64_t word_of(struct account *a, enum word word,
			enum hierarchy_order order)
{
	bool locked = porter__slots_enter();
	uint64_t sum = porter__hierarchy_word(a, word, order);

	porter__slots_leave(locked);
	return sum;
}

/* ---- At test points ---- */

/*
 * A member whose balance is 0 leaves when a reader has come to a test point for
 * the nth time. In its parent 1,000 bytes are in use all the time.
 */
static struct {
	enum test_point at;
	int n;
	struct account *a, *root;
} leaver;

static void leave_there(enum test_point point)
{
	if (point == leaver.at && --leaver.n == 0)
		must(porter__hierarchy_leave(leaver.a));
}

static void begin_to_read(enum test_point at, int n)
{
	leaver.root = join(NULL);
	leaver.a = join(leaver.root);
	leaver.at = at;
	leaver.n = n;
	assert_true(charge(leaver.root, 1000));
	raise_peak_to(leaver.a, 5000);
	occupy(leaver.a, 500);
	vacate(leaver.a, 500);
	porter__test_point = leave_there;
}

static void end_reading(void)
{
	porter__test_point = NULL;
	assert_true(leaver.n <= 0);
	porter__account_fini(leaver.a);
	porter__id_give(leaver.a->id);
	free(leaver.a);
	uncharge(leaver.root, 1000);
	close_account(leaver.root);
	leaver.root = NULL;
}

static void a_word_is_wrong_in_one_direction_at_most(void **state)
{
	(void)state;
	begin_to_read(SHARED_CELLS_ADDED, 1);
	assert_true(word_of(leaver.root, FREED, NEVER_TOO_HIGH) <= 5500);
	end_reading();
	begin_to_read(SHARED_CELLS_ADDED, 1);
	assert_true(word_of(leaver.root, ALLOCATED, NEVER_TOO_LOW) >= 6500);
	end_reading();
}

/* ---- Between two words that a reader looks at ---- */

/*
 * The linker wraps what the floor below is asked for, so that somebody leaves
 * right after it was.
 */
static struct {
	const struct porter__id *after_shared_cell_of;
	struct account *a;
} leaves;

static void leave_now(void)
{
	leaves.after_shared_cell_of = NULL;
	must(porter__hierarchy_leave(leaves.a));
}

uint64_t __real_porter__id_shared_word(const struct porter__id *id,
				       enum word word);
uint64_t __wrap_porter__id_shared_word(const struct porter__id *id,
				       enum word word);
uint64_t __wrap_porter__id_shared_word(const struct porter__id *id,
				       enum word word)
{
	uint64_t n = __real_porter__id_shared_word(id, word);

	if (id == leaves.after_shared_cell_of)
		leave_now();
	return n;
}

static void end(struct account *a)
{
	porter__account_fini(a);
	porter__id_give(a->id);
	free(a);
}

/*
 * The member has counted in its shared cell, as one whose children have left. Its
 * parent's shared cell has been looked at, or the member's own has.
 */
static void leave_among_shared_cells(bool of_parent)
{
	struct account *root = join(NULL), *a = join(root);

	occupy(root, 1000);
	occupy(a, 10000);
	vacate(a, 10000);
	leaves.a = a;
	leaves.after_shared_cell_of = of_parent ? root->id : a->id;
	assert_true(word_of(root, ALLOCATED, NEVER_TOO_LOW) >= 11000);
	assert_null(leaves.after_shared_cell_of);
	end(a);
	a = join(root);
	occupy(a, 10000);
	vacate(a, 10000);
	leaves.a = a;
	leaves.after_shared_cell_of = of_parent ? root->id : a->id;
	assert_true(word_of(root, FREED, NEVER_TOO_HIGH) <= 20000);
	assert_null(leaves.after_shared_cell_of);
	end(a);
	assert_int_equal(porter__account_sum(root), 1000);
	vacate(root, 1000);
	close_account(root);
}

static void no_shared_cell_is_missed_when_one_leaves(void **state)
{
	(void)state;
	leave_among_shared_cells(true);
	leave_among_shared_cells(false);
}

/* ---- Sums and intervals ---- */

static const struct {
	enum test_point point;
	int n;
} moments[] = {
	{ SHARED_CELLS_ADDED, 1 },
	{ SHARED_CELLS_ADDED, 2 },
	{ SUM_HALFWAY, 1 },
	{ BETWEEN_SCANS, 1 },
};

static void no_sum_is_low_when_a_member_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		begin_to_read(moments[i].point, moments[i].n);
		assert_int_equal(porter__account_sum(leaver.root), 1000);
		end_reading();
	}
}

static void no_interval_leaves_out_what_is_in_use_then(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		struct porter_interval seen;

		if (moments[i].point == SUM_HALFWAY)
			continue;
		begin_to_read(moments[i].point, moments[i].n);
		seen = porter__account_interval(leaver.root);
		assert_true(seen.lower <= 1000 && 1000 <= seen.upper);
		assert_true(seen.lower >= 0);
		end_reading();
	}
}

static struct account *being_left;
static int scans;

static void begin_to_leave(enum test_point point)
{
	if (point == SHARED_CELLS_ADDED && ++scans == 2)
		being_left->ended++;
}

/* Whose leaving is not over: it has begun before the first scan, or in the second. */
static void an_interval_knows_of_one_that_is_leaving(void **state)
{
	struct account *root = join(NULL);

	(void)state;
	assert_true(charge(root, 1000));
	assert_int_equal(porter__account_interval(root).lower, 1000);
	root->ended++;
	assert_int_equal(porter__account_interval(root).lower, 0);
	assert_int_equal(porter__account_interval(root).upper, 1000);
	root->ended++;
	assert_int_equal(porter__account_narrow(root, 1).lower, 1000);
	being_left = root;
	porter__test_point = begin_to_leave;
	assert_int_equal(porter__account_interval(root).lower, 0);
	porter__test_point = NULL;
	uncharge(root, 1000);
	close_account(root);
}

static bool stop;

static void *come_and_go(void *account)
{
	struct account *root = account;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct account *child = join(root), *leaf = join(child);

		/* Little at a time, and much in the end. */
		for (int i = 0; i < 20; i++) {
			raise_peak_to(leaf, 1000);
			raise_peak_to(child, 1000);
		}
		porter__account_sum(child);
		for (int i = 0; i < 2; i++) {
			struct account *gone = i ? child : leaf;

			must(porter__hierarchy_leave(gone));
			porter__account_fini(gone);
			porter__grace_begin();
			while (!porter__grace_is_over())
				sched_yield();
			porter__id_give(gone->id);
			free(gone);
		}
	}
	return NULL;
}

static void reads_beside_those_that_come_and_go_are_right(void **state)
{
	struct account *root = join(NULL);
	int64_t reads = (int64_t)scaled(200000);
	pthread_t thread;

	(void)state;
	stop = false;
	assert_true(charge(root, 1000));
	assert_int_equal(pthread_create(&thread, NULL, come_and_go, root), 0);
	while (__atomic_load_n(&root->ended, __ATOMIC_RELAXED) < 10)
		sched_yield();
	/* So many reads, and so many that left beside them. */
	while (reads-- > 0 ||
	       __atomic_load_n(&root->ended, __ATOMIC_RELAXED) < 20000) {
		struct porter_interval seen = porter__account_interval(root);
		int64_t sum = porter__account_sum(root);

		must(sum >= 1000);
		must(seen.lower <= 1000 + 1000 && seen.upper >= 1000);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(porter__account_sum(root), 1000);
	assert_adds_up(root);
	uncharge(root, 1000);
	close_account(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(a_word_is_wrong_in_one_direction_at_most),
		account_test(no_shared_cell_is_missed_when_one_leaves),
		account_test(no_sum_is_low_when_a_member_leaves),
		account_test(no_interval_leaves_out_what_is_in_use_then),
		account_test(an_interval_knows_of_one_that_is_leaving),
		account_test(reads_beside_those_that_come_and_go_are_right),
	};

	return run_all("hierarchy reads", tests);
}
