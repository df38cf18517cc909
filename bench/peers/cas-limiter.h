/* SPDX-License-Identifier: MIT */
/*
 * cas-limiter.h: one atomic number, and a limit that holds.
 *
 * A loop of compare-and-exchange takes bytes before the block, so the limit is
 * never exceeded and nothing is refused while there is room: the simplest exact
 * limiter there is, and hard to beat as long as there is one thread.
 */
#ifndef PORTER_BENCH_CAS_LIMITER_H
#define PORTER_BENCH_CAS_LIMITER_H

#include <portermem/portermem.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

struct cas_limiter {
	porter_allocator allocator;
	int64_t limit;
	alignas(128) std::atomic<int64_t> bytes{ 0 };

	explicit cas_limiter(int64_t most) : allocator{ &vtable }, limit(most)
	{
	}

	static cas_limiter &of(porter_allocator *self)
	{
		return *reinterpret_cast<cas_limiter *>(self);
	}

	bool take(int64_t n)
	{
		int64_t now = bytes.load(std::memory_order_relaxed);

		do {
			if (n > limit - now)
				return false;
		} while (!bytes.compare_exchange_weak(
			now, now + n, std::memory_order_relaxed));
		return true;
	}

	static void *allocate(porter_allocator *self, size_t size, size_t)
	{
		void *block;

		if (!of(self).take(static_cast<int64_t>(size))) {
			errno = ENOMEM;
			return nullptr;
		}
		block = malloc(size);
		if (!block)
			of(self).bytes -= static_cast<int64_t>(size);
		return block;
	}

	/* The work that it is compared by does not resize. */
	static void *reallocate(porter_allocator *, void *, size_t, size_t,
				size_t)
	{
		errno = ENOMEM;
		return nullptr;
	}

	static void release(porter_allocator *self, void *ptr, size_t size,
			    size_t)
	{
		free(ptr);
		of(self).bytes.fetch_sub(static_cast<int64_t>(size),
					 std::memory_order_relaxed);
	}

	static const porter_allocator_vtable vtable;
};

const porter_allocator_vtable cas_limiter::vtable = {
	sizeof(porter_allocator_vtable),
	"one atomic with a limit",
	allocate,
	reallocate,
	release,
	nullptr,
	nullptr,
};

#endif /* PORTER_BENCH_CAS_LIMITER_H */
