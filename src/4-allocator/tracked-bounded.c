/* SPDX-License-Identifier: MIT */
/*
 * tracked-bounded.c: the table of a tracker that a limit or a mark bounds.
 *
 *	allocate	count, if there is room; then ask malloc
 *	free		give the block back to malloc; then count
 *
 * The fast paths are for a thread that has its cell, over malloc; all others
 * are in tracked-centred.c. Little is kept on the stack: the flight tells all
 * that is wanted when malloc fails.
 */
#include "3-centre/calm.h"
#include "4-allocator/tracked.h"

#include <stdlib.h>

static SLOW_PATH void *no_block(porter_tracked *t, struct cell *cell,
				bool slowly)
{
	size_t size = (size_t)flight_bytes(peek(&cell->word[FLIGHT]));
	struct operation op = { .cell = cell, .slowly = slowly };

	if (size)
		return porter__took_for_nothing(t, size, &op);
	/* Some malloc(0) return NULL; the backend knows. */
	flight_end(cell);
	return porter__allocate_over(&t->allocator, 0, PORTER_ALIGNMENT);
}

static inline void *got_block(struct cell *cell, void *block)
{
	word_add(&cell->word[ALLOCATIONS], 1);
	flight_end(cell);
	return block;
}

static SEPARATE void *allocate_at_centre(porter_tracked *t, size_t size,
					 struct cell *cell, enum calm calm)
{
	struct operation op = { .cell = cell };
	void *block;

	if (unlikely(!porter__take_slowly(t, size, &op, calm)))
		return NULL;
	block = malloc(size);
	return likely(block) ? got_block(cell, block) : no_block(t, cell, true);
}

/*
 * Few instructions here as well: threads that take one number from each other
 * have it for as long as it takes to come from one change of it to the next.
 */
static SEPARATE void *allocate_slowly(porter_tracked *t, size_t size,
				      struct cell *cell)
{
	porter_tracked *volatile kept = t;
	enum calm calm = calm_take(centre_of(t), cell, size);
	void *block;

	if (unlikely(calm != CALM_DONE))
		return allocate_at_centre(t, size, cell, calm);
	block = malloc(size);
	return likely(block) ? got_block(cell, block) :
			       no_block(kept, cell, true);
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	/* On the stack, since no register is worth saving for a failure. */
	porter_tracked *volatile kept = t;
	struct cell *cell = own_cell_fast(t->counter.at);
	void *block;

	if (unlikely(alignment > PORTER_ALIGNMENT) || unlikely(!cell))
		return porter__allocate_over(self, size, alignment);
	if (unlikely(!centre_take_fast(cell, size)))
		return allocate_slowly(t, size, cell);
	block = malloc(size);
	return likely(block) ? got_block(cell, block) :
			       no_block(kept, cell, false);
}

static inline void give(struct cell *cell, void *ptr, size_t size)
{
	word_add_release(&cell->word[FREES], 1);
	free(ptr);
	word_add_release(&cell->word[FREED], size);
}

static SEPARATE void settle(struct centre *c, struct cell *cell)
{
	centre_settle(c, cell);
	flight_end(cell);
}

static SEPARATE void release_not_lent(struct centre *c, struct cell *cell,
				      void *ptr, size_t size)
{
	centre_meet(c, cell);
	give(cell, ptr, size);
	settle(c, cell);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct centre *c = centre_of(t);
	struct cell *cell = own_cell_fast(t->counter.at);

	if (unlikely(alignment > PORTER_ALIGNMENT) || unlikely(!cell)) {
		porter__free_over(self, ptr, size, alignment);
		return;
	}
	flight_begin(cell, size, GIVING);
	if (centre_wants_to_know(cell)) {
		release_not_lent(c, cell, ptr, size);
		return;
	}
	give(cell, ptr, size);
	if (centre_wants_room(c, cell)) {
		settle(c, cell);
		return;
	}
	flight_end(cell);
}

const struct porter_allocator_vtable porter__bounded_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = porter__tracked_name,
	.allocate = allocate,
	.reallocate = porter__reallocate_over,
	.free = release,
	.release_unused = porter__tracked_release_unused,
};
