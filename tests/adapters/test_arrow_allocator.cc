/* SPDX-License-Identifier: MIT */
/*
 * test_arrow_allocator.cc: an allocator on a pool of Arrow's.
 *
 *	test --> tracker --> porter::arrow_allocator --> arrow::ProxyMemoryPool
 *	         our numbers                             Arrow's numbers
 */
#include <portermem/adapt-arrow.hpp>

#include "adapters/tap.hpp"

#include <cstring>

/* A tracker on a proxy of a pool of Arrow's. */
struct on_arrow {
	explicit on_arrow(
		arrow::MemoryPool *pool = arrow::default_memory_pool())
	    : proxy(pool), below(&proxy), t(porter_tracked_new(&below)),
	      a(porter_tracked_allocator(t))
	{
	}
	~on_arrow()
	{
		porter_tracked_destroy(t, nullptr);
	}
	arrow::ProxyMemoryPool proxy;
	porter::arrow_allocator below;
	porter_tracked *t;
	porter_allocator *a;
};

static void serve_every_alignment_and_size(arrow::MemoryPool *pool)
{
	on_arrow o(pool);

	for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
		for (size_t size : { 0, 1, 63, 64, 65, 5000 }) {
			void *block =
				porter_allocate_aligned(o.a, size, alignment);

			EXPECT(block);
			EXPECT(!size ||
			       reinterpret_cast<uintptr_t>(block) % alignment ==
				       0);
			memset(block, 0xab, size);
			EXPECT_EQUAL(o.proxy.bytes_allocated(), int64_t(size));
			EXPECT_EQUAL(porter_bytes_used(o.t), int64_t(size));
			porter_free_aligned(o.a, block, size, alignment);
			EXPECT_EQUAL(o.proxy.bytes_allocated(), 0);
		}
}

static void every_alignment_and_size_is_served()
{
	serve_every_alignment_and_size(arrow::default_memory_pool());
	serve_every_alignment_and_size(arrow::system_memory_pool());
}

static void a_block_keeps_its_contents()
{
	on_arrow o;
	size_t size = 1;
	char *block = static_cast<char *>(porter_allocate(o.a, size));

	block[0] = 1;
	for (size_t next : { 10, 100, 100000, 300, 7, 65 }) {
		size_t kept = size < next ? size : next;

		block = static_cast<char *>(
			porter_reallocate(o.a, block, size, next));
		EXPECT(block);
		for (size_t i = 0; i < kept; i++)
			EXPECT_EQUAL(block[i], 1);
		memset(block, 1, next);
		size = next;
		EXPECT_EQUAL(o.proxy.bytes_allocated(), int64_t(size));
		EXPECT_EQUAL(porter_bytes_used(o.t), int64_t(size));
	}
	porter_free(o.a, block, size);
	EXPECT_EQUAL(o.proxy.bytes_allocated(), 0);
}

/* All of Arrow's numbers, of a tracker's. */
static void assert_agree(const on_arrow &o)
{
	porter_stats s = PORTER_STATS_INIT;

	porter_tracked_stats(o.t, &s);
	EXPECT_EQUAL(s.bytes_used, o.proxy.bytes_allocated());
	EXPECT_EQUAL(int64_t(s.total_allocated),
		     o.proxy.total_bytes_allocated());
	EXPECT(int64_t(s.allocations) <= o.proxy.num_allocations());
	EXPECT(int64_t(s.allocations + s.reallocations) >=
	       o.proxy.num_allocations());
}

static void agrees_under_threads()
{
	on_arrow o;

	tap::in_threads(4, [&](unsigned number) {
		uint64_t state = number;
		size_t sizes[50] = { 0 };
		void *all[50] = { nullptr };

		for (int i = 0; i < 20000; i++) {
			size_t at = random_below(&state, 50);
			size_t size = random_below(&state, 2000);

			if (random_below(&state, 2)) {
				porter_free(o.a, all[at], sizes[at]);
				all[at] = porter_allocate(o.a, size);
			} else {
				all[at] = porter_reallocate(o.a, all[at],
							    sizes[at], size);
			}
			EXPECT(all[at]);
			sizes[at] = size;
		}
		for (int i = 0; i < 50; i++)
			porter_free(o.a, all[i], sizes[i]);
	});
	assert_agree(o);
	EXPECT_EQUAL(porter_bytes_used(o.t), 0);
}

/* As some pools of Arrow's do it, errno is left alone. */
class never final : public arrow::ProxyMemoryPool
{
      public:
	never() : ProxyMemoryPool(arrow::system_memory_pool())
	{
	}
	arrow::Status Allocate(int64_t, int64_t, uint8_t **) override
	{
		return arrow::Status::OutOfMemory("never");
	}
	arrow::Status Reallocate(int64_t, int64_t, int64_t, uint8_t **) override
	{
		return arrow::Status::OutOfMemory("never");
	}
};

static void a_refusal_sets_errno()
{
	never pool;
	porter::arrow_allocator a(&pool);
	char some;

	errno = 0;
	EXPECT(!porter_allocate(&a, 8));
	EXPECT_EQUAL(errno, ENOMEM);
	errno = 0;
	EXPECT(!porter_reallocate(&a, &some, 1, 2));
	EXPECT_EQUAL(errno, ENOMEM);
}

/* No memory for the report that there is none. */
class throwing final : public arrow::ProxyMemoryPool
{
      public:
	throwing() : ProxyMemoryPool(arrow::system_memory_pool())
	{
	}
	arrow::Status Allocate(int64_t, int64_t, uint8_t **) override
	{
		throw std::bad_alloc();
	}
	arrow::Status Reallocate(int64_t, int64_t, int64_t, uint8_t **) override
	{
		throw std::bad_alloc();
	}
};

static void a_pool_that_throws_refuses()
{
	throwing pool;
	porter::arrow_allocator a(&pool);
	char some = 7;

	errno = 0;
	EXPECT(!porter_allocate(&a, 8));
	EXPECT_EQUAL(errno, ENOMEM);
	errno = 0;
	EXPECT(!porter_reallocate(&a, &some, 1, 2));
	EXPECT_EQUAL(errno, ENOMEM);
	EXPECT_EQUAL(some, 7);
}

static void a_refused_block_is_whole()
{
	tap::tracked_picky p;
	porter::arrow_pool pool(p.get());
	porter::arrow_allocator a(&pool);
	void *block = porter_allocate(&a, 100);

	EXPECT(block);
	memset(block, 7, 100);
	p.below.fail_at = p.below.requests + 1;
	errno = 0;
	EXPECT(!porter_allocate(&a, 8));
	EXPECT_EQUAL(errno, ENOMEM);
	p.below.fail_at = p.below.requests + 1;
	errno = 0;
	EXPECT(!porter_reallocate(&a, block, 100, 200));
	EXPECT_EQUAL(errno, ENOMEM);
	EXPECT_EQUAL(static_cast<char *>(block)[99], 7);
	EXPECT_EQUAL(p.bytes(), 100);
	porter_free(&a, block, 100);
	EXPECT_EQUAL(p.bytes(), 0);
}

static void it_is_a_table_like_others()
{
	porter::arrow_allocator a;
	tap::tracked_picky p;
	porter::arrow_pool pool(&p.below.base);
	porter::arrow_allocator on_picky(&pool);
	porter_allocator *before = porter_set_allocator(&a);

	EXPECT(before);
	EXPECT_EQUAL(a.pool(), arrow::default_memory_pool());
	EXPECT_EQUAL(porter_get_allocator(), &a);
	EXPECT_EQUAL(porter_set_allocator(before), &a);
	porter_release_unused(&on_picky);
	EXPECT_EQUAL(p.below.releases, 1u);
}

int main()
{
#if WITH_TSAN
	std::cout << "1..0 # SKIP Arrow is compiled without ThreadSanitizer\n";
	return 0;
#endif
	return tap::run({
		{ "every_alignment_and_size_is_served",
		  every_alignment_and_size_is_served },
		{ "a_block_keeps_its_contents", a_block_keeps_its_contents },
		{ "agrees_under_threads", agrees_under_threads },
		{ "a_refusal_sets_errno", a_refusal_sets_errno },
		{ "a_pool_that_throws_refuses", a_pool_that_throws_refuses },
		{ "a_refused_block_is_whole", a_refused_block_is_whole },
		{ "it_is_a_table_like_others", it_is_a_table_like_others },
	});
}
