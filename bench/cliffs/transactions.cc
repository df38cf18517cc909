/* SPDX-License-Identifier: MIT */
/*
 * transactions.cc: threads whose usage goes up and down by more than their stock.
 *
 *	transactions/1/...	one thread allocates 64 blocks of 16 to 528 bytes, then
 *				frees them all, over and over
 *	transactions/2/...	two threads, one tracker
 *
 * That is how a database works: a transaction takes memory, and its end gives it
 * back. A stock lasts for a part of the swing only, so the thread comes to the
 * account several times in each.
 */
#include "../tracker.h"
#include "blocks.h"
#include "rows.h"

class transactions
{
      public:
	transactions(const allocators &all, int thread)
	    : from(all[0]), random{ static_cast<uint64_t>(thread) + 1 }
	{
	}

	uint64_t operator()()
	{
		for (auto &b : blocks) {
			b.size = block_size(random.next());
			b.ptr = porter_allocate(from, b.size);
		}
		for (auto &b : blocks)
			porter_free(from, b.ptr, b.size);
		return BLOCKS;
	}

      private:
	enum { BLOCKS = 64 };
	struct block {
		void *ptr;
		size_t size;
	};

	porter_allocator *from;
	chance random;
	block blocks[BLOCKS];
};

void add_rows_of_transactions(void)
{
	for (int threads : { 1, 2 }) {
		std::string row = "transactions/" + std::to_string(threads);

		add_row(row + "/portermem", CHEAP, [=] {
			return measure_pairs<transactions>(
				threads,
				{ porter_tracked_allocator(make_tracker()) });
		});
		add_row(row + "/untracked", CHEAP, [=] {
			return measure_pairs<transactions>(threads,
							   untracked(1));
		});
	}
}
