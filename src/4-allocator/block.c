/* SPDX-License-Identifier: MIT */
/*
 * block.c: ask, and count before it or after it.
 *
 *			unbounded		bounded
 *	allocate	ask, count		charge, ask; cancel if that fails
 *	free		uncharge, give back	give back, uncharge
 *	reallocate	the difference: growing allocates it, shrinking frees it
 *
 * A bounded tracker charges a block before it asks for it, and uncharges it after
 * it has given it back. Otherwise a limit would be exceeded for a moment. An
 * unbounded one has no limit to keep, so here it counts after it has got the block:
 * a request of an absurd size then counts nothing. (The fast path of
 * tracked-unbounded.c counts first, but takes no size above MAX_FAST_SIZE.)
 */
#include "4-allocator/block.h"

void *porter__block_count(porter_tracked *t, void *block, size_t size,
			  bool bounded)
{
	if (!bounded)
		count(&t->account, size);
	counter_add(&t->counter, ALLOCATIONS, 1);
	return block;
}

void *porter__block_allocate(porter_tracked *t, size_t header, size_t size,
			     size_t alignment, enum zeroed zeroed)
{
	return block_allocate(t, header, size, alignment, zeroed,
			      is_bounded(t));
}

void *porter__no_block(porter_tracked *t, size_t size)
{
	porter__cancel_block(t, size);
	return size ? porter__failed(t) :
		      porter__block_allocate(t, 0, 0, PORTER_ALIGNMENT,
					     ANY_BYTES);
}

void porter__block_free(porter_tracked *t, void *ptr, size_t header,
			size_t size, size_t alignment)
{
	block_free(t, ptr, header, size, alignment, is_bounded(t));
}

void *porter__block_reallocate(porter_tracked *t, void *ptr, size_t header,
			       size_t old_size, size_t new_size,
			       size_t alignment)
{
	porter_allocator *a = t->underlying;
	size_t more = new_size > old_size ? new_size - old_size : 0;
	size_t less = old_size > new_size ? old_size - new_size : 0;
	bool bounded = is_bounded(t);
	REQUEST request = NO_REQUEST;
	void *block;

	if (bounded && more && !charge(t, more))
		return NULL;
	porter__request(&request, t, bounded ? more : 0);
	block = a->vtable->reallocate(a, ptr, header + old_size,
				      header + new_size, alignment);
	if (unlikely(!block))
		return NULL;
	porter__grant(&request);
	if (!bounded && more)
		count(&t->account, more);
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
