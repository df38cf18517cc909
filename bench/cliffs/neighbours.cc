/* SPDX-License-Identifier: MIT */
/*
 * neighbours.cc: what a thread pays for what another does now.
 *
 *	victim/WHAT	short-lived blocks in one child, bound to the first
 *			processor; on the second one a thread that is WHAT: idle,
 *			or growing without end, in another hierarchy (stranger) or
 *			in a child of the same parent (sibling). 100 threads have
 *			used 100 children of that parent before.
 *	worst/WHAT	the longest of these pairs, by the clock
 *	handover/...	one thread allocates, another frees; a block
 */
#include "../tracker.h"
#include "blocks.h"
#include "crowd.h"
#include "rows.h"

#include <atomic>
#include <functional>
#include <unistd.h>

enum company { NOBODY, STRANGER, SIBLING };

static const double SAMPLE_OF_TWO_NS = 20e6;
static const int OTHERS = 100;

/* Starts the other thread and returns when it works. */
static void stand_beside(porter_tracked *grows)
{
	std::atomic<bool> works{ false };

	std::thread([&works, grows] {
		bind_to_processor(1);
		works = true;
		while (!grows)
			pause();
		for (;;)
			porter_charge(grows, 4096);
	}).detach();
	while (!works)
		std::this_thread::yield();
}

static porter_tracked *parent_of_many()
{
	porter_tracked *parent = make_tracker();
	std::vector<porter_allocator *> children(OTHERS);

	for (auto &a : children)
		a = porter_tracked_allocator(make_tracker(parent));
	add_crowd(OTHERS, ENDED, [&](int) {
		for (porter_allocator *a : children)
			use_a_little(a);
	});
	return parent;
}

static porter_allocator *victim_of(company what)
{
	porter_tracked *parent = parent_of_many();
	porter_tracked *victim = make_tracker(parent);

	bind_to_processor(0);
	stand_beside(what == NOBODY   ? nullptr :
		     what == STRANGER ? make_tracker(parent_of_many()) :
					make_tracker(parent));
	return porter_tracked_allocator(victim);
}

static sample throughput(company what)
{
	short_lived<in_turn> worker({ victim_of(what) }, 0);

	return work_for(SAMPLE_OF_TWO_NS, worker).by_wall();
}

/* Not counted is how long this thread waits for its processor. */
static sample worst(company what)
{
	porter_allocator *a = victim_of(what);
	double most = 0, waited = kept_waiting_ns(), last, start;

	last = start = wall_ns();
	while (last - start < SAMPLE_OF_TWO_NS) {
		double took;

		porter_free(a, porter_allocate(a, 256), 256);
		took = wall_ns() - last;
		if (took > most) {
			double now = kept_waiting_ns();

			most = std::max(most, took - (now - waited));
			waited = now;
		}
		last = wall_ns();
	}
	return { most, 1 };
}

/* One producer, one consumer, and a ring between them. */
struct ring {
	enum : size_t { SIZE = 1024, TOTAL = 64 * SIZE };
	struct {
		void *ptr;
		size_t size;
	} blocks[SIZE];
	alignas(128) std::atomic<size_t> put{ 0 };
	alignas(128) std::atomic<size_t> taken{ 0 };
};

/* Both do what they can at once, or let others run. */
static size_t put_some(ring &r, porter_allocator *a, chance &random)
{
	size_t at = r.put.load(std::memory_order_relaxed);
	size_t end = r.taken.load(std::memory_order_acquire) + ring::SIZE;
	size_t n = std::min(end - at, ring::SIZE / 4);

	for (size_t i = 0; i < n; i++) {
		auto &b = r.blocks[(at + i) % ring::SIZE];

		b.size = block_size(random.next());
		b.ptr = porter_allocate(a, b.size);
	}
	r.put.store(at + n, std::memory_order_release);
	return n;
}

static size_t take_some(ring &r, porter_allocator *a)
{
	size_t at = r.taken.load(std::memory_order_relaxed);
	size_t end = r.put.load(std::memory_order_acquire);
	size_t n = std::min(end - at, ring::SIZE / 4);

	for (size_t i = 0; i < n; i++) {
		auto &b = r.blocks[(at + i) % ring::SIZE];

		porter_free(a, b.ptr, b.size);
	}
	r.taken.store(at + n, std::memory_order_release);
	return n;
}

static void hand_over(ring &r, porter_allocator *a, bool takes)
{
	chance random = { 1 };
	size_t done = 0;

	while (done < ring::TOTAL) {
		size_t n = takes ? take_some(r, a) : put_some(r, a, random);

		if (n == 0)
			sched_yield();
		done += n;
	}
}

static sample handover(porter_allocator *a)
{
	static ring r;
	spent all;
	std::thread taker([=] {
		bind_to_processor(1);
		hand_over(r, a, true);
	});

	bind_to_processor(0);
	all.begin();
	hand_over(r, a, false);
	taker.join();
	all.end(ring::TOTAL);
	return all.by_wall();
}

void add_rows_of_neighbours(void)
{
	const struct {
		const char *name;
		company what;
	} companies[] = { { "idle", NOBODY },
			  { "stranger", STRANGER },
			  { "sibling", SIBLING } };

	for (auto &c : companies) {
		company what = c.what;

		add_row(std::string("victim/") + c.name, CHEAP,
			[=] { return throughput(what); });
		add_row(std::string("worst/") + c.name, CHEAP,
			[=] { return worst(what); });
	}
	add_row("handover/untracked", CHEAP,
		[] { return handover(porter_backend("system")); });
	add_row("handover/peak", CHEAP, [] {
		return handover(porter_tracked_allocator(make_tracker()));
	});
	add_row("handover/far", CHEAP, [] {
		return handover(
			porter_tracked_allocator(make_tracker(nullptr, FAR)));
	});
}
