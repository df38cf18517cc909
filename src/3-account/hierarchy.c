/* SPDX-License-Identifier: MIT */
/*
 * hierarchy.c: joining, leaving, adding up.
 *
 * When a member leaves, what it has counted must stay in the sums of its
 * parent, or a reader that has seen its frees, and then misses its allocations,
 * would find too little in use (G2). So its totals go to the parent's shared
 * cell, in an order that readers can rely on:
 *
 *	the member that leaves		a reader
 *
 *	1 parent's allocated += total	freed:		shared cells, parents
 *	2 unlink					first, then cells
 *	3 parent's freed += total	allocated:	cells, then shared cells,
 *							children first
 *
 * Freed is never seen too high: a reader that finds 3 in the parent's shared cell
 * looks for members afterwards, and does not find this one. Allocated is never seen
 * too low: a reader that does not find the member, with its cells or with its shared
 * cell, looks at the parent's shared cell after 2, and finds 1 there. Freed may be
 * seen too low, and allocated too high, but only by a reader that reads while the
 * member leaves.
 *
 * An id has two parts, its shared cell and its cells in slots less the base.
 * Neither is ever less than 0. So a reader that finds one of them and misses the
 * other, as the member leaves in between, has too little, never too much.
 */
#include "3-account/hierarchy.h"

#include "0-machine/fork.h"

#include <errno.h>

static struct porter__lock structure = PORTER__LOCK_INIT(RANK_STRUCTURE);

/* ---- Joining ---- */

static void link_to_parent(struct account *a)
{
	struct account *first = a->parent->children;

	a->next = first;
	a->previous = NULL;
	if (first)
		first->previous = a;
	store_release(&a->parent->children, a);
}

static void bound(struct account *a, void (*bind)(struct account *a))
{
	bind(a);
	/* Release: a walk that skips it because of the mark finds bind() done. */
	store_release(&a->bounded, true);
}

static bool is_bounded_above(const struct account *a)
{
	for_each_level(a->parent, x)
		if (load_acquire(&x->bounded))
			return true;
	return false;
}

void porter__hierarchy_join(struct account *a, void (*bind)(struct account *a))
{
	sigset_t saved;

	porter__lock(&structure, &saved);
	link_to_parent(a);
	if (is_bounded_above(a))
		bound(a, bind);
	porter__unlock(&structure, &saved);
}

/*
 * First the top is marked as bounded, with the mutex. Then the subtree is walked,
 * without the mutex. A member that joins anywhere below is found by the walk, or
 * finds the mark. The mark of the top does not mean that the members below are
 * marked: another thread may still be walking, or died in a fork while it walked.
 * So all_bounded is set only when a walk is over.
 */
void porter__hierarchy_bound(struct account *top,
			     void (*bind)(struct account *a))
{
	sigset_t saved;
	bool locked;

	if (load_acquire(&top->all_bounded))
		return;
	porter__lock(&structure, &saved);
	bound(top, bind);
	porter__unlock(&structure, &saved);
	locked = porter__slots_enter();
	for_each_member(top, x)
		if (!load_acquire(&x->bounded))
			bound(x, bind);
	porter__slots_leave(locked);
	store_release(&top->all_bounded, true);
}

/* ---- Leaving ---- */

static void unlink_from_parent(struct account *a)
{
	if (a->previous)
		store_release(&a->previous->next, a->next);
	else
		store_release(&a->parent->children, a->next);
	if (a->next)
		a->next->previous = a->previous;
}

static void add_to_parent(struct account *a, enum word word, uint64_t n)
{
	shared_add(&a->parent->id->shared.word[word], n);
}

/* What is still in use leaves with it: in its parent it counts as freed. */
static void leave(struct account *a, const uint64_t totals[COUNTED])
{
	struct porter__id *id = a->id, *parent = a->parent->id;

	store_release(&a->root->ended, a->root->ended + 1);
	add_to_parent(a, ALLOCATED, totals[ALLOCATED]); /* 1 */
	add_to_parent(a, ALLOCATIONS, totals[ALLOCATIONS]);
	add_to_parent(a, REALLOCATIONS, totals[REALLOCATIONS]);
	shared_add(&parent->failures, word_load(&id->failures));
	shared_add(&parent->refusals, word_load(&id->refusals));
	unlink_from_parent(a);			    /* 2 */
	add_to_parent(a, FREED, totals[ALLOCATED]); /* 3 */
	add_to_parent(a, FREES, totals[ALLOCATIONS]);
	shared_add(&parent->cancelled, word_load(&id->cancelled));
	shared_add(&parent->cancelled_blocks, word_load(&id->cancelled_blocks));
	store_release(&a->root->ended, a->root->ended + 1);
}

/*
 * The walk over slots is not done with the mutex. The shared cell is looked at with
 * it, since a last child may leave meanwhile: what that hands on stands there.
 */
bool porter__hierarchy_leave(struct account *a)
{
	uint64_t totals[COUNTED];
	sigset_t saved;
	bool locked, childless;

	locked = porter__slots_enter();
	for (int word = 0; word < COUNTED; word++)
		totals[word] = porter__id_cells_word(a->id, (enum word)word);
	porter__slots_leave(locked);
	porter__lock(&structure, &saved);
	for (int word = 0; word < COUNTED; word++)
		totals[word] += porter__id_shared_word(a->id, (enum word)word);
	childless = !a->children;
	if (childless && a->parent)
		leave(a, totals);
	porter__unlock(&structure, &saved);
	if (!childless)
		errno = EBUSY;
	return childless;
}

/* ---- Adding up ---- */

static struct account *lowest(struct account *x)
{
	struct account *child;

	while ((child = load_acquire(&x->children)))
		x = child;
	return x;
}

/* The member after x, children first. */
static struct account *next_upwards(const struct account *top,
				    struct account *x)
{
	struct account *next;

	if (x == top)
		return NULL;
	next = load_acquire(&x->next);
	return next ? lowest(next) : x->parent;
}

uint64_t porter__hierarchy_word(struct account *top, enum word word,
				enum hierarchy_order order)
{
	uint64_t sum = 0;

	if (order == NEVER_TOO_HIGH)
		for_each_member(top, x)
			sum += porter__id_shared_word(x->id, word);
	TEST_POINT(SHARED_CELLS_ADDED);
	for_each_member(top, x)
		sum += porter__id_cells_word(x->id, word);
	if (order == NEVER_TOO_LOW)
		for (struct account *x = lowest(top); x;
		     x = next_upwards(top, x))
			sum += porter__id_shared_word(x->id, word);
	return sum;
}

FORK_HOLD(hold_structure, .lock = &structure);
