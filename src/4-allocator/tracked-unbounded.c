/* SPDX-License-Identifier: MIT */
/*
 * tracked-unbounded.c: the table of a tracker that nothing bounds.
 *
 *	allocate	ask malloc, count; settle if the cell is overdrawn
 *	free		count; settle if there is too much stock; give back
 *
 * The fast paths are for a thread that has its cell, over malloc. Each ends in
 * block.c otherwise, with nothing of its own left on the stack. A block is
 * counted before its address is known to anybody, and discounted in a call that
 * was given its address; so its free is counted after it.
 */
#include "4-allocator/block.h"

#include <stdlib.h>

/* There is no block, or no cell yet. */
static SLOW_PATH void *allocated_slowly(porter_tracked *t, void *block,
					size_t size)
{
	if (!block) /* Some malloc(0) return NULL; the backend knows. */
		return size ? porter__failed(t) :
			      porter__block_allocate(t, 0, 0, PORTER_ALIGNMENT,
						     ANY_BYTES);
	count(&t->account, size);
	counter_add(&t->counter, ALLOCATIONS, 1);
	return block;
}

static SEPARATE void *settled(porter_tracked *t, struct cell *cell, void *block)
{
	porter__settle_with_lock(&t->account, cell);
	return block;
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct cell *cell;
	void *block;

	if (!served_by_malloc(t, alignment))
		return porter__block_allocate(t, 0, size, alignment, ANY_BYTES);
	block = malloc(size);
	cell = this_cell_fast(t->counter.at);
	if (unlikely(!block) || unlikely(!cell))
		return allocated_slowly(t, block, size);
	word_add(&cell->word[ALLOCATED], size);
	word_add(&cell->word[ALLOCATIONS], 1);
	if (is_overdrawn(cell))
		return settled(t, cell, block);
	return block;
}

static SEPARATE void free_settled(porter_tracked *t, struct cell *cell,
				  void *ptr)
{
	porter__settle(&t->account, cell);
	free(ptr);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct cell *cell = this_cell_fast(t->counter.at);

	if (!served_by_malloc(t, alignment) || unlikely(!cell)) {
		porter__block_free(t, ptr, 0, size, alignment);
		return;
	}
	word_add_release(&cell->word[FREED], size);
	word_add_release(&cell->word[FREES], 1);
	if (is_above_cap(cell)) {
		free_settled(t, cell, ptr);
		return;
	}
	free(ptr);
}

const struct porter_allocator_vtable porter__unbounded_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "tracked",
	.allocate = allocate,
	.reallocate = porter__table_reallocate,
	.free = release,
	.release_unused = porter__table_release_unused,
	.allocate_zeroed = porter__table_allocate_zeroed,
};
