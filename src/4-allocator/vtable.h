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

#endif /* PORTER_VTABLE_H */
