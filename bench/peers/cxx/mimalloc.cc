/* SPDX-License-Identifier: MIT */
/*
 * mimalloc.cc: what mimalloc tells in a release build, and portermem on it.
 *
 * Its statistics of blocks are not compiled into a release (MI_STAT). What is
 * left is the committed memory, in whole pieces of segments, which a small
 * program's blocks hardly move.
 */
#include "ours.h"
#include "plain.h"

#include <mimalloc.h>

struct committed : plain {
	/* As much as the check allocates: it must rise, no more is said. */
	static constexpr int64_t slack = 32 << 20;
	static constexpr bool falls = false;

	static int64_t read()
	{
		size_t commit = 0;

		mi_process_info(nullptr, nullptr, nullptr, nullptr, nullptr,
				&commit, nullptr, nullptr);
		return static_cast<int64_t>(commit);
	}
};

/* 256 MiB that are written to must show. */
static std::string check_committed(team &threads)
{
	enum { BLOCKS = 256, SIZE = 1 << 20 };
	const int64_t wanted = int64_t(BLOCKS) * SIZE;
	std::vector<void *> held;
	int64_t begin = committed::read(), got;

	(void)threads;
	for (int i = 0; i < BLOCKS; i++)
		held.push_back(calloc(1, SIZE));
	got = committed::read() - begin;
	for (void *each : held)
		free(each);
	if (!near(wanted, got, committed::slack))
		return off_by("256 MiB were allocated", wanted, got);
	return "";
}

std::vector<variant> variants()
{
	variant stats = allocator_variant<committed>(
		{ "mimalloc mi_process_info", "real", "portermem on mimalloc",
		  "committed pages", "never", "no", "yes, of pages", "no",
		  "no statistics of blocks in a release build" });

	stats.check = check_committed;
	return { ours("portermem on mimalloc"), stats };
}
