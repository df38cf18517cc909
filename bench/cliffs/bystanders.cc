/* SPDX-License-Identifier: MIT */
/*
 * bystanders.cc: threads work with short-lived blocks; others used the tracker
 * once. Two threads, but for the last kind.
 *
 *	crowd/peak/WHO	a tracker without a limit
 *	crowd/far/WHO	a tracker with a limit that is far away
 *	crowd/near/WHO	one child of a parent whose limit leaves 2 MiB; WHO has
 *			a child for each thread; one thread works
 *
 * WHO is none, or idle-N: N threads that wait for something else, or ended-N:
 * N threads that lived at the same time and are gone.
 */
#include "../tracker.h"
#include "blocks.h"
#include "crowd.h"
#include "rows.h"

static const struct {
	const char *name;
	int threads;
	fate what;
} crowds[] = {
	{ "none", 0, IDLE },	       { "idle-16", 16, IDLE },
	{ "idle-256", 256, IDLE },     { "idle-1000", 1000, IDLE },
	{ "ended-2000", 2000, ENDED },
};

static sample beside(int threads, fate what, int64_t limit)
{
	porter_allocator *a =
		porter_tracked_allocator(make_tracker(nullptr, limit));

	add_crowd(threads, what, [=](int) { use_a_little(a); });
	return measure_pairs<short_lived<in_turn>>(2, { a });
}

static sample beside_consumers(int consumers)
{
	const int64_t held = 4 << 20, left = 2 << 20;
	porter_tracked *parent = make_tracker(nullptr, held + left);
	porter_tracked *active = make_tracker(parent);
	std::vector<porter_tracked *> idle;

	for (int i = 0; i < consumers; i++)
		idle.push_back(make_tracker(parent));
	add_crowd(consumers, IDLE, [=](int i) {
		use_a_little(
			porter_tracked_allocator(idle[static_cast<size_t>(i)]));
	});
	porter_charge(make_tracker(parent), held);
	return measure_pairs<short_lived<in_turn>>(
		1, { porter_tracked_allocator(active) });
}

void add_rows_of_bystanders(void)
{
	for (auto &c : crowds) {
		effort e = c.threads < 1000 ? CHEAP : DEAR;
		int threads = c.threads;
		fate what = c.what;

		add_row(std::string("crowd/peak/") + c.name, e,
			[=] { return beside(threads, what, 0); });
		add_row(std::string("crowd/far/") + c.name, e,
			[=] { return beside(threads, what, FAR); });
	}
	for (int n : { 0, 128 })
		add_row("crowd/near/" + (n ? "idle-" + std::to_string(n) :
					     std::string("none")),
			CHEAP, [=] { return beside_consumers(n); });
}
