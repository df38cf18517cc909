/* SPDX-License-Identifier: MIT */
/*
 * rebuild.c: from what cells have counted to an account.
 *
 * The child may have other threads already, at work in cells with stock. So it
 * is done as in a drain (drain.h), but over all slots: mark, membarrier, wait
 * for attempts, settle. If the thread of a slot does not live in this process, nobody
 * works in its cells and an attempt there never ends: it is not waited for.
 */
#include "3-account/rebuild.h"

#include "0-machine/barrier.h"
#include "3-account/drain.h"
#include "3-account/hierarchy.h"

/*
 * Whether the cell may have stock. The quota may be marked already: a thread that
 * drained may have died in the fork. So the mark is made anew, from no stock.
 */
static bool mark(struct cell *cell)
{
	if (load_relaxed(&cell->link) == LINK_NONE)
		return false;
	store_relaxed(&cell->word[QUOTA], charged_by(cell) - QUOTA_MARK);
	store_relaxed(&cell->cap, 0);
	store_relaxed(&cell->link, LINK_LAST);
	return true;
}

static bool mark_cells(const struct account *a, size_t slots)
{
	bool any = false;

	for (size_t slot = 0; slot < slots; slot++) {
		struct cell *cell = cell_of_slot(a, slot);

		if (cell)
			any |= mark(cell);
	}
	return any;
}

/* What is not written stays shared with the parent's memory. */
static void set(uint64_t *word, uint64_t value)
{
	if (load_relaxed(word) != value)
		store_release(word, value);
}

/* What is reserved for the cells of this account, once they are settled. */
static uint64_t settle_cells(const struct account *a, size_t slots,
			     uint32_t generation)
{
	uint64_t sum = porter__id_beside_cells(a->id, ALLOCATED) -
		       porter__id_beside_cells(a->id, FREED);

	for (size_t slot = 0; slot < slots; slot++) {
		struct cell *cell = cell_of_slot(a, slot);
		uint64_t charged;

		if (!cell)
			continue;
		if (porter__slot_lives(slot))
			porter__wait_for_attempt(cell, generation);
		charged = charged_by(cell);
		set(&cell->word[QUOTA], charged);
		if (cell->link) {
			store_relaxed(&cell->cap, 0);
			store_release(&cell->link, LINK_NONE);
		}
		sum += charged;
	}
	return sum;
}

static void forget(struct account *a)
{
	a->reserved = 0;
	store_relaxed(&a->caps, 0);
	a->holders = a->max_holders = 0;
	a->first_holder = LINK_LAST;
	a->active_children = NULL;
	a->is_active = false;
	store_relaxed(&a->may_be_atomic, false);
	store_relaxed(&a->word, NOT_ATOMIC);
}

/* Release: readers that see this generation use `reserved` as a bound (read.c). */
static void take_over(struct account *a, uint32_t generation)
{
	store_release(&a->generation, generation);
}

/* fork() may have copied the two bounds in between two stores: one new, one old. */
static void keep_peak(struct account *a)
{
	int64_t upper = max_of(a->upper, a->reserved);

	set_peak(a, min_of(a->lower, upper), upper);
}

/*
 * Members may leave during the walks, as that takes another lock. The memory of
 * such a member is not used again before its thread has had the root's lock, in
 * porter__account_fini(). So the walks never come into another hierarchy.
 */
void porter__rebuild(struct account *root)
{
	uint32_t generation = load_relaxed(&porter__fork_generation);
	size_t slots = porter__slots_count();
	bool any = false;

	for_each_member(root, x)
		any |= mark_cells(x, slots);
	if (any)
		porter__barrier_everywhere();
	for_each_member(root, x)
		forget(x);
	for_each_member(root, x)
		reserve(x, (int64_t)settle_cells(x, slots, generation));
	for_each_member(root, x)
		keep_peak(x);
	for_each_member(root, x)
		take_over(x, generation);
}
