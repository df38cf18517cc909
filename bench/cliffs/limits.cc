/* SPDX-License-Identifier: MIT */
/*
 * limits.cc: how a limit is met.
 *
 *	refusal/birth-N	a request that a root refuses, used by N threads before,
 *	refusal/late-N	with a limit from birth, or one that came afterwards
 *	refused/...	64 threads are refused at once; ns of the processor. In
 *			a tracker, in the lowest of three whose root refuses, in
 *			an exact limiter of one atomic
 *	swing/...	charges of 4 KiB up to the limit, and all back again: usage
 *			swings through where stock is given and where it is not.
 *			Beside the same far from the limit, and one atomic
 *	moving/...	pairs while the limit swings: every 4,096 pairs it is
 *			brought down to 64 KiB above usage, or up again
 *	root-limit/N-threads	1,000 children, N threads, each step any child, where
 *			one block in twenty does not fit below the root's limit;
 *			ns of the processor. Beside one atomic
 *	resident	by how many KiB porter_calloc() of 1 GiB under a limit
 *			makes the memory of the process grow; no time
 */
#include "../peers/cas-limiter.h"
#include "../tracker.h"
#include "blocks.h"
#include "crowd.h"
#include "rows.h"

#include <unistd.h>

static const size_t STEP = 4096, MIB = 1 << 20;

/* Long enough for each of 64 threads to get a processor. */
static const double MANY_THREADS_NS = 60e6;

static porter_tracked *lowest_of_three(int64_t limit)
{
	return make_tracker(make_tracker(make_tracker(nullptr, limit)));
}

static porter_tracked *used_root(int threads, int64_t limit)
{
	porter_tracked *root = limit ? make_tracker(nullptr, limit) :
				       porter_tracked_new(nullptr);

	add_crowd(threads, ENDED,
		  [=](int) { use_a_little(porter_tracked_allocator(root)); });
	return root;
}

static sample refusals(porter_tracked *root, int64_t limit)
{
	porter_tracked_set_limit(root, limit);
	porter_charge(root,
		      static_cast<size_t>(limit - porter_bytes_used(root)));
	return measure_team(1, [=](int) {
		return [=]() -> uint64_t {
			for (int i = 0; i < 64; i++)
				porter_charge(root, STEP);
			return 64;
		};
	});
}

/* refuse() asks for what is not there. */
template <class Refuse> static sample refused_at_once(Refuse refuse)
{
	return measure_team(
		64,
		[=](int) {
			return [=]() -> uint64_t {
				for (int i = 0; i < 16; i++)
					refuse();
				return 16;
			};
		},
		MANY_THREADS_NS);
}

static sample refused_by(porter_tracked *t, int64_t limit)
{
	porter_charge(t, static_cast<size_t>(limit) - STEP / 2);
	return refused_at_once([=] { porter_charge(t, STEP); });
}

/* Each thread swings by 1 MiB; charge and refund are of one step. */
template <class Charge, class Refund>
static sample swing(int threads, Charge charge, Refund refund)
{
	return measure_team(threads, [=](int) {
		return [=]() -> uint64_t {
			const uint64_t steps = MIB / STEP;
			uint64_t granted = 0;

			for (uint64_t i = 0; i < steps; i++)
				granted += charge();
			for (uint64_t i = 0; i < granted; i++)
				refund();
			return steps;
		};
	});
}

/* Left is what the swings have room in, below a limit of 64 MiB. */
static sample swing_tracker(int threads, size_t left)
{
	const size_t limit = 64 * MIB;
	porter_tracked *t = make_tracker(nullptr, static_cast<int64_t>(limit));

	porter_charge(t, limit - left);
	return swing(
		threads, [=] { return porter_charge(t, STEP) == 0; },
		[=] { porter_refund(t, STEP); });
}

static sample swing_atomic(int threads)
{
	static cas_limiter one(static_cast<int64_t>(MIB) * threads);

	return swing(
		threads, [] { return one.take(STEP); },
		[] { one.bytes.fetch_sub(STEP, std::memory_order_relaxed); });
}

static sample moving_limit(bool moves)
{
	porter_tracked *t = make_tracker(nullptr, FAR);
	porter_allocator *a = porter_tracked_allocator(t);

	return measure_team(2, [=](int thread) {
		long_lived<in_turn> pairs({ a }, thread);
		unsigned turn = 0;

		return [=]() mutable -> uint64_t {
			if (moves && thread == 0 && ++turn % 16 == 0)
				porter_tracked_set_limit(
					t, turn % 32 ? porter_bytes_used(t) +
							       (64 << 10) :
						       FAR);
			return pairs();
		};
	});
}

static int64_t nearly_all(int threads, size_t blocks)
{
	return static_cast<int64_t>(blocks) * threads * (SMALLEST + LARGEST) /
	       2 * 19 / 20;
}

static sample many_at_root(int threads, bool tracked)
{
	const size_t n = 1000;
	const int64_t limit = nearly_all(threads, n);
	static cas_limiter one(limit);
	porter_tracked *root = make_tracker(nullptr, limit);
	allocators all(n, &one.allocator);

	if (tracked)
		for (auto &a : all)
			a = porter_tracked_allocator(make_tracker(root));
	return measure_pairs<long_lived<by_chance>>(threads, all,
						    MANY_THREADS_NS);
}

static sample resident_growth()
{
	porter_tracked *t = make_tracker(nullptr, int64_t(2) << 30);
	long page = getpagesize(), all, before = 0, after = 0;
	auto read = [&](long *resident) {
		FILE *file = fopen("/proc/self/statm", "re");

		if (!file || fscanf(file, "%ld %ld", &all, resident) != 2)
			_exit(1);
		fclose(file);
	};

	porter_mfree(t, porter_calloc(t, 1, 64));
	read(&before);
	if (!porter_calloc(t, 1, 1 << 30))
		_exit(1);
	read(&after);
	return { static_cast<double>((after - before) * page) / 1024, 1 };
}

static void add_refusals()
{
	for (int n : { 1, 1000 })
		add_row("refusal/birth-" + std::to_string(n),
			n < 1000 ? CHEAP : DEAR,
			[=] { return refusals(used_root(n, FAR), 8 * MIB); });
	add_row("refusal/late-1000", DEAR,
		[] { return refusals(used_root(1000, 0), 8 * MIB); });

	add_row("refused/one-atomic", DEAR, [] {
		static cas_limiter full(0);

		return refused_at_once([] { full.take(STEP); });
	});
	add_row("refused/portermem", DEAR,
		[] { return refused_by(make_tracker(nullptr, MIB), MIB); });
	add_row("refused/three-levels", DEAR,
		[] { return refused_by(lowest_of_three(MIB), MIB); });
}

static void add_swings()
{
	for (int threads : { 1, 2 }) {
		std::string name = "swing/" + std::to_string(threads) + "/";
		size_t need = MIB * static_cast<size_t>(threads);

		add_row(name + "portermem", CHEAP,
			[=] { return swing_tracker(threads, need); });
		add_row(name + "far", CHEAP,
			[=] { return swing_tracker(threads, 32 * MIB); });
		add_row(name + "one-atomic", CHEAP,
			[=] { return swing_atomic(threads); });
	}
	add_row("moving/portermem", CHEAP, [] { return moving_limit(true); });
	add_row("moving/far", CHEAP, [] { return moving_limit(false); });
}

void add_rows_of_limits(void)
{
	add_refusals();
	add_swings();
	for (int threads : { 8, 64 }) {
		std::string name =
			"root-limit/" + std::to_string(threads) + "-threads/";

		add_row(name + "portermem", DEAR,
			[=] { return many_at_root(threads, true); });
		add_row(name + "one-atomic", DEAR,
			[=] { return many_at_root(threads, false); });
	}
	add_row("resident", DEAR, resident_growth);
}
