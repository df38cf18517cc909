/* SPDX-License-Identifier: MIT */
/*
 * pool.c: a heap of free elements over an array that grows and never moves.
 */
#include "0-machine/pool.h"

#include "0-machine/atomic.h"
#include "0-machine/platform.h"
#include "0-machine/test-point.h"

#include <errno.h>

/* ---- The heap of free elements, under the lock ---- */

/*
 * A leftist heap: each element comes before the two below it, and the way down
 * to the right is never longer than the one to the left. So the way to the
 * right of all has at most log2(n + 1) elements, and merging two heaps follows
 * only those. It needs no memory but that of the elements.
 */
static uint32_t length_of(const struct pool_element *heap)
{
	return heap ? heap->length : 0;
}

static struct pool_element *merge(struct pool_element *a,
				  struct pool_element *b)
{
	struct pool_element *below;

	if (!a || !b)
		return a ? a : b;
	if (b->index < a->index)
		return merge(b, a);
	below = merge(a->right, b);
	if (length_of(a->left) < length_of(below)) {
		a->right = a->left;
		a->left = below;
	} else {
		a->right = below;
	}
	a->length = length_of(a->right) + 1;
	return a;
}

static void put_on_heap(struct pool *pool, struct pool_element *element)
{
	element->left = element->right = NULL;
	element->length = 1;
	pool->free = merge(pool->free, element);
}

static struct pool_element *take_from_heap(struct pool *pool)
{
	struct pool_element *lowest = pool->free;

	if (lowest)
		pool->free = merge(lowest->left, lowest->right);
	return lowest;
}

/* ---- Growing, under the lock ---- */

static struct pool_element *grow(struct pool *pool)
{
	size_t index = pool->count;
	unsigned segment = segment_of(index, pool->first);
	struct pool_element *element;

	if (segment >= POOL_SEGMENTS || index > UINT32_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	if (!pool->segments[segment]) {
		char *memory =
			porter__map_pages(segment_length(segment, pool->first) *
					  pool->element_size);

		if (!memory)
			return NULL;
		store_release(&pool->segments[segment], memory);
	}
	element = porter__pool_at(pool, index);
	element->index = (uint32_t)index;
	/*
	 * Pairs with porter__pool_count(): a reader that counts this element
	 * in finds its segment. Without release it could find NULL there.
	 */
	store_release(&pool->count, index + 1);
	return element;
}

/* ---- Taking and giving ---- */

/*
 * The lock orders what the one who gives an element back wrote into it before
 * what the one who takes it next reads and writes.
 */
void *porter__pool_take(struct pool *pool)
{
	struct pool_element *element;
	sigset_t saved;

	porter__lock(&pool->lock, &saved);
	TEST_POINT(POOL_LOCKED);
	element = take_from_heap(pool);
	if (!element)
		element = grow(pool);
	porter__unlock(&pool->lock, &saved);
	return element;
}

void porter__pool_give(struct pool *pool, void *element)
{
	sigset_t saved;

	porter__lock(&pool->lock, &saved);
	put_on_heap(pool, element);
	porter__unlock(&pool->lock, &saved);
}

/* ---- Reading ---- */

size_t porter__pool_count(const struct pool *pool)
{
	return load_acquire(&pool->count);
}

void *porter__pool_at(const struct pool *pool, size_t index)
{
	unsigned segment = segment_of(index, pool->first);

	return load_acquire(&pool->segments[segment]) +
	       (index - segment_start(segment, pool->first)) *
		       pool->element_size;
}

struct pool_run porter__pool_run(const struct pool *pool, size_t index,
				 size_t end)
{
	unsigned segment = segment_of(index, pool->first);
	size_t next = segment_start(segment, pool->first) +
		      segment_length(segment, pool->first);

	return (struct pool_run){
		.elements = porter__pool_at(pool, index),
		.length = (next < end ? next : end) - index,
	};
}

/* ---- After fork() ---- */

/* From the last to the first: each goes to the top, in one step. */
void porter__pool_give_all_but(struct pool *pool, const void *kept)
{
	pool->free = NULL;
	for (size_t i = pool->count; i-- > 0;) {
		struct pool_element *element = porter__pool_at(pool, i);

		if (element != kept)
			put_on_heap(pool, element);
	}
}
