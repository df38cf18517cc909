/* SPDX-License-Identifier: MIT */
/*
 * tracker.h: makes and ends the trackers that benchmarks need.
 */
#ifndef PORTER_BENCH_TRACKER_H
#define PORTER_BENCH_TRACKER_H

#include <portermem/portermem.h>

#include <cstdint>

/* A limit that nothing here comes near to. */
static const int64_t FAR = int64_t(1) << 50;

/* No limit: 0. */
static inline porter_tracked *make_tracker(porter_tracked *parent = nullptr,
					   int64_t limit = 0)
{
	struct porter_tracked_options o = {};

	o.size = sizeof(o);
	o.parent = parent;
	o.limit = limit;
	return porter_tracked_new_with(nullptr, &o);
}

static inline void end_tracker(porter_tracked *t)
{
	porter_tracked_destroy(t, nullptr);
}

#endif /* PORTER_BENCH_TRACKER_H */
