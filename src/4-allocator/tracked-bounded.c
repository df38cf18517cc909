/* SPDX-License-Identifier: MIT */
/*
 * tracked-bounded.c: the table of a tracker that a limit or a watermark bounds.
 *
 *	allocate	charge from stock; then ask the backend
 *	free		give the block back; then count
 *
 * The fast paths are for a thread that has its cell, over a backend; all others go
 * through block.h. What is needed only when that fails is kept on the stack
 * (volatile), so that no register is saved for it in every call.
 */
#include "4-allocator/block.h"

/*
 * Near a limit the line of the word of atomic mode goes from thread to thread. The
 * fewer instructions an operation has, the sooner it is done with the line; so
 * atomic mode is tried here, before all else. The cell is not used after the
 * charge: on_refused may have given this thread another one.
 */
static SEPARATE void *allocate_slowly(porter_tracked *t, size_t size,
				      struct cell *cell)
{
	struct atomic_refusal unused;
	void *block;

	if (unlikely(charge_atomically(&t->account, cell, size, &unused) !=
		     ATOMIC_DONE) &&
	    unlikely(!porter__charge_or_refuse(t, cell, size)))
		return NULL;
	counter_add(&t->counter, ALLOCATIONS, 1);
	block = t->direct.allocate(size);
	return likely(block) ? block : porter__no_block(t, size);
}

/* Over an allocator that is no backend, and whatever else is not for the fast path. */
static SEPARATE void *allocate_over(porter_tracked *t, size_t size,
				    size_t alignment)
{
	return block_allocate(t, 0, size, alignment, ANY_BYTES, true);
}

static SEPARATE void free_over(porter_tracked *t, void *ptr, size_t size,
			       size_t alignment)
{
	block_free(t, ptr, 0, size, alignment, true);
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	porter_tracked *volatile kept = t;
	volatile size_t kept_size = size;
	struct cell *cell = this_cell_fast(t->direct_at);
	void *block;

	if (unlikely(alignment > PORTER_ALIGNMENT) || unlikely(!cell))
		return allocate_over(t, size, alignment);
	if (unlikely(!charge_from_stock(cell, size)))
		return allocate_slowly(t, size, cell);
	word_add(&cell->word[ALLOCATIONS], 1);
	block = t->direct.allocate(size);
	return likely(block) ? block : porter__no_block(kept, kept_size);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	porter_tracked *t = (porter_tracked *)self;
	porter_tracked *volatile kept = t;
	struct cell *cell = this_cell_fast(t->direct_at);

	if (unlikely(alignment > PORTER_ALIGNMENT) || unlikely(!cell)) {
		free_over(t, ptr, size, alignment);
		return;
	}
	word_add_release(&cell->word[FREES], 1);
	t->direct.free(ptr);
	word_add_release(&cell->word[FREED], size);
	if (has_too_much_stock(cell))
		porter__settle(account_of(kept), cell);
}

const struct porter_allocator_vtable porter__bounded_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "tracked",
	.allocate = allocate,
	.reallocate = porter__table_reallocate,
	.free = release,
	.release_unused = porter__table_release_unused,
	.allocate_zeroed = porter__table_allocate_zeroed,
};
