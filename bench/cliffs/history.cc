/* SPDX-License-Identifier: MIT */
/*
 * history.cc: trackers and counters that come and go.
 *
 *	counter/WHEN	adds to a counter, pairs in a tracker, that was made as
 *	tracker/WHEN	the first (fresh) or after 4,096 had been destroyed
 *	destroy/ORDER	destroying 40,000 children, oldest or newest first; ns
 *			for each; broken off after a second
 *	once/WHAT	a tracker made, used for one block and destroyed, 10,000
 *			times: without a limit, with one, or the child of a
 *			parent with one; beside two blocks of malloc
 *	churn/...	threads start, each makes a child, has 64 blocks from it,
 *			destroys it and ends; or has them from the system backend
 */
#include "../tracker.h"
#include "blocks.h"
#include "rows.h"

static const int PREDECESSORS = 4096, CHILDREN = 40000, LIVES = 10000;
static const double PATIENCE_NS = 1e9;

static void leave_counters()
{
	std::vector<porter_counter *> all(PREDECESSORS);

	for (auto &c : all)
		c = porter_counter_new();
	for (auto &c : all)
		porter_counter_destroy(c);
}

static void leave_trackers()
{
	std::vector<porter_tracked *> all(PREDECESSORS);

	for (auto &t : all)
		t = make_tracker();
	for (auto &t : all)
		end_tracker(t);
}

static sample adds()
{
	porter_counter *c = porter_counter_new();

	return measure_team(1, [=](int) {
		return [=]() -> uint64_t {
			for (int i = 0; i < 1024; i++)
				porter_counter_add(c, 1);
			return 1024;
		};
	});
}

static sample pairs()
{
	return measure_pairs<long_lived<in_turn>>(
		1, { porter_tracked_allocator(make_tracker()) });
}

static sample destruction(bool newest_first)
{
	porter_tracked *parent = make_tracker();
	std::vector<porter_tracked *> all(CHILDREN);
	uint64_t done = 0;
	double start;
	spent s;

	for (auto &t : all)
		t = make_tracker(parent);
	if (newest_first)
		std::reverse(all.begin(), all.end());
	bind_to_processor(0);
	s.begin();
	start = wall_ns();
	for (auto &t : all) {
		end_tracker(t);
		done++;
		if (done % 64 == 0 && wall_ns() - start > PATIENCE_NS)
			break;
	}
	s.end(done);
	return s.by_wall();
}

template <class Live> static sample lives(Live live)
{
	spent s;

	bind_to_processor(0);
	s.begin();
	for (int i = 0; i < LIVES; i++)
		live();
	s.end(LIVES);
	return s.by_wall();
}

static void live_once(porter_tracked *parent, int64_t limit)
{
	porter_tracked *t = make_tracker(parent, limit);
	porter_allocator *a = porter_tracked_allocator(t);

	porter_free(a, porter_allocate(a, 64), 64);
	end_tracker(t);
}

/* What a tracker costs that does nothing but exist. */
static void malloc_twice()
{
	void *in_its_place = malloc(1024), *block = malloc(64);

	benchmark::DoNotOptimize(in_its_place);
	benchmark::DoNotOptimize(block);
	free(block);
	free(in_its_place);
}

static void use_blocks(porter_allocator *a)
{
	void *blocks[64];

	for (auto &b : blocks)
		b = porter_allocate(a, 256);
	for (auto &b : blocks)
		porter_free(a, b, 256);
}

/* Without a parent: the system backend. */
static sample churn(porter_tracked *parent)
{
	return measure_team(2, [=](int) {
		return [=]() -> uint64_t {
			std::thread([=] {
				porter_tracked *t;

				if (!parent) {
					use_blocks(porter_backend("system"));
					return;
				}
				t = make_tracker(parent);
				use_blocks(porter_tracked_allocator(t));
				end_tracker(t);
			}).join();
			return 1;
		};
	});
}

void add_rows_of_history(void)
{
	add_row("counter/fresh", CHEAP, adds);
	add_row("counter/after-4096", CHEAP, [] {
		leave_counters();
		return adds();
	});
	add_row("tracker/fresh", CHEAP, pairs);
	add_row("tracker/after-4096", CHEAP, [] {
		leave_trackers();
		return pairs();
	});
	add_row("destroy/oldest-first", DEAR,
		[] { return destruction(false); });
	add_row("destroy/newest-first", DEAR, [] { return destruction(true); });
	add_row("once/malloc", CHEAP, [] { return lives(malloc_twice); });
	add_row("once/plain", CHEAP,
		[] { return lives([] { live_once(nullptr, 0); }); });
	add_row("once/limited", CHEAP,
		[] { return lives([] { live_once(nullptr, 1 << 20); }); });
	add_row("once/child", CHEAP, [] {
		porter_tracked *parent = make_tracker(nullptr, 1 << 20);

		return lives([=] { live_once(parent, 0); });
	});
	add_row("churn/untracked", CHEAP, [] { return churn(nullptr); });
	add_row("churn/portermem", CHEAP,
		[] { return churn(make_tracker(nullptr, FAR)); });
}
