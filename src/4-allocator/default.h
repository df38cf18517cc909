/* SPDX-License-Identifier: MIT */
/*
 * default.h: the allocator of the process, which must not be destroyed.
 */
#ifndef PORTER_DEFAULT_H
#define PORTER_DEFAULT_H

#include <portermem/allocator.h>

#include <stdbool.h>

/* Whether the process default is this one, or would be without the program. */
bool porter__is_default(const porter_allocator *a);

#endif /* PORTER_DEFAULT_H */
