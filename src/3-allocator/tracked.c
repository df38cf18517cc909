/* SPDX-License-Identifier: MIT */
/*
 * tracked.c: the table that counts around another allocator.
 *
 *	allocate	ask the underlying allocator, then count: a failure
 *			has counted nothing that must be taken back
 *	free		count, then give back: the block is out of use from
 *			the call on, and the call ends in the underlying free
 *	reallocate	ask, then count the difference
 *
 * A block is counted before its address is known to anybody, and discounted
 * in a call that was given its address; so its free is counted after it.
 */
#include "3-allocator/tracked.h"

#include <stdlib.h>
#include <string.h>

/* ---- The table ---- */

static porter_tracked *tracked(porter_allocator *self)
{
	return (porter_tracked *)self;
}

void *porter__tracked_failed(porter_tracked *t)
{
	counter_add(&t->counter, FAILURES, 1);
	errno = ENOMEM;
	return NULL;
}

void porter__charge_slow(porter_tracked *t, size_t size)
{
	porter__counter_add_slow(&t->counter, ALLOCATED, size);
	porter__counter_add_slow(&t->counter, ALLOCATIONS, 1);
}

void porter__refund_slow(porter_tracked *t, size_t size)
{
	porter__counter_add_slow(&t->counter, FREED, size);
	porter__counter_add_slow(&t->counter, FREES, 1);
}

/*
 * The fast paths below are for a thread that has its cell, over malloc; each
 * ends in one of these otherwise, with nothing of its own left on the stack.
 */
static SEPARATE void *allocate_over(porter_tracked *t, size_t size,
				    size_t alignment)
{
	porter_allocator *a = t->underlying;
	void *block = a->vtable->allocate(a, size, alignment);

	if (!block)
		return porter__tracked_failed(t);
	charge(t, size);
	return block;
}

static SLOW_PATH void *allocated_without_cell(porter_tracked *t, void *block,
					      size_t size)
{
	if (!block) /* Some malloc(0) return NULL; the backend knows. */
		return size ? porter__tracked_failed(t) :
			      allocate_over(t, size, PORTER_ALIGNMENT);
	charge(t, size);
	return block;
}

static SEPARATE void release_over(porter_tracked *t, void *ptr, size_t size,
				  size_t alignment)
{
	porter_allocator *a = t->underlying;

	refund(t, size);
	a->vtable->free(a, ptr, size, alignment);
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	porter_tracked *t = tracked(self);
	struct cell *cell;
	void *block;

	if (!served_by_malloc(t, alignment))
		return allocate_over(t, size, alignment);
	block = malloc(size);
	cell = own_cell_fast(t->counter.at);
	if (unlikely(!block) || unlikely(!cell))
		return allocated_without_cell(t, block, size);
	charge_cell(cell, size);
	return block;
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	porter_tracked *t = tracked(self);
	struct cell *cell = own_cell_fast(t->counter.at);

	if (!served_by_malloc(t, alignment) || unlikely(!cell)) {
		release_over(t, ptr, size, alignment);
		return;
	}
	refund_cell(cell, size);
	free(ptr);
}

static void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
			size_t new_size, size_t alignment)
{
	porter_tracked *t = tracked(self);
	porter_allocator *a = t->underlying;
	void *block =
		a->vtable->reallocate(a, ptr, old_size, new_size, alignment);

	if (unlikely(!block))
		return porter__tracked_failed(t);
	charge_resize(t, old_size, new_size);
	return block;
}

static void release_unused(porter_allocator *self)
{
	porter_release_unused(tracked(self)->underlying);
}

static const struct porter_allocator_vtable tracked_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "tracked",
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
	.release_unused = release_unused,
};

/* ---- What it is ---- */

void porter__tracked_init(porter_tracked *t, porter_allocator *underlying,
			  struct porter__id *id)
{
	t->allocator.vtable = &tracked_vtable;
	t->underlying = underlying;
	t->malloc_serves = underlying == &porter__system ? PORTER_ALIGNMENT : 0;
	t->magic = TRACKED_MAGIC;
	porter__counter_init(&t->counter, id);
}

porter_allocator *porter_tracked_allocator(porter_tracked *t)
{
	return &t->allocator;
}

porter_tracked *porter_tracked_cast(porter_allocator *a)
{
	return a && a->vtable == &tracked_vtable ? tracked(a) : NULL;
}

/* ---- Reading ---- */

int64_t porter_bytes_used(const porter_tracked *t)
{
	return porter_counter_sum(&t->counter);
}

struct porter_interval porter_bytes_used_interval(const porter_tracked *t)
{
	struct porter_interval seen = porter_counter_interval(&t->counter);

	/* What is in use is never less than nothing: a narrower bound. */
	if (seen.lower < 0 && seen.upper >= 0)
		seen.lower = 0;
	return seen;
}

int porter_bytes_used_exact(const porter_tracked *t, int64_t *out,
			    unsigned max_tries)
{
	struct porter_interval best;

	if (!out || max_tries == 0) {
		errno = EINVAL;
		return -1;
	}
	best = porter__counter_narrow(&t->counter, max_tries);
	*out = best.lower < 0 && best.upper >= 0 ? 0 : best.lower;
	if (best.lower == best.upper)
		return 0;
	errno = EAGAIN;
	return -1;
}

/* What struct porter_stats was in the first version. */
#define STATS_SIZE_FIRST \
	(offsetof(struct porter_stats, failures) + sizeof(uint64_t))

int porter_tracked_stats(const porter_tracked *t, struct porter_stats *out)
{
	const struct porter__id *id = t->counter.id;
	struct porter_stats stats;
	uint64_t back[2], given[2], other[2];
	bool locked;

	if (!out || out->size < STATS_SIZE_FIRST) {
		errno = EINVAL;
		return -1;
	}
	locked = porter__slots_enter();
	/* What was given back first, as in counter.c: nothing goes negative. */
	porter__id_words(id, FREED, FREES, back);
	porter__id_words(id, ALLOCATED, ALLOCATIONS, given);
	porter__id_words(id, REALLOCATIONS, FAILURES, other);
	porter__slots_leave(locked);
	memset(&stats, 0, sizeof(stats)); /* the padding, too */
	stats.size = out->size;
	stats.bytes_used = (int64_t)(given[0] - back[0]);
	stats.total_allocated = given[0];
	stats.total_freed = back[0];
	stats.allocations = given[1];
	stats.frees = back[1];
	stats.reallocations = other[0];
	stats.failures = other[1];
	if (out->size > sizeof(stats))
		memset((char *)out + sizeof(stats), 0,
		       out->size - sizeof(stats));
	memcpy(out, &stats,
	       out->size < sizeof(stats) ? out->size : sizeof(stats));
	return 0;
}
