/* SPDX-License-Identifier: MIT */
/*
 * test_pmr.cc: the polymorphic containers of C++17 on porter::memory_resource.
 *
 * The standard library has no number of its own to compare with: a resource
 * between, which adds up what passes, is that number.
 */
#include <portermem/adapt-pmr.hpp>

#include "adapters/tap.hpp"

#include <map>
#include <memory>
#include <string>

/* What the library itself asks for and gives back. */
class adding_up final : public std::pmr::memory_resource
{
      public:
	explicit adding_up(std::pmr::memory_resource *below) : below_(below)
	{
	}
	std::atomic<int64_t> bytes{ 0 };

      private:
	void *do_allocate(size_t size, size_t alignment) override
	{
		void *block = below_->allocate(size, alignment);

		bytes += int64_t(size);
		return block;
	}
	void do_deallocate(void *ptr, size_t size, size_t alignment) override
	{
		bytes -= int64_t(size);
		below_->deallocate(ptr, size, alignment);
	}
	bool do_is_equal(
		const std::pmr::memory_resource &other) const noexcept override
	{
		return this == &other;
	}

	std::pmr::memory_resource *below_;
};

using words = std::pmr::map<std::pmr::string, std::pmr::vector<int>>;

static void fill(words &w, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		std::string word(size_t(i * 7 % 60), char('a' + i % 26));

		w[std::pmr::string(word, w.get_allocator())].push_back(i);
	}
}

static void equals_what_the_library_asks_for()
{
	tap::tracked_picky p;
	porter::memory_resource ours(p.get());
	adding_up sum(&ours);
	{
		words w(&sum);

		for (int i = 1; i < 400; i++) {
			fill(w, i % 40);
			EXPECT_EQUAL(p.bytes(), sum.bytes.load());
		}
		EXPECT(p.bytes() > 5000);
	}
	EXPECT_EQUAL(sum.bytes.load(), 0);
	EXPECT_EQUAL(p.bytes(), 0);
}

/* The resources of the library that stand on others stand on ours. */
static void serves_pools_and_buffers()
{
	tap::tracked_picky p;
	porter::memory_resource ours(p.get());
	{
		std::pmr::unsynchronized_pool_resource pool(&ours);
		std::pmr::monotonic_buffer_resource buffer(&ours);
		words in_pool(&pool), in_buffer(&buffer);

		fill(in_pool, 500);
		fill(in_buffer, 500);
		EXPECT(p.bytes() > 20000);
		EXPECT(in_pool == in_buffer);
	}
	EXPECT_EQUAL(p.bytes(), 0);
}

static void every_alignment_is_kept()
{
	tap::tracked_picky p;
	porter::memory_resource ours(p.get());

	for (size_t alignment = 1; alignment <= 8192; alignment *= 2) {
		void *block = ours.allocate(100, alignment);

		EXPECT_EQUAL(reinterpret_cast<uintptr_t>(block) % alignment,
			     0u);
		EXPECT_EQUAL(p.bytes(), 100);
		ours.deallocate(block, 100, alignment);
	}
	EXPECT_EQUAL(p.bytes(), 0);
}

static void equal_are_those_on_the_same()
{
	tap::tracked_picky a, b;
	porter::memory_resource on_a(a.get()), on_a_too(a.get()), on_b(b.get());

	EXPECT(on_a == on_a_too);
	EXPECT(on_a != on_b);
	EXPECT(on_a != *std::pmr::new_delete_resource());
	EXPECT_EQUAL(porter::memory_resource().get(), porter_get_allocator());

	/* So blocks move between the two, and are copied to the third. */
	std::pmr::vector<int> v(100, 1, &on_a), same(&on_a_too), other(&on_b);
	const int *block = v.data();

	same = std::move(v);
	EXPECT_EQUAL(same.data(), block);
	other = std::move(same);
	EXPECT(other.data() != block);
	EXPECT_EQUAL(b.bytes(), 400);
}

static void survives_every_refusal()
{
	size_t n = 0;
	bool refused = true;

	while (refused) {
		tap::tracked_picky p;
		porter::memory_resource ours(p.get());

		refused = false;
		p.below.fail_at = ++n;
		try {
			words w(&ours);

			fill(w, 60);
			words copy(w, &ours);
		} catch (const std::bad_alloc &) {
			refused = true;
		}
		EXPECT_EQUAL(p.bytes(), 0);
		EXPECT_EQUAL(p.stats().failures, refused ? 1u : 0u);
	}
	EXPECT(n > 150);
}

static void a_size_too_large_is_refused()
{
	tap::tracked_picky p;
	porter::memory_resource ours(p.get());
	bool refused = false;

	try {
		(void)ours.allocate(size_t(PTRDIFF_MAX) + 1, 8);
	} catch (const std::bad_alloc &) {
		refused = true;
	}
	EXPECT(refused);
	EXPECT_EQUAL(p.below.requests, 0u);
}

static void counts_right_under_threads()
{
	const unsigned threads = 4;
	porter_tracked *t = porter_tracked_new(nullptr);
	EXPECT(t);
	porter::memory_resource ours(porter_tracked_allocator(t));
	adding_up sum(&ours);
	std::vector<std::unique_ptr<words>> all(threads);

	tap::in_threads(threads, [&](unsigned i) {
		for (int j = 0; j < 5; j++) {
			all[i].reset(new words(&sum));
			fill(*all[i], 1500);
		}
	});
	EXPECT(sum.bytes > 0);
	EXPECT_EQUAL(porter_bytes_used(t), sum.bytes.load());
	tap::in_threads(threads,
			[&](unsigned i) { all[(i + 1) % threads].reset(); });
	EXPECT_EQUAL(sum.bytes.load(), 0);
	EXPECT_EQUAL(left_at_destroy(t), 0);
}

int main()
{
	return tap::run({
		{ "equals_what_the_library_asks_for",
		  equals_what_the_library_asks_for },
		{ "serves_pools_and_buffers", serves_pools_and_buffers },
		{ "every_alignment_is_kept", every_alignment_is_kept },
		{ "equal_are_those_on_the_same", equal_are_those_on_the_same },
		{ "survives_every_refusal", survives_every_refusal },
		{ "a_size_too_large_is_refused", a_size_too_large_is_refused },
		{ "counts_right_under_threads", counts_right_under_threads },
	});
}
