/* SPDX-License-Identifier: MIT */
/*
 * adapt-nanoarrow.h: nanoarrow's memory through an allocator.
 *
 *	cc file.c nanoarrow.c $(pkg-config --cflags --libs portermem-nanoarrow)
 *
 * The adapter consists of this header. Include the header of nanoarrow before it:
 *
 *	#include <nanoarrow/nanoarrow.h>
 *	#include <portermem/adapt-nanoarrow.h>
 *
 *	ArrowBufferInit(&buffer);
 *	buffer.allocator = porter_nanoarrow_allocator(a);
 *
 *	porter_nanoarrow_set(&array, a);	the buffers of an array
 *
 * The variadic buffers of string and binary views hold values of more than 12 bytes.
 * They use nanoarrow's own allocator: see porter_nanoarrow_set().
 *
 * nanoarrow gets the memory of the structs of arrays and schemas from malloc. A
 * program that compiles nanoarrow.c into itself can have them counted, too: see
 * PORTER_NANOARROW_STRUCTS.
 */
#ifndef PORTER_ADAPT_NANOARROW_H
#define PORTER_ADAPT_NANOARROW_H

#include <portermem/tracked.h>

/*
 * The three functions that nanoarrow's structs are to come from, on a tracker:
 * write PORTER_NANOARROW_STRUCTS(tracker) in one file, with the name of a
 * variable of the type porter_tracked *, and compile nanoarrow.c with
 *
 *	-Dmalloc=porter_nanoarrow_malloc
 *	-Drealloc=porter_nanoarrow_realloc
 *	-Dfree=porter_nanoarrow_free
 *
 * Then buffers with nanoarrow's default allocator count as well.
 */
#ifdef __cplusplus
#define PORTER_NANOARROW_C_ extern "C"
#else
#define PORTER_NANOARROW_C_
#endif
#define PORTER_NANOARROW_STRUCTS(tracker)                                \
	PORTER_NANOARROW_C_ void *porter_nanoarrow_malloc(size_t size);  \
	PORTER_NANOARROW_C_ void *porter_nanoarrow_realloc(void *ptr,    \
							   size_t size); \
	PORTER_NANOARROW_C_ void porter_nanoarrow_free(void *ptr);       \
	void *porter_nanoarrow_malloc(size_t size)                       \
	{                                                                \
		return porter_malloc(tracker, size);                     \
	}                                                                \
	void *porter_nanoarrow_realloc(void *ptr, size_t size)           \
	{                                                                \
		return porter_realloc(tracker, ptr, size);               \
	}                                                                \
	void porter_nanoarrow_free(void *ptr)                            \
	{                                                                \
		porter_mfree(tracker, ptr);                              \
	}                                                                \
	struct porter_nanoarrow_structs_end

#ifdef NANOARROW_VERSION_MAJOR

#ifdef __cplusplus
extern "C" {
#endif

/* Not for programs: sizes are multiples of 64; what is too large, the most. */
static __inline__ size_t porter_nanoarrow_padded_(int64_t size)
{
	if ((uint64_t)size > (uint64_t)(PTRDIFF_MAX - 63))
		return SIZE_MAX;
	return ((size_t)size + 63) & ~(size_t)63;
}

static __inline__ void porter_nanoarrow_free_(struct ArrowBufferAllocator *self,
					      uint8_t *ptr, int64_t size)
{
	porter_free_aligned((porter_allocator *)self->private_data, ptr,
			    porter_nanoarrow_padded_(size), 64);
}

static __inline__ uint8_t *
porter_nanoarrow_reallocate_(struct ArrowBufferAllocator *self, uint8_t *ptr,
			     int64_t old_size, int64_t new_size)
{
	porter_allocator *a = (porter_allocator *)self->private_data;
	uint8_t *block;

	block = (uint8_t *)porter_reallocate_aligned(
		a, ptr, porter_nanoarrow_padded_(old_size),
		porter_nanoarrow_padded_(new_size), 64);
	/* nanoarrow forgets the old one: it would be lost. */
	if (!block)
		porter_nanoarrow_free_(self, ptr, old_size);
	return block;
}

/**
 * porter_nanoarrow_allocator - get an allocator for the buffers of nanoarrow
 * @a: the allocator
 *
 * Assign the result to a buffer that has no block yet. The blocks of the buffer then
 * come from @a, and their addresses and sizes are multiples of 64, as Arrow recommends.
 * A tracker counts the padded capacity. ArrowBufferReset() gives the buffer the
 * allocator of nanoarrow again.
 *
 * If a block cannot grow, nanoarrow reports ENOMEM, and the buffer is empty: the old
 * block has been freed.
 *
 * Ownership: @a must outlive the buffers and the arrays that own them.
 * Return: the struct, by value; it may be copied.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
static __inline__ struct ArrowBufferAllocator
porter_nanoarrow_allocator(porter_allocator *a)
{
	struct ArrowBufferAllocator result;

	result.reallocate = porter_nanoarrow_reallocate_;
	result.free = porter_nanoarrow_free_;
	result.private_data = a;
	return result;
}

/**
 * porter_nanoarrow_set - let the buffers of an array come from an allocator
 * @array: an array that ArrowArrayInitFromType() or a relative has made, with all its
 * children, before ArrowArrayStartAppending()
 * @a: the allocator
 *
 * The function sets the allocator of the buffers of @array, of its children and of its
 * dictionary. It does not set that of the variadic buffers of string and binary views.
 * nanoarrow makes those while it appends, with its own allocator. They count only with
 * PORTER_NANOARROW_STRUCTS.
 *
 * Ownership: @a must outlive the array.
 * Return: nothing.
 * Errors: none.
 * Threads: safe for different arrays. Signals: not safe.
 */
static __inline__ void porter_nanoarrow_set(struct ArrowArray *array,
					    porter_allocator *a)
{
	int64_t i;

	ArrowArrayValidityBitmap(array)->buffer.allocator =
		porter_nanoarrow_allocator(a);
	for (i = 1; i < NANOARROW_MAX_FIXED_BUFFERS; i++)
		ArrowArrayBuffer(array, i)->allocator =
			porter_nanoarrow_allocator(a);
	for (i = 0; i < array->n_children; i++)
		porter_nanoarrow_set(array->children[i], a);
	if (array->dictionary)
		porter_nanoarrow_set(array->dictionary, a);
}

#ifdef __cplusplus
}
#endif

#endif /* NANOARROW_VERSION_MAJOR */

#endif /* PORTER_ADAPT_NANOARROW_H */
