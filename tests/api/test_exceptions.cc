/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of C++ through the library: from allocators, and from all functions
 * that it calls in the thread of the program's call. Afterwards all numbers are
 * as if the function had failed.
 */
#include "adapters/tap.hpp"

#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

/* ---- An allocator that throws when it has to ---- */

struct thrower {
	porter_allocator base;
	bool throws;
};

void throw_if_to(porter_allocator *self)
{
	if (reinterpret_cast<thrower *>(self)->throws)
		throw std::bad_alloc();
}

void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	throw_if_to(self);
	return porter_allocate_aligned(porter_backend("system"), size,
				       alignment);
}

void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
		 size_t new_size, size_t alignment)
{
	throw_if_to(self);
	return porter_reallocate_aligned(porter_backend("system"), ptr,
					 old_size, new_size, alignment);
}

void release(porter_allocator *self, void *ptr, size_t size, size_t alignment)
{
	porter_free_aligned(porter_backend("system"), ptr, size, alignment);
	throw_if_to(self);
}

const porter_allocator_vtable table = {
	sizeof(table), "thrower", allocate, reallocate,
	release,       nullptr,	  nullptr,
};

/* ---- Trackers of every kind over it ---- */

enum { LIMIT = 100000, TIMES = 20 };

porter_tracked *make(porter_allocator *underlying, int64_t limit,
		     porter_tracked *parent = nullptr,
		     porter_on_refused on_refused = nullptr)
{
	porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;

	o.limit = limit;
	o.parent = parent;
	o.on_refused = on_refused;
	porter_tracked *t = porter_tracked_new_with(underlying, &o);

	EXPECT(t);
	return t;
}

void end(porter_tracked *t)
{
	int64_t left = -1;

	EXPECT_EQUAL(porter_tracked_destroy(t, &left), 0);
	EXPECT_EQUAL(left, 0);
}

porter_stats stats_of(const porter_tracked *t)
{
	porter_stats s = PORTER_STATS_INIT;

	EXPECT_EQUAL(porter_tracked_stats(t, &s), 0);
	return s;
}

/* All that is free there can be had: nothing stayed charged. */
void expect_room(porter_tracked *t, size_t room)
{
	EXPECT_EQUAL(porter_charge(t, room), 0);
	if (porter_tracked_limit(t))
		EXPECT_EQUAL(porter_charge(t, 1), -1);
	porter_refund(t, room);
}

template <class Exception, class Do> void expect_throw(Do what)
{
	bool thrown = false;

	try {
		what();
	} catch (const Exception &) {
		thrown = true;
	}
	EXPECT(thrown);
}

/* A block of 1,000 bytes is there, another is asked for in each way. */
void throw_in_each_way(thrower &below, porter_tracked *t)
{
	porter_allocator *a = porter_tracked_allocator(t);
	void *block = porter_allocate(a, 1000);
	void *with_header = porter_malloc(t, 1000);
	uint64_t failures = stats_of(t).failures;

	EXPECT(block && with_header);
	below.throws = true;
	for (int i = 0; i < TIMES; i++) {
		expect_throw<std::bad_alloc>([&] { porter_allocate(a, 5000); });
		expect_throw<std::bad_alloc>(
			[&] { (a->vtable->allocate_zeroed)(a, 5000, 64); });
		expect_throw<std::bad_alloc>(
			[&] { porter_reallocate(a, block, 1000, 6000); });
		expect_throw<std::bad_alloc>(
			[&] { porter_reallocate(a, block, 1000, 10); });
		expect_throw<std::bad_alloc>([&] { porter_malloc(t, 5000); });
		expect_throw<std::bad_alloc>(
			[&] { porter_calloc(t, 5, 1000); });
		expect_throw<std::bad_alloc>(
			[&] { porter_realloc(t, with_header, 6000); });
	}
	below.throws = false;
	EXPECT_EQUAL(porter_bytes_used(t), 2000);
	EXPECT_EQUAL(stats_of(t).allocations, 2u);
	EXPECT_EQUAL(stats_of(t).reallocations, 0u);
	EXPECT_EQUAL(stats_of(t).total_allocated, 2000u);
	EXPECT_EQUAL(stats_of(t).failures, failures + 7u * TIMES);
	expect_room(t, LIMIT - 2000);
	/* They are as they were. */
	porter_free(a, block, 1000);
	porter_mfree(t, with_header);
	expect_room(t, LIMIT);
}

void an_allocator_that_throws_leaves_nothing_behind()
{
	thrower below = { { &table }, false };
	porter_tracked *unbounded = make(&below.base, 0);
	porter_tracked *bounded = make(&below.base, LIMIT);
	porter_tracked *parent = make(nullptr, LIMIT);
	porter_tracked *child = make(&below.base, 0, parent);
	/* A header of the upper one counts as part of a block in the lower. */
	porter_tracked *lower = make(&below.base, 2 * LIMIT);
	porter_tracked *over = make(porter_tracked_allocator(lower), LIMIT);

	throw_in_each_way(below, unbounded);
	throw_in_each_way(below, bounded);
	throw_in_each_way(below, child);
	throw_in_each_way(below, over);
	expect_room(parent, LIMIT);
	expect_room(lower, 2 * LIMIT);
	end(over);
	end(lower);
	end(child);
	end(parent);
	end(bounded);
	end(unbounded);
}

void a_free_that_throws_has_freed()
{
	thrower below = { { &table }, false };

	for (int64_t limit : { 0, (int)LIMIT }) {
		porter_tracked *t = make(&below.base, limit);
		porter_tracked *over = make(porter_tracked_allocator(t), limit);
		porter_allocator *a = porter_tracked_allocator(over);

		for (int i = 0; i < TIMES; i++) {
			void *block = porter_allocate(a, 5000);

			EXPECT(block);
			below.throws = true;
			expect_throw<std::bad_alloc>(
				[&] { porter_free(a, block, 5000); });
			below.throws = false;
		}
		EXPECT_EQUAL(porter_bytes_used(over), 0);
		EXPECT_EQUAL(stats_of(t).frees, (unsigned)TIMES);
		expect_room(over, LIMIT);
		end(over);
		end(t);
	}
}

/* ---- on_refused ---- */

int refuse(porter_tracked *, size_t, void *)
{
	throw std::length_error("memory limit exceeded");
}

void refuse_in_each_way(porter_tracked *t)
{
	porter_allocator *a = porter_tracked_allocator(t);
	void *block = porter_allocate(a, 1000);

	EXPECT(block);
	for (int i = 0; i < TIMES; i++) {
		expect_throw<std::length_error>(
			[&] { porter_allocate(a, LIMIT); });
		expect_throw<std::length_error>(
			[&] { porter_allocate_aligned(a, LIMIT, 64); });
		expect_throw<std::length_error>(
			[&] { porter_reallocate(a, block, 1000, LIMIT + 1); });
		expect_throw<std::length_error>(
			[&] { porter_calloc(t, LIMIT, 1); });
		expect_throw<std::length_error>(
			[&] { porter_charge(t, LIMIT); });
		expect_throw<std::length_error>(
			[&] { porter_charge_resize(t, 1, LIMIT + 1); });
	}
	EXPECT_EQUAL(porter_bytes_used(t), 1000);
	porter_free(a, block, 1000);
}

void on_refused_may_throw()
{
	porter_tracked *below = make(nullptr, LIMIT, nullptr, refuse);
	porter_tracked *over = make(porter_tracked_allocator(below), 2 * LIMIT);
	porter_tracked *child = make(nullptr, 0, below);

	refuse_in_each_way(below);
	EXPECT_EQUAL(stats_of(below).refusals, 6u * TIMES);
	EXPECT_EQUAL(stats_of(below).failures, 0u);
	refuse_in_each_way(child);
	/* What the upper one has charged is cancelled: it has failed. */
	refuse_in_each_way(over);
	EXPECT_EQUAL(stats_of(over).failures, 6u * TIMES);
	EXPECT_EQUAL(stats_of(over).refusals, 0u);
	EXPECT_EQUAL(porter_bytes_used(below), 0);
	EXPECT_EQUAL(porter_tracked_set_on_refused(below, nullptr, nullptr), 0);
	expect_room(below, LIMIT);
	EXPECT_EQUAL(porter_tracked_set_limit(below, 0), 0);
	expect_room(over, 2 * LIMIT);
	end(child);
	end(over);
	end(below);
}

/* ---- Other functions ---- */

int evict(void *t)
{
	porter_refund(static_cast<porter_tracked *>(t), 10);
	throw std::runtime_error("evict");
}

void evict_may_throw()
{
	porter_tracked *t = make(nullptr, LIMIT);

	EXPECT_EQUAL(porter_charge(t, 1000), 0);
	expect_throw<std::runtime_error>(
		[&] { porter_tracked_trim(t, 0, evict, t); });
	EXPECT_EQUAL(porter_bytes_used(t), 990);
	porter_refund(t, 990);
	expect_room(t, LIMIT);
	end(t);
}

int visit(porter_tracked *, void *)
{
	throw std::runtime_error("visit");
}

/*
 * While a walk goes on, children that left are not used again. This one is over,
 * though its thread lives on: a few take turns.
 */
void visit_may_throw()
{
	porter_tracked *parent = make(nullptr, 0);
	porter_tracked *child = make(nullptr, 0, parent);
	std::set<porter_tracked *> places;

	for (int i = 0; i < TIMES; i++)
		expect_throw<std::runtime_error>([&] {
			porter_tracked_foreach_child(parent, visit, nullptr);
		});
	std::thread([&] {
		for (int i = 0; i < 5000; i++) {
			porter_tracked *other = make(nullptr, 0, parent);

			places.insert(other);
			end(other);
		}
	}).join();
	EXPECT(places.size() < 500);
	end(child);
	end(parent);
}

/* ---- The thread of the library ---- */

void crossed(porter_tracked *, int, const porter_watch_event *, void *)
{
	throw std::runtime_error("nobody catches this");
}

void cross(void *)
{
	porter_tracked *t = porter_tracked_new(nullptr);
	porter_watch w = PORTER_WATCH_INIT;

	w.high = 1000;
	w.callback = crossed;
	must(porter_watch_add(t, &w) >= 0);
	must(porter_charge(t, 1000) == 0);
	for (;;)
		pause();
}

void what_a_watch_throws_ends_the_program()
{
	if (under_a_tool())
		tap::skip_test("the tool's locks may be held in the child");
	if (getenv("PORTER_TEST_EMULATOR"))
		tap::skip_test(
			"the emulator ends when a child starts a thread");
	child_end how = in_child(cross, nullptr);

	EXPECT(WIFSIGNALED(how.status));
	EXPECT_EQUAL(WTERMSIG(how.status), SIGABRT);
	EXPECT(std::string(how.text).find("nobody catches this") !=
	       std::string::npos);
}

} /* namespace */

int main()
{
	return tap::run({
		{ "an_allocator_that_throws_leaves_nothing_behind",
		  an_allocator_that_throws_leaves_nothing_behind },
		{ "a_free_that_throws_has_freed",
		  a_free_that_throws_has_freed },
		{ "on_refused_may_throw", on_refused_may_throw },
		{ "evict_may_throw", evict_may_throw },
		{ "visit_may_throw", visit_may_throw },
		{ "what_a_watch_throws_ends_the_program",
		  what_a_watch_throws_ends_the_program },
	});
}
