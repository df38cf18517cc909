/* SPDX-License-Identifier: MIT */
/*
 * vtable.h: looking into the table of an allocator.
 */
#ifndef PORTER_VTABLE_H
#define PORTER_VTABLE_H

#include <portermem/allocator.h>

#include <stdbool.h>

/* Whether an allocator's table has what must be there. */
bool porter__is_allocator(const porter_allocator *a);

/*
 * A block whose bytes are all 0. What the allocator knows to be zero already it
 * need not write; one whose table has no allocate_zeroed gives any block, which
 * is filled here.
 */
void *porter__allocate_zeroed(porter_allocator *a, size_t size,
			      size_t alignment);

#endif /* PORTER_VTABLE_H */
