/* SPDX-License-Identifier: MIT */
/*
 * Hierarchies: members join and leave, in any order and while others read. What
 * a member has counted stays in the sums of its parent.
 */
#include "unit/accounts.h"

#include "1-slots/grace.h"

#include <pthread.h>
#include <sched.h>

static struct account *join(struct account *parent)
{
	return open_account(parent, NO_LIMIT);
}

/* ---- The structure ---- */

/* Whether the subtree is just these, parents first. */
static void assert_members(struct account *top, struct account *const *members,
			   size_t n)
{
	size_t i = 0;

	for_each_member(top, x) {
		must(i < n);
		must(x == members[i]);
		i++;
	}
	must_equal(i, n);
}

static void a_walk_finds_parents_first_and_stays_below_its_top(void **state)
{
	struct account *root = join(NULL), *a = join(root), *b = join(root);
	struct account *b1 = join(b), *b2 = join(b), *b11 = join(b1);

	(void)state;
	/* The last that joined is the first. */
	assert_members(root, (struct account *[]){ root, b, b2, b1, b11, a },
		       6);
	assert_members(b, (struct account *[]){ b, b2, b1, b11 }, 4);
	assert_members(b1, (struct account *[]){ b1, b11 }, 2);
	assert_members(b2, (struct account *[]){ b2 }, 1);
	assert_members(a, (struct account *[]){ a }, 1);
	assert_int_equal(porter__hierarchy_leave(b1), false);
	close_account(b11);
	close_account(b1);
	close_account(b2);
	close_account(b);
	close_account(a);
	close_account(root);
}

static void assert_linked_both_ways(const struct account *parent)
{
	const struct account *before = NULL;

	for (const struct account *x = parent->children; x; x = x->next) {
		must(x->previous == before);
		must(x->parent == parent);
		before = x;
	}
}

enum { CHILDREN = 4 };

/* One of all orders. */
static void leave_in_order(int order)
{
	struct account *root = join(NULL), *child[CHILDREN];
	int n = CHILDREN;

	for (int i = 0; i < n; i++)
		child[i] = join(root);
	for (; n > 0; n--) {
		int i = order % n;
		struct account *gone = child[i];

		order /= n;
		for (; i + 1 < n; i++)
			child[i] = child[i + 1];
		close_account(gone);
		assert_linked_both_ways(root);
		i = 0;
		for_each_member(root, x)
			must(x == root || x == child[n - 2 - i++]);
		must_equal(i, n - 1);
	}
	close_account(root);
}

static void children_leave_in_any_order(void **state)
{
	(void)state;
	for (int order = 0; order < 4 * 3 * 2; order++)
		leave_in_order(order);
}

static void a_member_with_children_cannot_leave(void **state)
{
	struct account *root = join(NULL), *mid = join(root), *leaf = join(mid);

	(void)state;
	assert_true(charge(mid, 1000));
	for (int i = 0; i < 2; i++) {
		struct account *a = i ? root : mid;

		errno = 0;
		assert_false(porter__hierarchy_leave(a));
		assert_int_equal(errno, EBUSY);
	}
	assert_members(root, (struct account *[]){ root, mid, leaf }, 3);
	assert_int_equal(root->id->shared.word[ALLOCATED], 0);
	assert_int_equal(root->ended, 0);
	uncharge(mid, 1000);
	close_account(leaf);
	close_account(mid);
	close_account(root);
}

/* ---- Being bounded ---- */

static struct account *bound_ones[10];
static int n_bound;

static void note(struct account *a)
{
	must(n_bound < 10);
	bound_ones[n_bound++] = a;
}

static struct account *join_noted(struct account *parent)
{
	struct account_options o = { .parent = parent, .limit = NO_LIMIT };

	return open_account_to_bind(&o, note);
}

static void assert_bound(struct account *const *expected, int n)
{
	assert_int_equal(n_bound, n);
	for (int i = 0; i < n; i++) {
		assert_ptr_equal(bound_ones[i], expected[i]);
		assert_true(bound_ones[i]->bounded);
	}
	n_bound = 0;
}

static void all_below_are_bounded_once_and_for_good(void **state)
{
	struct account *root = join_noted(NULL), *a = join_noted(root);
	struct account *b = join_noted(root), *b1 = join_noted(b), *late;

	(void)state;
	n_bound = 0;
	porter__hierarchy_bound(b1, note);
	assert_bound((struct account *[]){ b1 }, 1);
	/* A parent is not, nor is who joins beside. */
	assert_false(b->bounded);
	late = join_noted(b);
	assert_bound(NULL, 0);
	porter__hierarchy_bound(root, note);
	assert_bound((struct account *[]){ root, b, late, a }, 4);
	porter__hierarchy_bound(root, note);
	porter__hierarchy_bound(b1, note);
	assert_bound(NULL, 0);
	close_account(late);
	/* Whoever joins later, and at whatever depth. */
	late = join_noted(b1);
	assert_bound((struct account *[]){ late }, 1);
	close_account(late);
	late = join_noted(a);
	assert_bound((struct account *[]){ late }, 1);
	close_account(late);
	close_account(b1);
	close_account(b);
	close_account(a);
	close_account(root);
}

static struct account *top, *joined_meanwhile;

/* The walk has passed the top, and has come to its first child. */
static void note_and_join(struct account *a)
{
	note(a);
	if (a != top && !joined_meanwhile)
		joined_meanwhile = join_noted(top);
}

static void who_joins_during_the_walk_is_bounded(void **state)
{
	struct account *a, *b;

	(void)state;
	top = join_noted(NULL);
	a = join_noted(top);
	b = join_noted(top);
	n_bound = 0;
	joined_meanwhile = NULL;
	porter__hierarchy_bound(top, note_and_join);
	assert_bound((struct account *[]){ top, b, joined_meanwhile, a }, 4);
	close_account(joined_meanwhile);
	close_account(b);
	close_account(a);
	close_account(top);
}

static void bound_again(struct account *a)
{
	note(a);
	if (a == top)
		return;
	/* As another thread would that comes now. */
	porter__hierarchy_bound(top, note);
	must(joined_meanwhile->bounded);
}

/* It does not return before all are, though another one is at it already. */
static void a_second_walk_does_not_rely_on_the_first(void **state)
{
	(void)state;
	top = join_noted(NULL);
	joined_meanwhile = join_noted(top);
	n_bound = 0;
	porter__hierarchy_bound(top, bound_again);
	assert_true(n_bound >= 3);
	n_bound = 0;
	close_account(joined_meanwhile);
	close_account(top);
}

/* ---- What stays of a member ---- */

static void count_events(struct account *a, uint64_t n)
{
	struct cell *cell = my_cell(a);

	word_add(&cell->word[ALLOCATIONS], 10 * n);
	word_add(&cell->word[FREES], 9 * n);
	word_add(&cell->word[REALLOCATIONS], n);
	shared_add(&a->id->failures, n);
	shared_add(&a->id->refusals, 2 * n);
	shared_add(&a->id->cancelled, 3 * n);
	shared_add(&a->id->cancelled_blocks, 4 * n);
}

static uint64_t word_of(struct account *a, enum word word,
			enum hierarchy_order order)
{
	bool locked = porter__slots_enter();
	uint64_t words[2];

	porter__hierarchy_words(a, word, FREES, order, words);
	porter__slots_leave(locked);
	return words[0];
}

static void assert_totals(struct account *a, uint64_t n, uint64_t allocated,
			  uint64_t freed, uint64_t frees)
{
	struct rare_counts rare = porter__account_rare(a);

	for (int order = NEVER_TOO_HIGH; order <= NEVER_TOO_LOW; order++) {
		enum hierarchy_order o = (enum hierarchy_order)order;

		assert_int_equal(word_of(a, ALLOCATED, o), allocated);
		assert_int_equal(word_of(a, FREED, o), freed);
		assert_int_equal(word_of(a, ALLOCATIONS, o), 10 * n);
		assert_int_equal(word_of(a, FREES, o), frees);
		assert_int_equal(word_of(a, REALLOCATIONS, o), n);
	}
	assert_int_equal(rare.failures, n);
	assert_int_equal(rare.refusals, 2 * n);
	assert_int_equal(rare.cancelled, 3 * n);
	assert_int_equal(rare.cancelled_blocks, 4 * n);
}

static void parents_keep_the_totals_of_those_that_left(void **state)
{
	struct account *root = join(NULL), *mid = join(root), *leaf = join(mid);

	(void)state;
	assert_true(charge(leaf, 5000));
	uncharge(leaf, 1000);
	occupy(leaf, 300); /* In its shared cell. */
	count_events(leaf, 1);
	assert_true(charge(mid, 100));
	count_events(mid, 10);
	assert_totals(leaf, 1, 5300, 1000, 9);
	assert_totals(root, 11, 5400, 1000, 99);
	/* What it leaves behind is in use no more. */
	close_account(leaf);
	assert_totals(mid, 11, 5400, 5300, 100);
	assert_totals(root, 11, 5400, 5300, 100);
	assert_int_equal(porter__account_sum(root), 100);
	close_account(mid);
	assert_totals(root, 11, 5400, 5400, 110);
	assert_int_equal(porter__account_sum(root), 0);
	close_account(root);
}

static unsigned crossed, delivered;

static bool cross(struct account *a)
{
	must(porter__locks_held() == 1);
	a->low = INT64_MIN;
	crossed++;
	return true;
}

static void deliver(void)
{
	must(porter__locks_held() == 0);
	delivered++;
}

/* With stock and all; so a watermark of an ancestor may be crossed. */
static void ancestors_have_its_room_again(void **state)
{
	static const struct watermark_user user = { .crossed = cross,
						    .deliver = deliver };
	struct account *root = open_account(NULL, 10 * MIB);
	struct account *mid = join(root), *leaf = join(mid), *beside;

	(void)state;
	beside = join(mid);
	get_stock(beside);
	assert_true(charge(leaf, 6 * MIB));
	get_stock(leaf);
	hire_so_many(1);
	get_stock_by(w[0], leaf);
	account_enter(root);
	mid->user = &user;
	mid->low = MIB;
	account_leave(root);
	close_account(leaf);
	assert_adds_up(root);
	assert_int_equal(crossed, 1);
	assert_int_equal(delivered, 1);
	assert_int_equal(porter__account_charged(root), 0);
	assert_true(charge(beside, 10 * MIB));
	uncharge(beside, 10 * MIB);
	close_account(beside);
	close_account(mid);
	close_account(root);
}

/* ---- While others read ---- */

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
	bool after_totals;
	struct account *a;
} leaves;

static void leave_now(void)
{
	leaves.after_shared_cell_of = NULL;
	leaves.after_totals = false;
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

void __real_porter__slots_leave(bool locked);
void __wrap_porter__slots_leave(bool locked);
void __wrap_porter__slots_leave(bool locked)
{
	__real_porter__slots_leave(locked);
	if (leaves.after_totals)
		leave_now();
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

static void
a_parents_shared_cell_and_a_members_are_not_both_missed(void **state)
{
	(void)state;
	leave_among_shared_cells(true);
	leave_among_shared_cells(false);
}

/* Its last child leaves, in another thread, while its own totals are added up. */
static void a_parent_that_leaves_has_what_its_last_child_left(void **state)
{
	struct account *root = join(NULL), *mid = join(root), *leaf = join(mid);

	(void)state;
	raise_peak_to(leaf, 5000);
	count_events(leaf, 1);
	leaves.a = leaf;
	leaves.after_totals = true;
	assert_true(porter__hierarchy_leave(mid));
	assert_false(leaves.after_totals);
	assert_totals(root, 1, 5000, 5000, 10);
	end(leaf);
	end(mid);
	close_account(root);
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

/* Before the first scan, and not back yet: somebody is in the middle of leaving. */
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
	uncharge(root, 1000);
	close_account(root);
}

static bool stop;

static void *come_and_go(void *account)
{
	struct account *root = account;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct account *child = join(root), *leaf = join(child);

		raise_peak_to(leaf, 10000);
		raise_peak_to(child, 20000);
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
	       __atomic_load_n(&root->ended, __ATOMIC_RELAXED) < 1000) {
		struct porter_interval seen = porter__account_interval(root);
		int64_t sum = porter__account_sum(root);

		must(sum >= 1000);
		must(seen.lower <= 1000 + 20000 && seen.upper >= 1000);
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
		account_test(
			a_walk_finds_parents_first_and_stays_below_its_top),
		account_test(children_leave_in_any_order),
		account_test(a_member_with_children_cannot_leave),
		account_test(all_below_are_bounded_once_and_for_good),
		account_test(who_joins_during_the_walk_is_bounded),
		account_test(a_second_walk_does_not_rely_on_the_first),
		account_test(parents_keep_the_totals_of_those_that_left),
		account_test(ancestors_have_its_room_again),
		account_test(a_word_is_wrong_in_one_direction_at_most),
		account_test(
			a_parents_shared_cell_and_a_members_are_not_both_missed),
		account_test(a_parent_that_leaves_has_what_its_last_child_left),
		account_test(no_sum_is_low_when_a_member_leaves),
		account_test(no_interval_leaves_out_what_is_in_use_then),
		account_test(an_interval_knows_of_one_that_is_leaving),
		account_test(reads_beside_those_that_come_and_go_are_right),
	};

	return run_all("hierarchy", tests);
}
