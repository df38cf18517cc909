/* SPDX-License-Identifier: MIT */
/*
 * tracked-charge.c: bytes that a tracker counts and never allocated.
 *
 *	tracker ----> tracker ----> any other allocator
 *	 counts        counts        is not asked
 *
 * They count as a block does: in the tracker, and in each tracker that is its
 * underlying allocator, and so on. Each of these may refuse them. Those above the
 * one that refuses then cancel what they have charged, and count a failure.
 */
#include "4-allocator/request.h"

static porter_tracked *below(const porter_tracked *t)
{
	return porter_tracked_cast(t->underlying);
}

static bool charge_all(porter_tracked *t, size_t size, enum word event)
{
	porter_tracked *next = below(t);
	REQUEST request = NO_REQUEST;

	if (!charge(t, size))
		return false;
	porter__request(&request, t, size);
	if (next && !charge_all(next, size, event))
		return false;
	porter__grant(&request);
	counter_add(&t->counter, event, 1);
	return true;
}

static void uncharge_all(porter_tracked *t, size_t size, enum word event)
{
	for (; t; t = below(t)) {
		counter_add(&t->counter, event, 1);
		uncharge(&t->account, size);
	}
}

static int charge_or_fail(porter_tracked *t, size_t size, enum word event)
{
	if (size <= PTRDIFF_MAX)
		return charge_all(t, size, event) ? 0 : -1;
	porter__failed(t);
	return -1;
}

int porter_charge(porter_tracked *t, size_t size)
{
	return charge_or_fail(t, size, ALLOCATIONS);
}

void porter_refund(porter_tracked *t, size_t size)
{
	uncharge_all(t, size, FREES);
}

int porter_charge_resize(porter_tracked *t, size_t old_size, size_t new_size)
{
	if (new_size > old_size)
		return charge_or_fail(t, new_size - old_size, REALLOCATIONS);
	uncharge_all(t, old_size - new_size, REALLOCATIONS);
	return 0;
}
