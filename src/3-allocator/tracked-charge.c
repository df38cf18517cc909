/* SPDX-License-Identifier: MIT */
/*
 * tracked-charge.c: bytes that a tracker counts and never allocated.
 *
 * They count as a block does, in the tracker and in the trackers under it, so
 * that the whole holds its parts.
 */
#include "3-allocator/tracked.h"

int porter_charge(porter_tracked *t, size_t size)
{
	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return -1;
	}
	for (; t; t = porter_tracked_cast(t->underlying))
		charge(t, size);
	return 0;
}

void porter_refund(porter_tracked *t, size_t size)
{
	for (; t; t = porter_tracked_cast(t->underlying))
		refund(t, size);
}
