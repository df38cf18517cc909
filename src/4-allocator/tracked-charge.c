/* SPDX-License-Identifier: MIT */
/*
 * tracked-charge.c: bytes that a tracker counts and never allocated.
 *
 *	tracker ----> tracker ----> any other allocator
 *	 counts        counts        is not asked
 *
 * They count as a block does, in the tracker and in the trackers under it, so
 * that the whole holds its parts; and each may refuse them, as it may a block:
 * then those above it have asked in vain, and count that as a failure.
 */
#include "4-allocator/tracked.h"

static porter_tracked *below(const porter_tracked *t)
{
	return porter_tracked_cast(t->underlying);
}

static bool charge_all(porter_tracked *t, size_t size)
{
	struct operation op;

	if (!t)
		return true;
	if (!centre_of(t)) {
		if (!charge_all(below(t), size)) {
			porter__tracked_failed(t);
			return false;
		}
		charge(t, size);
		return true;
	}
	if (!porter__take(t, size, &op))
		return false;
	if (!charge_all(below(t), size)) {
		porter__took_for_nothing(t, size, &op);
		return false;
	}
	porter__took(t, size, ALLOCATIONS, &op);
	return true;
}

int porter_charge(porter_tracked *t, size_t size)
{
	if (size <= PTRDIFF_MAX)
		return charge_all(t, size) ? 0 : -1;
	porter__tracked_failed(t);
	return -1;
}

void porter_refund(porter_tracked *t, size_t size)
{
	struct operation op;

	for (; t; t = below(t)) {
		if (!centre_of(t)) {
			refund(t, size);
			continue;
		}
		porter__give(t, size, &op);
		porter__gave(t, size, FREES, &op);
	}
}
