/* SPDX-License-Identifier: MIT */
/*
 * odd_malloc.c: a malloc that aligns a block no further than its size asks for.
 *
 *	size		from the slab below, at
 *	up to 1		an odd address
 *	up to 2		an even one that is no multiple of 4
 *	up to 4		...
 *	PORTER_ALIGNMENT or more: the C library's malloc
 *
 * So does jemalloc with 8 bytes, if only for every other block. The linker puts
 * these functions in the place of malloc and its relatives (--wrap).
 */
#include "support.h"

#include <string.h>

/* Never used again. A place is as large as two alignments. */
static char slab[64 << 20] __attribute__((aligned(4096)));
static size_t used;

extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t count, size_t size);
extern void *__real_realloc(void *ptr, size_t size);
extern void __real_free(void *ptr);
extern void *__wrap_malloc(size_t size);
extern void *__wrap_calloc(size_t count, size_t size);
extern void *__wrap_realloc(void *ptr, size_t size);
extern void __wrap_free(void *ptr);

static bool is_odd(const void *ptr)
{
	return (const char *)ptr >= slab &&
	       (const char *)ptr < slab + sizeof(slab);
}

void *__wrap_malloc(size_t size)
{
	size_t aligned_to = 1, place;

	if (size >= PORTER_ALIGNMENT)
		return __real_malloc(size);
	while (aligned_to < size)
		aligned_to *= 2;
	if (aligned_to >= PORTER_ALIGNMENT)
		return __real_malloc(size);
	place = __atomic_fetch_add(&used, 2 * PORTER_ALIGNMENT,
				   __ATOMIC_RELAXED);
	must(place < sizeof(slab));
	return slab + place + aligned_to;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *block;

	if (count * size >= PORTER_ALIGNMENT)
		return __real_calloc(count, size);
	block = __wrap_malloc(count * size);
	return block ? memset(block, 0, count * size) : NULL;
}

void *__wrap_realloc(void *ptr, size_t size)
{
	void *block;

	if (!is_odd(ptr) && size >= PORTER_ALIGNMENT)
		return __real_realloc(ptr, size);
	block = __wrap_malloc(size);
	if (!ptr || !block)
		return block;
	/* More may be readable there than was asked for, never less. */
	memcpy(block, ptr, size < PORTER_ALIGNMENT ? size : PORTER_ALIGNMENT);
	__wrap_free(ptr);
	return block;
}

void __wrap_free(void *ptr)
{
	if (!is_odd(ptr))
		__real_free(ptr);
}
