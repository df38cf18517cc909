/* SPDX-License-Identifier: MIT */
/*
 * Hierarchies: members join and leave, in any order. What a member has counted
 * stays in the sums of its parent.
 */
#include "unit/accounts.h"

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
	uint64_t sum = porter__hierarchy_word(a, word, order);

	porter__slots_leave(locked);
	return sum;
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
	struct account *beside = join(root);

	(void)state;
	occupy(beside, 7);
	occupy(root, 3);
	assert_true(charge(leaf, 5000));
	uncharge(leaf, 1000);
	occupy(leaf, 300); /* In its shared cell. */
	count_events(leaf, 1);
	assert_true(charge(mid, 100));
	count_events(mid, 10);
	assert_totals(leaf, 1, 5300, 1000, 9);
	assert_totals(mid, 11, 5400, 1000, 99);
	assert_totals(root, 11, 5410, 1000, 99);
	/* What it leaves behind is in use no more. */
	close_account(leaf);
	assert_totals(mid, 11, 5400, 5300, 100);
	assert_totals(root, 11, 5410, 5300, 100);
	assert_int_equal(porter__account_sum(root), 110);
	close_account(mid);
	assert_totals(root, 11, 5410, 5400, 110);
	assert_int_equal(porter__account_sum(root), 10);
	vacate(beside, 7);
	vacate(root, 3);
	close_account(beside);
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

/*
 * Its last child leaves, in another thread, while its own totals are added up. The
 * linker wraps the end of that, so it is this thread here.
 */
static struct account *leaves_now;

void __real_porter__slots_leave(bool locked);
void __wrap_porter__slots_leave(bool locked);
void __wrap_porter__slots_leave(bool locked)
{
	struct account *a = leaves_now;

	__real_porter__slots_leave(locked);
	leaves_now = NULL;
	if (a)
		must(porter__hierarchy_leave(a));
}

static void end(struct account *a)
{
	porter__account_fini(a);
	porter__id_give(a->id);
	free(a);
}

static void a_parent_that_leaves_has_what_its_last_child_left(void **state)
{
	struct account *root = join(NULL), *mid = join(root), *leaf = join(mid);

	(void)state;
	raise_peak_to(leaf, 5000);
	count_events(leaf, 1);
	leaves_now = leaf;
	assert_true(porter__hierarchy_leave(mid));
	assert_null(leaves_now);
	assert_totals(root, 1, 5000, 5000, 10);
	end(leaf);
	end(mid);
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
		account_test(a_parent_that_leaves_has_what_its_last_child_left),
	};

	return run_all("hierarchy", tests);
}
