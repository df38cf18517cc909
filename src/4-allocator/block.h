/* SPDX-License-Identifier: MIT */
/*
 * block.h: blocks of a tracker over any allocator, with or without a header.
 *
 * What the tables and porter_malloc() do where their shortest path ends. A
 * header is asked for with the block, and does not count.
 */
#ifndef PORTER_BLOCK_H
#define PORTER_BLOCK_H

#include "4-allocator/request.h"
#include "4-allocator/vtable.h"

enum zeroed { ANY_BYTES, ZEROED };

/*
 * The largest size for the fast paths that count before they ask. Otherwise sizes
 * that were asked for and never given could make a sum of bytes overflow. With a
 * header it is no more than PTRDIFF_MAX on 32-bit machines, too.
 */
enum { MAX_FAST_SIZE = INT32_MAX / 2 };

SEPARATE void *porter__block_allocate(porter_tracked *t, size_t header,
				      size_t size, size_t alignment,
				      enum zeroed zeroed);
void *porter__block_reallocate(porter_tracked *t, void *ptr, size_t header,
			       size_t old_size, size_t new_size,
			       size_t alignment);
SEPARATE void porter__block_free(porter_tracked *t, void *ptr, size_t header,
				 size_t size, size_t alignment);

/* For a thread that has no cell yet, or never: makes one, or counts in the shared. */
SLOW_PATH void *porter__block_count(porter_tracked *t, void *block, size_t size,
				    bool bounded);

/* Over any underlying allocator, inlined where the caller knows the table. */
static inline void *block_allocate(porter_tracked *t, size_t header,
				   size_t size, size_t alignment,
				   enum zeroed zeroed, bool bounded)
{
	porter_allocator *a = t->underlying;
	REQUEST request = NO_REQUEST;
	struct cell *cell;
	void *block;

	if (bounded && !charge(t, size))
		return NULL;
	porter__request(&request, t, bounded ? size : 0);
	block = zeroed == ZEROED ?
			porter__allocate_zeroed(a, header + size, alignment) :
			a->vtable->allocate(a, header + size, alignment);
	if (unlikely(!block))
		return NULL;
	porter__grant(&request);
	cell = this_cell_fast(t->counter.at);
	if (unlikely(!cell))
		return porter__block_count(t, block, size, bounded);
	word_add(&cell->word[ALLOCATIONS], 1);
	if (!bounded)
		count_in(&t->account, cell, size);
	return block;
}

/* A block counts as given back also if the allocator's free throws. */
struct given_back {
	porter_tracked *t; /* or NULL: it was uncharged before */
	uint64_t size;
};

static inline void end_free(const struct given_back *given)
{
	if (given->t)
		uncharge(&given->t->account, given->size);
}

static inline void block_free(porter_tracked *t, void *ptr, size_t header,
			      size_t size, size_t alignment, bool bounded)
{
	porter_allocator *a = t->underlying;
	AT_END(end_free) struct given_back given = { bounded ? t : NULL, size };

	counter_add(&t->counter, FREES, 1);
	if (!bounded)
		uncharge(&t->account, size);
	a->vtable->free(a, ptr, header + size, alignment);
}

/*
 * After malloc gave no block for a request that was counted: cancels that. NULL, but
 * for 0 bytes: some malloc(0) return NULL, and the backend knows better.
 */
SLOW_PATH void *porter__no_block(porter_tracked *t, size_t size);

/* The functions of both tables that have no shorter path. */
void *porter__table_reallocate(porter_allocator *self, void *ptr,
			       size_t old_size, size_t new_size,
			       size_t alignment);
void *porter__table_allocate_zeroed(porter_allocator *self, size_t size,
				    size_t alignment);
void porter__table_release_unused(porter_allocator *self);

#endif /* PORTER_BLOCK_H */
