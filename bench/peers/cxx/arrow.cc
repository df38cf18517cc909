/* SPDX-License-Identifier: MIT */
/*
 * arrow.cc: the memory pools of Arrow C++, and portermem's pool for it.
 *
 * All give blocks at a multiple of 64 bytes. Each of Arrow's pools is compared
 * with portermem's pool with a peak, which Arrow's has too, on the same allocator
 * where there is one, and else on glibc's malloc.
 */
#include "ours.h"

#include <portermem/adapt-arrow.hpp>

#include <arrow/memory_pool.h>

#include <cstdio>

using arrow::MemoryPool;

/* A pool that the template's number stands for. */
template <int Number> struct pool_of {
	static constexpr int64_t slack = 0;
	static constexpr bool falls = true;
	static inline MemoryPool *pool = nullptr;

	static void *allocate(size_t size)
	{
		uint8_t *block;

		if (!pool->Allocate(static_cast<int64_t>(size), &block).ok())
			abort();
		return block;
	}
	static void release(void *ptr, size_t size)
	{
		pool->Free(static_cast<uint8_t *>(ptr),
			   static_cast<int64_t>(size));
	}
	static int64_t read()
	{
		return pool->bytes_allocated();
	}
	static int64_t counts(void *, size_t size)
	{
		return static_cast<int64_t>(size);
	}
};

static std::vector<variant> all;

template <int Number>
static void add(MemoryPool *pool, const char *name, const char *kind,
		const char *against, const char *limit, const char *note,
		const char *peak = "yes")
{
	bool real = std::string(kind) == "real";

	pool_of<Number>::pool = pool;
	all.push_back(allocator_variant<pool_of<Number>>(
		{ name, kind, against, "size asked for",
		  real ? "always" : "at rest", "no", peak, limit, note }));
}

std::vector<variant> variants()
{
	static const char on_malloc[] = "portermem's Arrow pool";
	static porter::arrow_pool ours;
	static porter::arrow_pool without(nullptr,
					  porter::arrow_pool::peak::unknown);
	auto skip = [](const char *name) {
		fprintf(stderr,
			"skipped: Arrow %s: not in this build of Arrow\n",
			name);
	};
	MemoryPool *pool;

	add<0>(&ours, on_malloc, "ours", "", "yes", "");
	add<1>(&without, "portermem's Arrow pool, no peak", "ours", on_malloc,
	       "yes", "", "no");
	add<2>(arrow::system_memory_pool(), "Arrow system pool", "real",
	       on_malloc, "no", "");
	if (arrow::jemalloc_memory_pool(&pool).ok())
		add<3>(pool, "Arrow jemalloc pool", "real", on_malloc, "no",
		       "its jemalloc against glibc's malloc");
	else
		skip("jemalloc pool");
	if (arrow::mimalloc_memory_pool(&pool).ok())
		add<4>(pool, "Arrow mimalloc pool", "real", on_malloc, "no",
		       "its mimalloc against glibc's malloc");
	else
		skip("mimalloc pool");
	static arrow::ProxyMemoryPool proxy(arrow::system_memory_pool());
	add<5>(&proxy, "Arrow ProxyMemoryPool on system", "real", on_malloc,
	       "no", "counts a second time");
	static arrow::CappedMemoryPool capped(arrow::system_memory_pool(),
					      int64_t(1) << 50);
	add<6>(&capped, "Arrow CappedMemoryPool on system", "real", on_malloc,
	       "yes, may be passed", "");
	/* LoggingMemoryPool writes a line for each call: there is no pair. */
	fprintf(stderr, "skipped: Arrow LoggingMemoryPool: it prints each call"
			" to standard output\n");
	return all;
}
