/* SPDX-License-Identifier: MIT */
/*
 * backend-system.c: malloc and free behind the rules of allocator.h.
 *
 * Alignments above malloc's. The C library's aligned_alloc() takes the lock
 * of an arena and splits chunks, and its blocks cannot be resized. A block
 * from malloc that is ALIGNMENT bytes larger holds an aligned one, and comes
 * from the thread's cache without a lock:
 *
 *	malloc'ed    aligned
 *	v            v
 *	|....... base|size bytes ........|....|
 *	        `--- where the malloc'ed block begins
 *
 * free() finds the base before the block, and realloc() may grow it in place
 * or by moving pages. From OVERALLOCATE_BELOW on the slack would be too much;
 * there posix_memalign() serves, and resizing copies. (Measured in
 * bench/RESULTS.md.)
 */
#include "4-allocator/backend.h"

#include "0-machine/atomic.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

enum { OVERALLOCATE_BELOW = 1024 };

/* How far the aligned block lies behind its base: room for a pointer, or more. */
static size_t offset_within(uintptr_t base, size_t alignment)
{
	return alignment - (base & (alignment - 1));
}

static void *block_within(char *base, size_t offset)
{
	void **block = (void **)(void *)(base + offset);

	block[-1] = base;
	return block;
}

static char *base_of(void *block)
{
	return ((void **)block)[-1];
}

static void *allocate_aligned(size_t size, size_t alignment)
{
	char *base;
	void *block;

	/*
	 * At least a byte: a block of size 0 at the very end of what malloc
	 * gave could have the address of the next one, where malloc puts no
	 * header in between. And posix_memalign() may give NULL for 0 bytes.
	 */
	size += size == 0;
	if (alignment < OVERALLOCATE_BELOW) {
		base = malloc(size + alignment);
		return base ? block_within(base, offset_within((uintptr_t)base,
							       alignment)) :
			      NULL;
	}
	/* It does not set errno. */
	if (posix_memalign(&block, alignment, size) != 0) {
		errno = ENOMEM;
		return NULL;
	}
	return block;
}

/* calloc() knows which pages are fresh and need no zeroing. */
static void *allocate_zeroed_aligned(size_t size, size_t alignment)
{
	char *base;
	void *block;

	if (alignment >= OVERALLOCATE_BELOW) {
		block = allocate_aligned(size, alignment);
		return block ? memset(block, 0, size) : NULL;
	}
	base = calloc(1, size + (size == 0) + alignment);
	return base ? block_within(base,
				   offset_within((uintptr_t)base, alignment)) :
		      NULL;
}

static void *reallocate_aligned(void *ptr, size_t old_size, size_t new_size,
				size_t alignment)
{
	size_t kept = old_size < new_size ? old_size : new_size;

	if (alignment < OVERALLOCATE_BELOW) {
		char *base = base_of(ptr);
		size_t before = (size_t)((char *)ptr - base), after;

		base = realloc(base, new_size + alignment);
		if (!base)
			return NULL;
		/* The contents moved with the base: now, perhaps, to the side. */
		after = offset_within((uintptr_t)base, alignment);
		if (after != before)
			memmove(base + after, base + before, kept);
		return block_within(base, after);
	} else {
		void *block = allocate_aligned(new_size, alignment);

		if (block) {
			memcpy(block, ptr, kept);
			free(ptr);
		}
		return block;
	}
}

/* Whether malloc aligns small blocks; or the thread that is finding out: see below. */
enum { UNKNOWN, THEY_ARE, THEY_ARE_NOT };
static uintptr_t small_blocks;

/*
 * Some mallocs align a block of up to 8 bytes to 8 only. From its alignment on a
 * size gets the alignment from them, too.
 */
static size_t at_least(size_t size, size_t alignment)
{
	return size >= alignment || load_relaxed(&small_blocks) == THEY_ARE ?
		       size :
		       alignment;
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	void *block;

	(void)self;
	if (unlikely(alignment > PORTER_ALIGNMENT))
		return allocate_aligned(size, alignment);
	block = malloc(at_least(size, alignment));
	/* Some malloc(0) return NULL. */
	return likely(block) || size != 0 ? block : malloc(1);
}

static void *allocate_zeroed(porter_allocator *self, size_t size,
			     size_t alignment)
{
	(void)self;
	if (unlikely(alignment > PORTER_ALIGNMENT))
		return allocate_zeroed_aligned(size, alignment);
	/* Some calloc(1, 0) return NULL. */
	return calloc(1, at_least(size + (size == 0), alignment));
}

static void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
			size_t new_size, size_t alignment)
{
	(void)self;
	if (unlikely(alignment > PORTER_ALIGNMENT))
		return reallocate_aligned(ptr, old_size, new_size, alignment);
	return realloc(ptr, at_least(new_size, alignment));
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	(void)self;
	(void)size;
	if (unlikely(alignment > PORTER_ALIGNMENT) &&
	    alignment < OVERALLOCATE_BELOW)
		ptr = base_of(ptr);
	free(ptr);
}

static void release_unused(porter_allocator *self)
{
	(void)self;
#if defined(__GLIBC__)
	malloc_trim(0);
#endif
}

static const struct porter_allocator_vtable system_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "system",
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
	.release_unused = release_unused,
	.allocate_zeroed = allocate_zeroed,
};

porter_allocator porter__system = { .vtable = &system_vtable };

/* ---- Small blocks ---- */

/* Of many neighbours some are misaligned, where any may be. */
static bool small_blocks_are_aligned(void)
{
	enum { BLOCKS = 32 };
	void *blocks[BLOCKS];
	uintptr_t bits = 0;

	for (size_t size = 1; size < PORTER_ALIGNMENT; size *= 2) {
		for (int i = 0; i < BLOCKS; i++) {
			blocks[i] = malloc(size);
			/* Without a block there is no answer: to be careful, 1. */
			bits |= blocks[i] ? (uintptr_t)blocks[i] : 1;
		}
		for (int i = 0; i < BLOCKS; i++)
			free(blocks[i]);
	}
	return bits % PORTER_ALIGNMENT == 0;
}

/*
 * Threads that ask at the same time find the same. A program's malloc that makes a
 * tracker comes here again, in the thread that asks.
 */
bool porter__malloc_aligns_small_blocks(void)
{
	uintptr_t now = load_relaxed(&small_blocks);
	uintptr_t me = (uintptr_t)pthread_self();

	if (now == me)
		return false;
	if (now != THEY_ARE && now != THEY_ARE_NOT) {
		store_relaxed(&small_blocks, me);
		now = small_blocks_are_aligned() ? THEY_ARE : THEY_ARE_NOT;
		store_relaxed(&small_blocks, now);
	}
	return now == THEY_ARE;
}

/* ---- Without the table ---- */

static void *malloc_aligned(size_t size)
{
	return malloc(at_least(size, PORTER_ALIGNMENT));
}

struct direct porter__system_direct(void)
{
	return (struct direct){
		porter__malloc_aligns_small_blocks() ? malloc : malloc_aligned,
		free,
	};
}
