/* SPDX-License-Identifier: MIT */
/*
 * largest.h: the children of a tracker that have most in use.
 */
#ifndef PORTER_LARGEST_H
#define PORTER_LARGEST_H

#include "4-allocator/tracked.h"

struct largest {
	uint64_t children; /* all of them */
	uint32_t count;	   /* how many of these are filled, the largest first */
	struct porter_refusal_child child[PORTER_REFUSAL_CHILDREN];
};

/* A walk over the children and the slots. */
struct largest porter__largest_children(const porter_tracked *t);

#endif /* PORTER_LARGEST_H */
