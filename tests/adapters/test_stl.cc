/* SPDX-License-Identifier: MIT */
/*
 * test_stl.cc: containers of C++11 on porter::allocator.
 */
#include <portermem/adapt-pmr.hpp>

#include "adapters/tap.hpp"

#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

template <class T> using vector = std::vector<T, porter::allocator<T>>;
using string = std::basic_string<char, std::char_traits<char>,
				 porter::allocator<char>>;
using map = std::map<int, string, std::less<int>,
		     porter::allocator<std::pair<const int, string>>>;

struct alignas(256) wide {
	char byte[256];
};

/* A container that asks for bytes of which we know the number. */
static void vector_counts_its_capacity()
{
	tap::tracked_picky p;
	vector<int> v(p.get());

	for (int i = 0; i < 5000; i++) {
		v.push_back(i);
		EXPECT_EQUAL(p.bytes(), int64_t(v.capacity() * sizeof(int)));
	}
	v.resize(10);
	v.shrink_to_fit();
	EXPECT_EQUAL(p.bytes(), int64_t(v.capacity() * sizeof(int)));
	EXPECT_EQUAL(v[9], 9);
	vector<int>(p.get()).swap(v);
	EXPECT_EQUAL(p.bytes(), 0);
}

static void all_kinds_of_containers_come_back()
{
	tap::tracked_picky p;
	{
		map m(p.get());
		std::list<long, porter::allocator<long>> l(p.get());
		std::unordered_map<int, int, std::hash<int>, std::equal_to<int>,
				   porter::allocator<std::pair<const int, int>>>
			u(8, std::hash<int>(), std::equal_to<int>(), p.get());
		auto shared = std::allocate_shared<wide>(
			porter::allocator<wide>(p.get()));

		for (int i = 0; i < 300; i++) {
			m.emplace(i, string(size_t(i), 'x', p.get()));
			l.push_back(i);
			u[i] = i;
		}
		EXPECT(p.bytes() > 300 * 299 / 2);
		for (int i = 0; i < 300; i += 2) {
			m.erase(i);
			u.erase(i);
		}
		EXPECT_EQUAL(m.at(299).size(), 299u);
	}
	EXPECT_EQUAL(p.bytes(), 0);
}

static void wide_types_are_aligned()
{
	tap::tracked_picky p;
	vector<wide> v(3, p.get());

	EXPECT_EQUAL(reinterpret_cast<uintptr_t>(v.data()) % 256, 0u);
	EXPECT_EQUAL(p.bytes(), 3 * 256);
	EXPECT_EQUAL(p.alignment_of(v.data()), 256u);
}

/* Blocks move with a moved container; an assigned one keeps its allocator. */
static void containers_of_two_trackers_meet()
{
	tap::tracked_picky a, b;
	vector<int> of_a(100, 1, a.get()), of_b(50, 2, b.get());

	EXPECT(of_a.get_allocator() != of_b.get_allocator());
	EXPECT(of_a.get_allocator() == porter::allocator<char>(a.get()));
	of_b = of_a;
	EXPECT_EQUAL(a.bytes(), 400);
	EXPECT_EQUAL(b.bytes(), 400);
	swap(of_a, of_b);
	EXPECT_EQUAL(of_a.get_allocator().get(), b.get());
	of_b = std::move(of_a);
	EXPECT_EQUAL(a.bytes(), 0);
	EXPECT_EQUAL(b.bytes(), 400);
	EXPECT_EQUAL(of_b.size(), 100u);
}

static void default_is_that_of_the_process()
{
	tap::tracked_picky p;
	porter_allocator *before = porter_set_allocator(p.get());
	{
		vector<int> v(10);

		EXPECT_EQUAL(p.bytes(), 40);
	}
	EXPECT_EQUAL(porter_set_allocator(before), p.get());
}

/* The n-th request fails, for every n: bad_alloc, and nothing is lost. */
static void survives_every_refusal()
{
	size_t n = 0;
	bool refused = true;

	while (refused) {
		tap::tracked_picky p;

		refused = false;
		p.below.fail_at = ++n;
		try {
			map m(p.get());

			for (int i = 0; i < 40; i++)
				m.emplace(i, string(100, 'x', p.get()));
			map copy(m);
		} catch (const std::bad_alloc &) {
			refused = true;
		}
		EXPECT_EQUAL(p.bytes(), 0);
		EXPECT_EQUAL(p.stats().failures, refused ? 1u : 0u);
	}
	EXPECT(n > 100);
}

static void sizes_too_large_are_refused()
{
	tap::tracked_picky p;
	porter::allocator<wide> a(p.get());

	for (size_t n : { SIZE_MAX, SIZE_MAX / 256 + 1, SIZE_MAX / 256 }) {
		bool refused = false;

		try {
			a.allocate(n);
		} catch (const std::bad_alloc &) {
			refused = true;
		}
		EXPECT(refused);
	}
	EXPECT_EQUAL(p.below.requests, 0u);
}

/* Blocks go from thread to thread; the sum is right. */
static void counts_right_under_threads()
{
	const unsigned threads = 4;
	porter_tracked *t = porter_tracked_new(nullptr);
	porter_allocator *a = porter_tracked_allocator(t);
	std::vector<map> maps(threads, map(a));

	EXPECT(t);
	tap::in_threads(threads, [&](unsigned i) {
		for (int j = 0; j < 2000; j++)
			maps[i].emplace(j, string(size_t(j % 90), 'x', a));
		for (int j = 0; j < 2000; j += 3)
			maps[i].erase(j);
	});
	EXPECT(porter_bytes_used(t) > 0);
	tap::in_threads(threads, [&](unsigned i) {
		map(a).swap(maps[(i + 1) % threads]);
	});
	EXPECT_EQUAL(porter_bytes_used(t), 0);
	EXPECT_EQUAL(left_at_destroy(t), 0);
}

int main()
{
	return tap::run({
		{ "vector_counts_its_capacity", vector_counts_its_capacity },
		{ "all_kinds_of_containers_come_back",
		  all_kinds_of_containers_come_back },
		{ "wide_types_are_aligned", wide_types_are_aligned },
		{ "containers_of_two_trackers_meet",
		  containers_of_two_trackers_meet },
		{ "default_is_that_of_the_process",
		  default_is_that_of_the_process },
		{ "survives_every_refusal", survives_every_refusal },
		{ "sizes_too_large_are_refused", sizes_too_large_are_refused },
		{ "counts_right_under_threads", counts_right_under_threads },
	});
}
