/* SPDX-License-Identifier: MIT */
/*
 * pick.h: which block is freed next, and how large the new one is, by chance.
 */
#ifndef PORTER_BENCH_PICK_H
#define PORTER_BENCH_PICK_H

#include <cstddef>
#include <cstdint>

enum { LIVE_BLOCKS = 1024, SMALLEST = 16, LARGEST = 528 };

/* A linear congruential generator: one multiplication, one addition. */
struct chance {
	uint64_t state;

	uint64_t next()
	{
		state = state * 6364136223846793005u + 1442695040888963407u;
		return state;
	}
};

static inline size_t block_index(uint64_t random)
{
	return random >> 54;
}

static inline size_t block_size(uint64_t random)
{
	uint64_t bits = (random >> 22) & 0xffffffff;

	return SMALLEST + (bits * (LARGEST - SMALLEST + 1) >> 32);
}

#endif /* PORTER_BENCH_PICK_H */
