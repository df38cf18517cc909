/* SPDX-License-Identifier: MIT */
/*
 * pool.c: a free list over an array that grows and never moves.
 */
#include "0-machine/pool.h"

#include "0-machine/atomic.h"
#include "0-machine/test-point.h"

#include <errno.h>

/* ---- Under the lock ---- */

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
		publish(&pool->segments[segment], memory);
	}
	element = porter__pool_at(pool, index);
	element->index = (uint32_t)index;
	/*
	 * Pairs with porter__pool_count(): a reader that counts this element
	 * in finds its segment. Without release it could find NULL there.
	 */
	publish(&pool->count, index + 1);
	return element;
}

static void put_on_free_list(struct pool *pool, struct pool_element *element)
{
	element->next_free = pool->free;
	pool->free = element;
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
	element = pool->free;
	if (element)
		pool->free = element->next_free;
	else
		element = grow(pool);
	porter__unlock(&pool->lock, &saved);
	return element;
}

void porter__pool_give(struct pool *pool, void *element)
{
	sigset_t saved;

	porter__lock(&pool->lock, &saved);
	put_on_free_list(pool, element);
	porter__unlock(&pool->lock, &saved);
}

/* ---- Reading ---- */

size_t porter__pool_count(const struct pool *pool)
{
	return subscribe(&pool->count);
}

void *porter__pool_at(const struct pool *pool, size_t index)
{
	unsigned segment = segment_of(index, pool->first);

	return subscribe(&pool->segments[segment]) +
	       (index - segment_start(segment, pool->first)) *
		       pool->element_size;
}

/* ---- After fork() ---- */

void porter__pool_give_all_but(struct pool *pool, const void *kept)
{
	pool->free = NULL;
	for (size_t i = pool->count; i-- > 0;) {
		struct pool_element *element = porter__pool_at(pool, i);

		if (element != kept)
			put_on_free_list(pool, element);
	}
}
