/* SPDX-License-Identifier: MIT */
/*
 * counted.h: an allocator that counts in one of the ways of this folder.
 *
 * It has the same table as every allocator here, and the same advantage that
 * a tracked allocator has over the system backend: malloc and free are called
 * directly, without a second table. The number lies apart from the pointer to
 * the table, which all threads read.
 */
#ifndef PORTER_BENCH_COUNTED_H
#define PORTER_BENCH_COUNTED_H

#include <portermem/portermem.h>

#include <cstdlib>

template <class Way> struct counted {
	porter_allocator allocator;
	alignas(128) Way way;

	counted() : allocator{ &vtable }
	{
	}

	static Way &way_of(porter_allocator *self)
	{
		return reinterpret_cast<counted *>(self)->way;
	}

	static void *allocate(porter_allocator *self, size_t size,
			      size_t alignment)
	{
		void *block;

		if (__builtin_expect(alignment <= PORTER_ALIGNMENT, 1))
			block = malloc(size);
		else
			block = porter_allocate_aligned(
				porter_backend("system"), size, alignment);
		if (__builtin_expect(block != nullptr, 1))
			way_of(self).charge(static_cast<int64_t>(size));
		return block;
	}

	static void *reallocate(porter_allocator *self, void *ptr,
				size_t old_size, size_t new_size,
				size_t alignment)
	{
		void *block = porter_reallocate_aligned(
			porter_backend("system"), ptr, old_size, new_size,
			alignment);

		if (block && new_size > old_size)
			way_of(self).charge(
				static_cast<int64_t>(new_size - old_size));
		else if (block)
			way_of(self).refund(
				static_cast<int64_t>(old_size - new_size));
		return block;
	}

	static void release(porter_allocator *self, void *ptr, size_t size,
			    size_t alignment)
	{
		way_of(self).refund(static_cast<int64_t>(size));
		if (__builtin_expect(alignment <= PORTER_ALIGNMENT, 1))
			free(ptr);
		else
			porter_free_aligned(porter_backend("system"), ptr, size,
					    alignment);
	}

	static const porter_allocator_vtable vtable;
};

template <class Way>
const porter_allocator_vtable counted<Way>::vtable = {
	sizeof(porter_allocator_vtable),
	"counted",
	allocate,
	reallocate,
	release,
	nullptr,
	nullptr,
};

#endif /* PORTER_BENCH_COUNTED_H */
