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

static inline bool goes_the_short_way(const struct centre *c,
				      const struct cell *cell, size_t size,
				      size_t alignment)
{
	return likely(alignment <= c->malloc_serves) && likely(cell) &&
	       likely(size <= UNTOLD);
}

static SEPARATE void *allocate_over(porter_tracked *t, size_t size,
				    size_t alignment)
{
	return porter__centred_allocate(t, 0, size, alignment);
}

static SLOW_PATH void *no_block(porter_tracked *t, size_t size)
{
	/* Some malloc(0) return NULL; the backend knows. */
	return size ? porter__tracked_failed(t) :
		      allocate_over(t, 0, PORTER_ALIGNMENT);
}

static SEPARATE void *settled(struct centre *c, struct cell *cell, void *block)
{
	porter__centre_settle(c, cell);
	return block;
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct centre *c = centre_of(t);
	struct cell *cell = own_cell_fast(c->at);
	void *block;

	if (!goes_the_short_way(c, cell, size, alignment))
		return allocate_over(t, size, alignment);
	block = malloc(size);
	if (unlikely(!block))
		return no_block(t, size);
	charge_cell(cell, size);
	if (centre_wants_quota(cell))
		return settled(c, cell, block);
	return block;
}

static SEPARATE void release_over(porter_tracked *t, void *ptr, size_t size,
				  size_t alignment)
{
	porter__centred_free(t, 0, ptr, size, alignment);
}

static SEPARATE void release_settled(struct centre *c, struct cell *cell,
				     void *ptr)
{
	porter__centre_settle(c, cell);
	free(ptr);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct centre *c = centre_of(t);
	struct cell *cell = own_cell_fast(c->at);

	if (!goes_the_short_way(c, cell, size, alignment)) {
		release_over(t, ptr, size, alignment);
		return;
	}
	refund_cell(cell, size);
	if (centre_wants_to_know(cell)) {
		release_settled(c, cell, ptr);
		return;
	}
	free(ptr);
}

const struct porter_allocator_vtable porter__peaked_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = porter__tracked_name,
	.allocate = allocate,
	.reallocate = porter__centred_resize,
	.free = release,
	.release_unused = porter__tracked_release_unused,
};
