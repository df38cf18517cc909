/* SPDX-License-Identifier: MIT */
/*
 * block.c: count, and ask the underlying allocator.
 *
 *			unbounded		bounded
 *	allocate	count, ask		charge, ask
 *	free		uncharge, give back	give back, uncharge
 *	reallocate	the difference: growing allocates it, shrinking frees it
 *
 * If the underlying allocator has no memory, what was counted is cancelled.
 *
 * In a bounded tracker a block is charged until the underlying allocator has it
 * back, or a limit would be exceeded for a moment. In an unbounded one it is
 * uncharged first, so that the call can end in the other free().
 */
#include "4-allocator/block.h"

#include "4-allocator/vtable.h"

static bool charge_or_count(porter_tracked *t, size_t size)
{
	if (is_bounded(t))
		return charge(t, size);
	count(&t->account, size);
	return true;
}

static void *ask(porter_allocator *a, size_t size, size_t alignment,
		 enum zeroed zeroed)
{
	return zeroed == ZEROED ? porter__allocate_zeroed(a, size, alignment) :
				  a->vtable->allocate(a, size, alignment);
}

void *porter__block_allocate(porter_tracked *t, size_t header, size_t size,
			     size_t alignment, enum zeroed zeroed)
{
	void *block;

	if (!charge_or_count(t, size))
		return NULL;
	counter_add(&t->counter, ALLOCATIONS, 1);
	block = ask(t->underlying, header + size, alignment, zeroed);
	if (likely(block))
		return block;
	porter__cancel_block(t, size);
	return porter__failed(t);
}

void porter__block_free(porter_tracked *t, void *ptr, size_t header,
			size_t size, size_t alignment)
{
	porter_allocator *a = t->underlying;
	bool bounded = is_bounded(t);

	counter_add(&t->counter, FREES, 1);
	if (!bounded)
		uncharge(&t->account, size);
	a->vtable->free(a, ptr, header + size, alignment);
	if (bounded)
		uncharge(&t->account, size);
}

void *porter__block_reallocate(porter_tracked *t, void *ptr, size_t header,
			       size_t old_size, size_t new_size,
			       size_t alignment)
{
	porter_allocator *a = t->underlying;
	size_t more = new_size > old_size ? new_size - old_size : 0;
	size_t less = old_size > new_size ? old_size - new_size : 0;
	void *block;

	if (more && !charge_or_count(t, more))
		return NULL;
	block = a->vtable->reallocate(a, ptr, header + old_size,
				      header + new_size, alignment);
	if (unlikely(!block)) {
		if (more)
			porter__cancel(&t->account, more);
		return porter__failed(t);
	}
	if (less)
		uncharge(&t->account, less);
	counter_add(&t->counter, REALLOCATIONS, 1);
	return block;
}

void *porter__table_reallocate(porter_allocator *self, void *ptr,
			       size_t old_size, size_t new_size,
			       size_t alignment)
{
	return porter__block_reallocate((porter_tracked *)self, ptr, 0,
					old_size, new_size, alignment);
}

void *porter__table_allocate_zeroed(porter_allocator *self, size_t size,
				    size_t alignment)
{
	return porter__block_allocate((porter_tracked *)self, 0, size,
				      alignment, ZEROED);
}

void porter__table_release_unused(porter_allocator *self)
{
	porter_release_unused(((porter_tracked *)self)->underlying);
}
