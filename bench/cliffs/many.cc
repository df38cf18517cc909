/* SPDX-License-Identifier: MIT */
/*
 * many.cc: one thread that uses many trackers.
 *
 *	children/N	N children of a parent, one after the other; no limit;
 *			short-lived blocks
 *	holding/N	the same with long-lived blocks
 *	deep/10		the lowest of ten levels; also with a limit at the top
 *	random/8192	8,192 trackers without a parent, by chance
 *	zipf/1000	1,000 children, some of them much more often
 *
 * Each beside "untracked": the same blocks in the same order, all of them from
 * the system backend.
 */
#include "../tracker.h"
#include "blocks.h"
#include "rows.h"

static const int THOUSANDS = 8192, LEVELS = 10;

static allocators children(size_t n)
{
	porter_tracked *parent = make_tracker();
	allocators all(n);

	for (auto &a : all)
		a = porter_tracked_allocator(make_tracker(parent));
	return all;
}

static allocators strangers(size_t n)
{
	allocators all(n);

	for (auto &a : all)
		a = porter_tracked_allocator(make_tracker());
	return all;
}

static allocators deep(int64_t limit)
{
	porter_tracked *t = make_tracker(nullptr, limit);

	for (int i = 1; i < LEVELS; i++)
		t = make_tracker(t);
	return { porter_tracked_allocator(t) };
}

template <class Worker>
static void add_pair_of_rows(const std::string &name, size_t n,
			     const std::function<allocators()> &make)
{
	add_row(name + "/portermem", CHEAP,
		[=] { return measure_pairs<Worker>(1, make()); });
	add_row(name + "/untracked", CHEAP,
		[=] { return measure_pairs<Worker>(1, untracked(n)); });
}

void add_rows_of_many(void)
{
	for (size_t n : { 2, 10, 100, 1000 }) {
		auto make = [=] { return children(n); };

		add_pair_of_rows<short_lived<in_turn>>(
			"children/" + std::to_string(n), n, make);
		add_pair_of_rows<long_lived<in_turn>>(
			"holding/" + std::to_string(n), n, make);
	}
	add_pair_of_rows<long_lived<in_turn>>("deep/10", 1,
					      [] { return deep(0); });
	add_row("deep/10/far", CHEAP, [] {
		return measure_pairs<long_lived<in_turn>>(1, deep(FAR));
	});
	add_pair_of_rows<long_lived<by_chance>>(
		"random/8192", THOUSANDS, [] { return strangers(THOUSANDS); });
	add_pair_of_rows<short_lived<zipf>>("zipf/1000", 1000,
					    [] { return children(1000); });
}
