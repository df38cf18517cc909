/* SPDX-License-Identifier: MIT */
/*
 * jemalloc.cc: jemalloc's own numbers, and portermem on jemalloc.
 *
 * By thread: the program keeps the pointers that jemalloc gives each thread to
 * its two numbers, and adds them up. Of the arenas: an epoch, then the sum that
 * jemalloc has made.
 */
#include "ours.h"
#include "plain.h"

#include <jemalloc/jemalloc.h>

#include <mutex>

template <class T> static T number(const char *name)
{
	T value = {};
	size_t size = sizeof(value);

	if (mallctl(name, &value, &size, nullptr, 0) != 0)
		abort();
	return value;
}

struct by_thread : plain {
	static constexpr int64_t slack = 0;

	struct numbers {
		const volatile uint64_t *allocated, *freed;
	};
	static inline std::mutex lock;
	static inline std::vector<numbers> all;

	/* A thread that ends would have to hand its numbers in. */
	static void enter()
	{
		std::lock_guard<std::mutex> locked(lock);

		all.push_back({ number<uint64_t *>("thread.allocatedp"),
				number<uint64_t *>("thread.deallocatedp") });
	}
	static int64_t read()
	{
		std::lock_guard<std::mutex> locked(lock);
		uint64_t sum = 0;

		for (const numbers &each : all)
			sum += *each.allocated - *each.freed;
		return static_cast<int64_t>(sum);
	}
};

struct of_arenas : plain {
	/* Blocks in the caches of threads are in use for it. */
	static constexpr int64_t slack = 4 << 20;

	static int64_t read()
	{
		uint64_t epoch = 1;

		if (mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)))
			abort();
		return static_cast<int64_t>(number<size_t>("stats.allocated"));
	}
};

std::vector<variant> variants()
{
	variant threads = allocator_variant<by_thread>(
		{ "jemalloc thread.allocatedp", "real", "portermem on jemalloc",
		  "usable size", "at rest", "yes", "no", "no",
		  "the program adds the threads up, and keeps those that end" });

	threads.touch = [] {
		by_thread::enter();
		touch<by_thread>();
	};
	return {
		ours("portermem on jemalloc"),
		threads,
		allocator_variant<of_arenas>(
			{ "jemalloc epoch, stats.allocated", "real",
			  "portermem on jemalloc", "usable size",
			  "never: caches count", "no", "no", "no",
			  "an epoch locks each arena" }),
	};
}
