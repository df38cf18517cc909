/* SPDX-License-Identifier: MIT */
/*
 * oracle.c: an exact oracle, as an allocator and behind malloc.
 *
 *	| oracle, size | what malloc's caller gets ... |
 *	`-- header: as free() is not told what it frees
 */
#include "oracle.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void raise_highest(struct oracle *o, long long sum)
{
	long long seen = atomic_load(&o->highest);

	while (sum > seen &&
	       !atomic_compare_exchange_weak(&o->highest, &seen, sum))
		;
}

static void goes_out(struct oracle *first, size_t size)
{
	long long more = (long long)size;

	for (struct oracle *o = first; o; o = o->parent)
		raise_highest(o, atomic_fetch_add(&o->sum, more) + more);
}

static void is_back(struct oracle *first, size_t size)
{
	for (struct oracle *o = first; o; o = o->parent)
		atomic_fetch_sub(&o->sum, (long long)size);
}

/* ---- Behind malloc ---- */

void *__real_malloc(size_t size);
void *__real_realloc(void *ptr, size_t size);
void __real_free(void *ptr);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void __wrap_free(void *ptr);

_Thread_local struct oracle *oracle_of_malloc;

struct header {
	struct oracle *oracle;
	size_t size;
	max_align_t block[];
};

static struct header *header_of(void *ptr)
{
	return (struct header *)(void *)((char *)ptr -
					 offsetof(struct header, block));
}

void *__wrap_malloc(size_t size)
{
	struct oracle *o = oracle_of_malloc;
	struct header *h;

	goes_out(o, size);
	h = size <= PTRDIFF_MAX ? __real_malloc(sizeof(*h) + size) : NULL;
	if (!h) {
		is_back(o, size);
		return NULL;
	}
	*h = (struct header){ .oracle = o, .size = size };
	return h->block;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *block = __wrap_malloc(count * size);

	return block ? memset(block, 0, count * size) : NULL;
}

/* The one who has counted the block goes on. */
void *__wrap_realloc(void *ptr, size_t size)
{
	struct header *h;
	struct oracle *o;
	size_t before;

	if (!ptr)
		return __wrap_malloc(size);
	h = header_of(ptr);
	o = h->oracle;
	before = h->size;
	if (size > before)
		goes_out(o, size - before);
	h = __real_realloc(h, sizeof(*h) + size);
	if (!h) {
		if (size > before)
			is_back(o, size - before);
		return NULL;
	}
	h->size = size;
	if (size < before)
		is_back(o, before - size);
	return h->block;
}

void __wrap_free(void *ptr)
{
	struct header *h;
	struct oracle *o;
	size_t size;

	if (!ptr)
		return;
	h = header_of(ptr);
	o = h->oracle;
	size = h->size;
	__real_free(h);
	is_back(o, size);
}

/* ---- As an allocator ---- */

static char somewhere[64];

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	struct oracle *o = (struct oracle *)self;

	(void)alignment;
	goes_out(o, size);
	return o->empty ? somewhere : __real_malloc(size);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	struct oracle *o = (struct oracle *)self;

	(void)alignment;
	if (!o->empty)
		__real_free(ptr);
	is_back(o, size);
}

static void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
			size_t new_size, size_t alignment)
{
	struct oracle *o = (struct oracle *)self;
	void *block;

	(void)alignment;
	if (new_size > old_size)
		goes_out(o, new_size - old_size);
	block = o->empty ? ptr : __real_realloc(ptr, new_size);
	if (new_size < old_size)
		is_back(o, old_size - new_size);
	return block;
}

static const struct porter_allocator_vtable table = {
	.size = sizeof(table),
	.name = "oracle",
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
};

void oracle_init(struct oracle *o, struct oracle *parent)
{
	o->base.vtable = &table;
	o->parent = parent;
	o->empty = false;
	atomic_store(&o->sum, 0);
	atomic_store(&o->highest, 0);
}
