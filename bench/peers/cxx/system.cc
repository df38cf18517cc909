/* SPDX-License-Identifier: MIT */
/*
 * system.cc: on glibc's malloc: portermem, glibc's own numbers, and the ways of
 * counting that are made after other people's ideas.
 */
#include "ours.h"

#include "../four-atomics.h"
#include "../ideas/agents.h"
#include "../ideas/batched.h"
#include "../ideas/per-processor.h"
#include "../ideas/per-thread-rcu.h"
#include "../ideas/per-thread-sum.h"
#include "../ideas/striped.h"
#include "../ideas/thread-array.h"
#include "../ideas/thread-cached.h"
#include "../mutex.h"
#include "../one-atomic.h"

#include <malloc.h>

#include <cstdio>

struct atomic_number : one_atomic {
	static constexpr int64_t slack = 0;

	int64_t read()
	{
		return bytes.load(std::memory_order_relaxed);
	}
};

struct with_peak : four_atomics {
	static constexpr int64_t slack = 0;

	int64_t read()
	{
		return bytes.load(std::memory_order_relaxed);
	}
};

struct mutexed : under_mutex {
	static constexpr int64_t slack = 0;

	int64_t read()
	{
		std::lock_guard<std::mutex> locked(mutex);

		return bytes;
	}
};

/* The cheap read of a way whose full one is expensive. */
template <class Way, int64_t Slack> struct read_fast : Way {
	static constexpr int64_t slack = Slack;

	int64_t read()
	{
		return Way::read_fast();
	}
};

/*
 * malloc and free by themselves: mallinfo2() knows the bytes of chunks in use,
 * each with its header; chunks in the caches of threads are in use for it.
 */
struct glibc {
	static constexpr int64_t slack = 400 * 1024;
	static constexpr bool falls = true;

	static void *allocate(size_t size)
	{
		return malloc(size);
	}
	static void release(void *ptr, size_t)
	{
		free(ptr);
	}
	static int64_t read()
	{
		struct mallinfo2 m = mallinfo2();

		return static_cast<int64_t>(m.uordblks + m.hblkhd);
	}
	static int64_t counts(void *ptr, size_t)
	{
		return static_cast<int64_t>(malloc_usable_size(ptr) +
					    sizeof(size_t));
	}
};

/* The floor: the work between updates with no update in it. */
static void only_work(long n, stopwatch &watch)
{
	uint64_t x = 1;

	watch.start();
	for (long i = 0; i < n; i++) {
		x = other_work(x);
		keep(static_cast<int64_t>(x));
	}
	watch.stop();
}

static variant nothing()
{
	return { { "no counting at all", "floor", "portermem", "", "", "", "",
		   "", "the work between; malloc and free" },
		 { nullptr, nullptr, only_work, pairs<glibc>, nullptr },
		 touch<glibc>,
		 [](team &) { return std::string(); } };
}

/* What a number for each thread has in common. */
static facts per_thread(const char *name, const char *note)
{
	return { name, "idea", "portermem", "size asked for", "at rest", "yes",
		 "no", "no",   note };
}

template <class Way, int64_t Slack>
static variant only_reads(const char *name, const char *exact)
{
	using way = read_fast<Way, Slack>;
	variant v = counter_variant<way>(per_thread(name, "the cheap read"));

	v.about.exact = exact;
	v.jobs = { nullptr, nullptr, nullptr, nullptr, v.jobs.read };
	return v;
}

std::vector<variant> variants()
{
	std::vector<variant> all = {
		ours("portermem"),
		nothing(),
		allocator_variant<glibc>(
			{ "glibc mallinfo2", "real", "portermem", "chunk",
			  "never: caches count", "no", "no", "no",
			  "locks each arena; walks its bins" }),
		counter_variant<atomic_number>(
			{ "one atomic", "idea", "portermem", "size asked for",
			  "always", "no", "no", "no", "" }),
		counter_variant<with_peak>(
			{ "four atomics (after Arrow C++)", "idea", "portermem",
			  "size asked for", "always", "no", "yes", "no", "" }),
		counter_variant<mutexed>({ "a mutex (after SQLite)", "idea",
					   "portermem", "size asked for",
					   "always", "no", "no", "no", "" }),
		counter_variant<thread_cached>(
			per_thread("after folly's ThreadCachedInt",
				   "a full read may see a flush twice")),
		only_reads<thread_cached, 4 * 1001 * 512>(
			"after folly's ThreadCachedInt, readFast",
			"to 1,000 updates a thread"),
		counter_variant<agents>(per_thread("after brpc's bvar::Adder",
						   "reads under a lock")),
		counter_variant<thread_array>(
			per_thread("after valkey's zmalloc",
				   "places of threads are not given back")),
		counter_variant<per_thread_sum>(
			per_thread("after perfbook's count_end",
				   "one counter; reads under a lock")),
		counter_variant<per_thread_rcu>(
			per_thread("after perfbook's count_end_rcu",
				   "one counter; a grace period a thread")),
		counter_variant<batched>(
			per_thread("after Linux's percpu_counter, sum",
				   "reads under a lock")),
		only_reads<batched, 4 * batched::BATCH>(
			"after Linux's percpu_counter, read",
			"to a batch a thread"),
		counter_variant<striped>(
			per_thread("after Java's LongAdder", "")),
	};
#ifdef PORTER_PEERS_RSEQ
	if (per_processor::there())
		all.push_back(counter_variant<per_processor>(per_thread(
			"after librseq's per-CPU add", "x86-64 here")));
	else
#endif
		fprintf(stderr, "skipped: librseq's per-CPU add: no restartable"
				" sequences, or not x86-64\n");
	return all;
}
