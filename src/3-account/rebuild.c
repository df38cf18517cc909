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
#include "0-machine/wait.h"
#include "3-account/hierarchy.h"

static void mark(const struct account *a, size_t slots)
{
	for (size_t slot = 0; slot < slots; slot++) {
		struct cell *cell = cell_of_slot(a, slot);

		if (!cell || load_relaxed(&cell->link) == LINK_NONE)
			continue;
		store_relaxed(&cell->word[QUOTA],
			      load_relaxed(&cell->word[QUOTA]) - QUOTA_MARK);
		store_relaxed(&cell->cap, 0);
		store_relaxed(&cell->link, LINK_LAST);
	}
}

static void wait_for_attempt(const struct cell *cell)
{
	unsigned steps = 0;

	while (load_acquire(&cell->word[ATTEMPT]))
		porter__wait_a_little(&steps);
}

/* What is not written stays shared with the parent's memory. */
static void set(uint64_t *word, uint64_t value)
{
	if (load_relaxed(word) != value)
		store_release(word, value);
}

/* What is reserved for the cells of this account, once they are settled. */
static uint64_t settle_cells(const struct account *a, size_t slots)
{
	uint64_t sum = porter__id_beside_cells(a->id, ALLOCATED) -
		       porter__id_beside_cells(a->id, FREED);

	for (size_t slot = 0; slot < slots; slot++) {
		struct cell *cell = cell_of_slot(a, slot);
		uint64_t charged;

		if (!cell)
			continue;
		if (porter__slot_lives(slot))
			wait_for_attempt(cell);
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
	a->caps = 0;
	a->holders = a->max_holders = 0;
	a->first_holder = LINK_LAST;
	a->active_children = NULL;
	a->is_active = false;
	a->may_be_atomic = false;
	store_relaxed(&a->word, NOT_ATOMIC);
}

/* Release: readers that see this generation use `reserved` as a bound (read.c). */
static void take_over(struct account *a)
{
	store_release(&a->generation, porter__fork_generation);
}

/* fork() may have copied the two bounds in between two stores: one new, one old. */
static void keep_peak(struct account *a)
{
	a->upper = max_of(a->upper, a->reserved);
	a->lower = min_of(a->lower, a->upper);
	peak_publish(&a->peak, a->lower, a->upper);
}

/*
 * Members may leave during the walks, as that takes another lock. The memory of
 * such a member is not used again before its thread has had the root's lock, in
 * porter__account_fini(). So the walks never come into another hierarchy.
 */
void porter__rebuild(struct account *root)
{
	size_t slots = porter__slots_count();

	for_each_member(root, x)
		mark(x, slots);
	if (porter__barrier_possible())
		porter__barrier_everywhere();
	for_each_member(root, x)
		forget(x);
	for_each_member(root, x)
		reserve(x, (int64_t)settle_cells(x, slots));
	for_each_member(root, x)
		keep_peak(x);
	for_each_member(root, x)
		take_over(x);
}
