/* SPDX-License-Identifier: MIT */
/*
 * arrow_backend.cc: what is not Arrow's allocates from a pool of Arrow's.
 *
 * A tracker on porter::arrow_allocator: a vector lies in the pool beside the
 * columns, and both numbers have it.
 */
#include <portermem/adapt-arrow.hpp>
#include <portermem/adapt-pmr.hpp>
#include <portermem/portermem.h>

#include <arrow/memory_pool.h>

#include <cstdio>
#include <vector>

static void tell(const char *when, const porter_tracked *t,
		 const arrow::MemoryPool &pool)
{
	std::printf("%-12s %8lld %8lld\n", when,
		    static_cast<long long>(porter_bytes_used(t)),
		    static_cast<long long>(pool.bytes_allocated()));
}

int main()
{
	auto pool = arrow::MemoryPool::CreateDefault();
	porter::arrow_allocator on_arrow(pool.get());
	porter_tracked *t = porter_tracked_new(&on_arrow);

	if (!t)
		return 1;
	std::printf("%-12s %8s %8s\n", "", "bytes", "Arrow");
	{
		porter::allocator<int> a(porter_tracked_allocator(t));
		std::vector<int, porter::allocator<int>> numbers(a);

		for (int i = 0; i < 10000; i++)
			numbers.push_back(i);
		tell("a vector", t, *pool);
	}
	tell("gone", t, *pool);
	int64_t leaked;

	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
