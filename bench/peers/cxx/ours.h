/* SPDX-License-Identifier: MIT */
/*
 * ours.h: portermem as a variant, on whichever malloc the program is linked with.
 */
#ifndef PORTER_PEERS_OURS_H
#define PORTER_PEERS_OURS_H

#include "loops.h"

/* The counter underneath; a call into the library, as it is for everybody. */
struct sharded {
	static constexpr int64_t slack = 0;
	porter_counter *counter = porter_counter_new();

	void charge(int64_t n)
	{
		porter_counter_add(counter, static_cast<uint64_t>(n));
	}
	void refund(int64_t n)
	{
		porter_counter_sub(counter, static_cast<uint64_t>(n));
	}
	int64_t read()
	{
		return porter_counter_sum(counter);
	}
};

/* A tracked allocator on malloc and free. */
struct tracked {
	static constexpr int64_t slack = 0;
	static constexpr bool falls = true;
	static inline porter_tracked *const tracker =
		porter_tracked_new(nullptr);
	static inline porter_allocator *const allocator =
		porter_tracked_allocator(tracker);

	static void *allocate(size_t size)
	{
		return porter_allocate(allocator, size);
	}
	static void release(void *ptr, size_t size)
	{
		porter_free(allocator, ptr, size);
	}
	static int64_t read()
	{
		return porter_bytes_used(tracker);
	}
	static int64_t counts(void *, size_t size)
	{
		return static_cast<int64_t>(size);
	}
};

static inline std::string check_ours(team &threads)
{
	std::string wrong = check_counter<sharded>(threads);

	return wrong.empty() ? check_allocator<tracked>(threads) : wrong;
}

static inline void touch_ours()
{
	counter_loops<sharded>::touch();
	touch<tracked>();
}

/* Updates are the counter's, pairs and reads the tracker's. */
static inline variant ours(const std::string &name)
{
	using counter = counter_loops<sharded>;

	return { { name, "ours", "", "size asked for", "at rest; bounds",
		   "no, nor low", "bracketed", "yes", "" },
		 /* It is a call as it is: a second one would be unfair. */
		 { counter::update, counter::update, counter::work,
		   pairs<tracked>, reads<tracked> },
		 touch_ours,
		 check_ours };
}

#endif /* PORTER_PEERS_OURS_H */
