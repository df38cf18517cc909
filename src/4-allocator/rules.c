/* SPDX-License-Identifier: MIT */
/*
 * rules.c: the symbols of the inline functions that keep the rules of
 * allocator.h, and where they end when a rule is broken.
 */
#include "4-allocator/refusal.h"

extern inline void *porter_allocate(porter_allocator *a, size_t size);
extern inline void *porter_reallocate(porter_allocator *a, void *ptr,
				      size_t old_size, size_t new_size);
extern inline void porter_free(porter_allocator *a, void *ptr, size_t size);
extern inline void *porter_allocate_aligned(porter_allocator *a, size_t size,
					    size_t alignment);
extern inline void *porter_reallocate_aligned(porter_allocator *a, void *ptr,
					      size_t old_size, size_t new_size,
					      size_t alignment);
extern inline void porter_free_aligned(porter_allocator *a, void *ptr,
				       size_t size, size_t alignment);

void *porter_refuse(porter_allocator *a, int error)
{
	porter_tracked *t = porter_tracked_cast(a);

	if (t)
		porter__failed(t);
	else
		porter__forget_refusal();
	errno = error;
	return NULL;
}
