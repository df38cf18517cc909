/* SPDX-License-Identifier: MIT */
/*
 * growth.cc: one thread, and usage that only grows.
 *
 *	new-peaks/...	allocations of which each is a new peak. The frees and
 *			the reset between two rounds are not measured.
 *	grow/SxC	charges of 4 KiB, to 1 GiB in all, in each of C children
 *			the same part; S threads have used each child. ns of the
 *			processor for a charge.
 *	dearest/SxC	the one charge of these that took most, in ns of the
 *			processor
 *
 * A growth that takes longer than a second is broken off; its mean stands.
 */
#include "../pairs.h"
#include "../tracker.h"
#include "blocks.h"
#include "crowd.h"
#include "rows.h"

#include <malloc.h>

static const size_t STEP = 4096;
static const int64_t GOAL = 1 << 30;
static const double PATIENCE_NS = 1e9;

static sample new_peaks(porter_allocator *a, porter_tracked *t)
{
	std::vector<void *> blocks(4096);
	const size_t size = 256;
	double start, allocating = 0;
	uint64_t count = 0;
	spent all;

	bind_to_processor(0);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	all.begin();
	start = wall_ns();
	for (int round = 0; round < 2 || wall_ns() - start < SAMPLE_NS;
	     round++) {
		double from = wall_ns();

		for (auto &b : blocks)
			b = porter_allocate(a, size);
		if (round > 0) {
			allocating += wall_ns() - from;
			count += blocks.size();
		}
		for (auto &b : blocks)
			porter_free(a, b, size);
		if (t)
			porter_peak_reset(t);
	}
	all.end(1);
	return { allocating / static_cast<double>(count),
		 all.by_wall().measured };
}

static std::vector<porter_tracked *> used_children(int threads, size_t n)
{
	porter_tracked *parent = make_tracker();
	std::vector<porter_tracked *> all(n);

	for (auto &t : all)
		t = make_tracker(parent);
	add_crowd(threads, ENDED, [&](int) {
		for (porter_tracked *t : all)
			use_a_little(porter_tracked_allocator(t));
	});
	return all;
}

/* Calls charge(tracker) until the goal is reached; returns how often. */
template <class Charge>
static uint64_t grow(const std::vector<porter_tracked *> &all, Charge charge)
{
	const uint64_t steps = GOAL / STEP / all.size();
	const double start = thread_ns();
	uint64_t count = 0;

	for (porter_tracked *t : all)
		for (uint64_t i = 0; i < steps; i++) {
			charge(t);
			count++;
			if (count % 1024 == 0 &&
			    thread_ns() - start > PATIENCE_NS)
				return count;
		}
	return count;
}

static sample growth(int threads, size_t children)
{
	auto all = used_children(threads, children);
	spent s;

	bind_to_processor(0);
	s.begin();
	s.end(grow(all, [](porter_tracked *t) { porter_charge(t, STEP); }));
	return s.by_processor();
}

static sample dearest(int threads, size_t children)
{
	auto all = used_children(threads, children);
	double most = 0, last;

	bind_to_processor(0);
	last = thread_ns();
	grow(all, [&](porter_tracked *t) {
		double now;

		porter_charge(t, STEP);
		now = thread_ns();
		most = std::max(most, now - last);
		last = now;
	});
	return { most, 1 };
}

void add_rows_of_growth(void)
{
	add_row("new-peaks/portermem", CHEAP, [] {
		porter_tracked *t = make_tracker();

		return new_peaks(porter_tracked_allocator(t), t);
	});
	add_row("new-peaks/untracked", CHEAP,
		[] { return new_peaks(porter_backend("system"), nullptr); });
	add_row("grow/8x1", CHEAP, [] { return growth(8, 1); });
	add_row("grow/1000x100", DEAR, [] { return growth(1000, 100); });
	add_row("dearest/8x1", CHEAP, [] { return dearest(8, 1); });
	add_row("dearest/1000x100", DEAR, [] { return dearest(1000, 100); });
}
