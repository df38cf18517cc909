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
#include "4-allocator/tracked.h"

#include <stdlib.h>
#include <string.h>

/* ---- The table ---- */

static porter_tracked *tracked(porter_allocator *self)
{
	return (porter_tracked *)self;
}

void *porter__tracked_failed(porter_tracked *t)
{
	shared_add(&t->counter.id->failures, 1);
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
	void *block;

	if (unlikely(centre_of(t)))
		return porter__centred_allocate(t, 0, size, alignment);
	block = a->vtable->allocate(a, size, alignment);
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

	if (unlikely(centre_of(t))) {
		porter__centred_free(t, 0, ptr, size, alignment);
		return;
	}
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
	void *block;

	if (unlikely(centre_of(t)))
		return porter__centred_reallocate(t, 0, ptr, old_size, new_size,
						  alignment);
	block = a->vtable->reallocate(a, ptr, old_size, new_size, alignment);
	if (unlikely(!block))
		return porter__tracked_failed(t);
	charge_resize(t, old_size, new_size);
	return block;
}

void porter__tracked_release_unused(porter_allocator *self)
{
	porter_release_unused(tracked(self)->underlying);
}

const char porter__tracked_name[] = "tracked";

const struct porter_allocator_vtable porter__tracked_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = porter__tracked_name,
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
	.release_unused = porter__tracked_release_unused,
};

/* ---- What it is ---- */

void porter__tracked_init(porter_tracked *t, porter_allocator *underlying,
			  struct porter__id *id)
{
	t->allocator.vtable = &porter__tracked_vtable;
	t->centre = NULL;
	t->underlying = underlying;
	t->on_refused = NULL;
	t->name[0] = '\0';
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
	return a && peek(&a->vtable)->name == porter__tracked_name ?
		       tracked(a) :
		       NULL;
}
