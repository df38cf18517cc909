/* SPDX-License-Identifier: MIT */
/*
 * tracked-peaked.c: the table of a tracker that keeps a peak, and no more.
 *
 *	allocate	ask malloc, count; ask the centre if that is beyond the
 *			quota
 *	free		count, give the block back to malloc
 *
 * With no limit that could be exceeded, nothing need be told before, and one
 * look at the quota is all that is added to tracked.c. What threads have in
 * flight, in malloc and free, is then out and not counted; it is bounded, since
 * larger blocks take the way of tracked-centred.c, and added to the upper bound
 * of the peak (peak.c).
 *
 * A free need not be looked at: room that it makes is taken back when the peak
 * is about to be raised. But where a cell is not lent, others take what it uses
 * for settled, so it says so.
 */
#include "4-allocator/tracked.h"

#include <stdlib.h>

static inline bool goes_the_short_way(size_t size, size_t alignment)
{
	return likely(alignment <= PORTER_ALIGNMENT) && likely(size <= UNTOLD);
}

static SLOW_PATH void *no_block(porter_tracked *t, size_t size)
{
	/* Some malloc(0) return NULL; the backend knows. */
	return size ? porter__tracked_failed(t) :
		      porter__allocate_over(&t->allocator, 0, PORTER_ALIGNMENT);
}

/* It may have got its first limit just now. */
static SLOW_PATH void *allocated_without_cell(porter_tracked *t, void *block,
					      size_t size)
{
	struct operation op;

	if (!block)
		return no_block(t, size);
	if (!porter__take(t, size, &op)) {
		free(block);
		return NULL;
	}
	porter__took(t, size, ALLOCATIONS, &op);
	return block;
}

static SEPARATE void *settled(porter_tracked *t, struct cell *cell, void *block)
{
	porter__centre_settle(centre_of(t), cell);
	return block;
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct cell *cell;
	void *block;

	if (!goes_the_short_way(size, alignment))
		return porter__allocate_over(self, size, alignment);
	block = malloc(size);
	cell = own_cell_fast(t->counter.at);
	if (unlikely(!block) || unlikely(!cell))
		return allocated_without_cell(t, block, size);
	charge_cell(cell, size);
	if (centre_wants_quota(cell))
		return settled(t, cell, block);
	return block;
}

static SEPARATE void release_settled(porter_tracked *t, struct cell *cell,
				     void *ptr)
{
	porter__centre_settle(centre_of(t), cell);
	free(ptr);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct cell *cell = own_cell_fast(t->counter.at);

	if (!goes_the_short_way(size, alignment) || unlikely(!cell)) {
		porter__free_over(self, ptr, size, alignment);
		return;
	}
	refund_cell(cell, size);
	if (centre_wants_to_know(cell)) {
		release_settled(t, cell, ptr);
		return;
	}
	free(ptr);
}

const struct porter_allocator_vtable porter__peaked_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = porter__tracked_name,
	.allocate = allocate,
	.reallocate = porter__reallocate_over,
	.free = release,
	.release_unused = porter__tracked_release_unused,
};
