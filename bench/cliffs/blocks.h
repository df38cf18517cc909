/* SPDX-License-Identifier: MIT */
/*
 * blocks.h: pairs of allocate and free, spread over many allocators.
 *
 *	short-lived	the block is freed at once: a thread that comes back to a
 *			tracker finds it as empty as it left it
 *	long-lived	a thread holds about 1,024 blocks (pairs.h), the same
 *			number from each allocator and at least one; it frees one
 *			of them, by chance, and allocates another
 *
 * In each step a thread chooses one of the allocators. The same loop over
 * allocators that are all the system backend is the baseline.
 */
#ifndef PORTER_BENCH_CLIFFS_BLOCKS_H
#define PORTER_BENCH_CLIFFS_BLOCKS_H

#include "../pairs.h"
#include "team.h"

#include <algorithm>
#include <vector>

using allocators = std::vector<porter_allocator *>;

static inline allocators untracked(size_t n)
{
	return allocators(n, porter_backend("system"));
}

/* A number below n, from the upper bits. */
static inline size_t below(size_t n, uint64_t random)
{
	return static_cast<size_t>(((random >> 40) * n) >> 24);
}

/* One after the other. */
struct in_turn {
	size_t last = 0;

	size_t next(size_t n, uint64_t)
	{
		last = last + 1 < n ? last + 1 : 0;
		return last;
	}
};

/* All alike. */
struct by_chance {
	size_t next(size_t n, uint64_t random)
	{
		return below(n, random * 0x9e3779b97f4a7c15u);
	}
};

/* The first of 1,000 twice as often as the second, ten times the tenth. */
class zipf
{
      public:
	zipf()
	{
		double sum = 0, so_far = 1;
		size_t which = 0;

		for (size_t i = 1; i <= MEMBERS; i++)
			sum += 1.0 / static_cast<double>(i);
		for (size_t i = 0; i < SIZE; i++) {
			double here = sum * static_cast<double>(i) / SIZE;

			while (so_far < here && which + 1 < MEMBERS)
				so_far +=
					1.0 / static_cast<double>(++which + 1);
			table[i] = static_cast<uint16_t>(which);
		}
	}
	size_t next(size_t, uint64_t random)
	{
		return table[below(SIZE, random * 0x9e3779b97f4a7c15u)];
	}

      private:
	enum : size_t { MEMBERS = 1000, SIZE = 8192 };
	uint16_t table[SIZE];
};

template <class Choice> class long_lived
{
      public:
	long_lived(const allocators &all, int thread)
	    : from(all), each(std::max(LIVE_BLOCKS / all.size(), size_t(1))),
	      live(all.size() * each), random{ static_cast<uint64_t>(thread) +
					       1 }
	{
		for (size_t i = 0; i < live.size(); i++)
			renew(live[i], from[i / each]);
	}

	/* A block that was refused is tried again another time. */
	uint64_t operator()()
	{
		for (int i = 0; i < STEPS; i++) {
			size_t who = choice.next(from.size(), random.state);
			size_t which = below(each, random.state);
			block &b = live[who * each + which];

			if (b.ptr)
				porter_free(from[who], b.ptr, b.size);
			renew(b, from[who]);
		}
		return STEPS;
	}

      private:
	enum { STEPS = 256 };
	struct block {
		void *ptr;
		size_t size;
	};

	void renew(block &b, porter_allocator *a)
	{
		b.size = block_size(random.next());
		b.ptr = porter_allocate(a, b.size);
	}

	allocators from;
	size_t each;
	std::vector<block> live;
	chance random;
	Choice choice;
};

template <class Choice> class short_lived
{
      public:
	short_lived(const allocators &all, int thread)
	    : from(all), random{ static_cast<uint64_t>(thread) + 1 }
	{
	}

	uint64_t operator()()
	{
		for (int i = 0; i < STEPS; i++) {
			uint64_t bits = random.next();
			size_t size = block_size(bits);
			porter_allocator *a =
				from[choice.next(from.size(), bits)];
			void *block = porter_allocate(a, size);

			if (block)
				porter_free(a, block, size);
		}
		return STEPS;
	}

      private:
	enum { STEPS = 256 };

	allocators from;
	chance random;
	Choice choice;
};

/* So many threads, each with a worker of its own over all of them. */
template <class Worker>
static sample measure_pairs(int threads, const allocators &all,
			    double ns = SAMPLE_NS)
{
	return measure_team(
		threads, [&](int i) { return Worker(all, i); }, ns);
}

#endif /* PORTER_BENCH_CLIFFS_BLOCKS_H */
