/* SPDX-License-Identifier: MIT */
/*
 * drain.c: lists of holders, and the five steps of a drain.
 */
#include "3-account/drain.h"

#include "0-machine/barrier.h"
#include "0-machine/fork.h"
#include "0-machine/wait.h"

/* ---- Lists: accounts that have holders, and their holders ---- */

static void activate(struct account *a)
{
	struct account *first = a->parent->active_children;

	a->previous_active = NULL;
	a->next_active = first;
	if (first)
		first->previous_active = a;
	a->parent->active_children = a;
	a->is_active = true;
}

static void deactivate(struct account *a)
{
	if (a->previous_active)
		a->previous_active->next_active = a->next_active;
	else
		a->parent->active_children = a->next_active;
	if (a->next_active)
		a->next_active->previous_active = a->previous_active;
	a->is_active = false;
}

/* At all levels: so many holders more, and so many bytes of caps. */
static void add_holders(struct account *a, uint32_t holders, uint64_t caps)
{
	for_each_level(a, x) {
		store_relaxed(&x->caps, x->caps + caps);
		x->holders += holders;
		if (x->holders > x->max_holders)
			x->max_holders = x->holders;
		if (x->parent && !x->is_active)
			activate(x);
	}
}

static void remove_holders(struct account *a, uint32_t holders, uint64_t caps)
{
	for_each_level(a, x) {
		store_relaxed(&x->caps, x->caps - caps);
		x->holders -= holders;
		if (x->is_active && x->holders == 0)
			deactivate(x);
	}
}

void porter__set_cap(struct account *a, struct cell *cell, uint64_t cap)
{
	uint64_t before = load_relaxed(&cell->cap);
	bool is_new = load_relaxed(&cell->link) == LINK_NONE;

	/* The sum first: a cap counts before the cell may make use of it. */
	add_holders(a, is_new, cap - before);
	if (is_new) {
		store_relaxed(&cell->link, a->first_holder);
		a->first_holder = porter__self->element.index + LINK_FIRST_SLOT;
	}
	store_relaxed(&cell->cap, cap);
}

/* ---- The steps ---- */

static struct cell *first_holder(const struct account *a)
{
	return a->first_holder == LINK_LAST ?
		       NULL :
		       cell_of_slot(a, a->first_holder - LINK_FIRST_SLOT);
}

static struct cell *next_holder(const struct account *a,
				const struct cell *cell)
{
	uint32_t link = load_relaxed(&cell->link);

	return link == LINK_LAST ? NULL :
				   cell_of_slot(a, link - LINK_FIRST_SLOT);
}

/*
 * 1. True if a thread other than the caller may have stock: only then a barrier is
 * needed. A caller without a slot has no cell, so all cells are those of others.
 */
static bool mark(const struct account *a)
{
	const struct cell *mine = this_cell_fast(a->at);
	bool others = false;

	for (struct cell *cell = first_holder(a); cell;
	     cell = next_holder(a, cell)) {
		others |= load_relaxed(&cell->cap) && cell != mine;
		store_relaxed(&cell->word[QUOTA],
			      load_relaxed(&cell->word[QUOTA]) - QUOTA_MARK);
		store_relaxed(&cell->cap, 0);
	}
	return others;
}

/* 3. An attempt is a few instructions long, unless its thread was stopped. */
void porter__wait_for_attempt(const struct cell *cell, uint32_t generation)
{
	unsigned steps = 0;

	while (load_acquire(&cell->attempt) &&
	       load_relaxed(&porter__fork_generation) == generation)
		porter__wait_a_little(&steps);
}

/* 3, 4 and 5. */
static void settle_holders(struct account *a)
{
	struct cell *cell = first_holder(a), *next;

	for (; cell; cell = next) {
		porter__wait_for_attempt(cell, a->root->generation);
		settle_from(a, cell,
			    load_relaxed(&cell->word[QUOTA]) + QUOTA_MARK);
		next = next_holder(a, cell);
		store_release(&cell->link, LINK_NONE);
	}
	a->first_holder = LINK_LAST;
}

/* The account after x in the part of top's subtree that has holders. */
static struct account *next_active(const struct account *top, struct account *x)
{
	struct account *next = x->active_children;

	while (!next && x != top) {
		next = x->next_active;
		x = x->parent;
	}
	return next;
}

#define for_each_active(top, x) \
	for (struct account *x = (top); x; x = next_active((top), x))

static void forget_holders(struct account *a)
{
	store_relaxed(&a->caps, 0);
	a->holders = a->max_holders = 0;
	a->denied = a->crowded = 0;
	a->active_children = NULL;
	a->is_active = false;
}

/* Children before their parents: the way to a child leads over its parent's list. */
static void forget_all_below(struct account *top)
{
	struct account *x = top;

	for (;;) {
		while (x->active_children)
			x = x->active_children;
		if (x == top)
			return;
		x->parent->active_children = x->next_active;
		forget_holders(x);
		x = x->parent;
	}
}

void porter__drain(struct account *a)
{
	bool others = false;

	if (!a->holders)
		return;
	for_each_active(a, x)
		others |= mark(x);
	TEST_POINT(DRAINING);
	if (others)
		porter__barrier_everywhere(); /* 2 */
	for_each_active(a, x)
		settle_holders(x);
	forget_all_below(a);
	remove_holders(a, a->holders, a->caps);
	forget_holders(a);
}
