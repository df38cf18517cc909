/* SPDX-License-Identifier: MIT */
/*
 * tracked-limit.c: limits, peaks, and coming down to a target.
 */
#include "4-allocator/tracked-limit.h"

#include "3-account/hierarchy.h"
#include "3-account/limit.h"

#include <errno.h>

/*
 * Threads may be in the middle of calls of the unbounded table. Each such call
 * settles its cell, if it has overdrawn it, before it returns.
 */
void porter__bind(struct account *a)
{
	porter_tracked *t = a->owner;

	store_release(&t->allocator.vtable, &porter__bounded_vtable);
}

int porter_tracked_set_limit(porter_tracked *t, int64_t bytes)
{
	if (bytes < 0) {
		errno = EINVAL;
		return -1;
	}
	if (bytes)
		porter__hierarchy_bound(&t->account, porter__bind);
	porter__account_set_limit(&t->account, bytes ? bytes : INT64_MAX);
	return 0;
}

int64_t porter_tracked_limit(const porter_tracked *t)
{
	int64_t limit = load_relaxed(&t->account.limit);

	return limit == INT64_MAX ? 0 : limit;
}

struct porter_interval porter_peak(const porter_tracked *t)
{
	return peak_read(&t->account.peak);
}

struct porter_interval porter_peak_reset(porter_tracked *t)
{
	return porter__peak_reset(&t->account);
}

/*
 * porter__account_charged() drains, so it is exact. The first call may find many
 * holders; each later one finds only those that have become holders since. It scans
 * no cells.
 */
int64_t porter_tracked_trim(porter_tracked *t, int64_t target,
			    int (*evict)(void *context), void *context)
{
	int64_t charged;

	if (target < 0 || !evict) {
		errno = EINVAL;
		return -1;
	}
	charged = porter__account_charged(&t->account);
	while (charged > target) {
		int64_t before = charged;
		bool more = evict(context);

		charged = porter__account_charged(&t->account);
		if (!more || charged >= before)
			break;
	}
	return charged;
}
