/* SPDX-License-Identifier: MIT */
/*
 * tracked-unbounded.c: the table of a tracker that nothing bounds.
 *
 *	allocate	count; settle if the cell is overdrawn; ask the backend
 *	free		count; settle if there is too much stock; give back
 *
 * The fast paths are for a thread that has its cell, over a backend; all others go
 * through block.h. What is needed only when that fails is kept on the stack
 * (volatile), so that no register is saved for it in every call.
 */
#include "4-allocator/block.h"

static SEPARATE void *allocate_settled(porter_tracked *t, size_t size,
				       struct cell *cell)
{
	void *block;

	porter__settle_with_lock(&t->account, cell);
	block = t->direct.allocate(size);
	return likely(block) ? block : porter__no_block(t, size);
}

/* Over an allocator that is no backend, and whatever else is not for the fast path. */
static SEPARATE void *allocate_over(porter_tracked *t, size_t size,
				    size_t alignment)
{
	return block_allocate(t, 0, size, alignment, ANY_BYTES, false);
}

static SEPARATE void free_over(porter_tracked *t, void *ptr, size_t size,
			       size_t alignment)
{
	block_free(t, ptr, 0, size, alignment, false);
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	porter_tracked *volatile kept = t;
	volatile size_t kept_size = size;
	struct cell *cell = this_cell_fast(t->direct_at);
	void *block;

	if (unlikely(alignment > PORTER_ALIGNMENT) ||
	    unlikely(size > MAX_FAST_SIZE) || unlikely(!cell))
		return allocate_over(t, size, alignment);
	word_add(&cell->word[ALLOCATED], size);
	word_add(&cell->word[ALLOCATIONS], 1);
	if (is_out_of_stock(cell))
		return allocate_settled(t, size, cell);
	block = t->direct.allocate(size);
	return likely(block) ? block : porter__no_block(kept, kept_size);
}

static SEPARATE void free_settled(porter_tracked *t, void *ptr,
				  struct cell *cell)
{
	porter__settle(&t->account, cell);
	t->direct.free(ptr);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	struct cell *cell = this_cell_fast(t->direct_at);

	if (unlikely(alignment > PORTER_ALIGNMENT) || unlikely(!cell)) {
		free_over(t, ptr, size, alignment);
		return;
	}
	word_add_release(&cell->word[FREED], size);
	word_add_release(&cell->word[FREES], 1);
	if (has_too_much_stock(cell)) {
		free_settled(t, ptr, cell);
		return;
	}
	t->direct.free(ptr);
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
