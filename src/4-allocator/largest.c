/* SPDX-License-Identifier: MIT */
/*
 * largest.c: the children of a tracker that have most in use.
 */
#include "4-allocator/largest.h"

#include <string.h>

/* Into its place among the largest; the smallest falls out. */
static int consider(porter_tracked *child, void *context)
{
	struct largest *out = context;
	int64_t bytes = porter_bytes_used(child);
	uint32_t i = out->count;

	out->children++;
	if (i == PORTER_REFUSAL_CHILDREN) {
		if (out->child[--i].bytes_used >= bytes)
			return 0;
	} else {
		out->count++;
	}
	for (; i > 0 && out->child[i - 1].bytes_used < bytes; i--)
		out->child[i] = out->child[i - 1];
	out->child[i].bytes_used = bytes;
	memcpy(out->child[i].name, child->name, sizeof(child->name));
	return 0;
}

struct largest porter__largest_children(const porter_tracked *t)
{
	struct largest out = { .children = 0 };

	porter_tracked_foreach_child(t, consider, &out);
	return out;
}
