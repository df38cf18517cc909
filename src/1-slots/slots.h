/* SPDX-License-Identifier: MIT */
/*
 * slots.h: a slot for each live thread, a cell in it for each counter.
 *
 *	pool of slots: grows by segments; no slot ever moves or goes
 *	  |
 *	  v
 *	slot 0  [ header: blocks[0] blocks[1] ... | 64 cells of counters 0-63 ]
 *	slot 1  [ header: blocks[0] blocks[1] ... | 64 cells of counters 0-63 ]
 *	  ...                           `--> 64 cells of counters 64-127,
 *	                                     mapped when first touched
 *
 * Thread-major: the cells of one thread lie together, so no two threads share
 * a line, and a busy thread touches few pages. A slot is an odd number of
 * line pairs long, so that the cells of one counter, which a scan goes over,
 * spread over all sets of the cache.
 *
 * A thread takes a slot from the pool when it updates for the first time, and
 * hands it on when it ends, cells intact: the next thread goes on counting in
 * them. Nothing is folded away, so there is no moment at which a read could
 * miss or double what a thread that ends has counted.
 *
 * What a cell counts is written by the owner of its slot alone, and only grows.
 * The other words are for the accounts of trackers: see 3-account/. All words of
 * a fresh cell are 0.
 */
#ifndef PORTER_SLOTS_H
#define PORTER_SLOTS_H

#include "0-machine/atomic.h"
#include "0-machine/platform.h"
#include "0-machine/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word {
	ALLOCATED, /* bytes, or whatever the counter counts up */
	FREED,
	ALLOCATIONS, /* how often */
	FREES,
	REALLOCATIONS,
	QUOTA, /* bytes that the account has reserved for the cell */
	WORDS, /* those before QUOTA only grow */
	COUNTED = QUOTA,
};

/* One cache line. Fresh ones are all 0. The last three: see 3-account/stock.h. */
struct cell {
	uint64_t word[WORDS];
	uint64_t cap;
	uint32_t attempt; /* 1 while the owner counts against its quota */
	uint32_t link;
};

enum {
	BLOCK_CELLS = 64,   /* a block is a page of cells */
	DIRECT_BLOCKS = 32, /* blocks that the hot path finds in one load */
	MORE_SEGMENTS = 21, /* of doubling tables: 2^32 counters, all told */
};

/*
 * What a thread remembers of the last request that a limit refused to it: which
 * tracker it asked and which level refused, to be compared with those that
 * live; and the figures at that instant.
 */
struct porter__note {
	const void *asked, *level;
	uint64_t asked_serial, level_serial;
	uint64_t size;
	int64_t limit, charged, stock;
};

/*
 * The hot path loads blocks[direct] and looks whether it is there: one branch
 * for "this thread has no slot yet", "no block yet" and "a block beyond the
 * direct ones", since blocks[DIRECT_BLOCKS] is always NULL, and a thread
 * without a slot looks into a slot that is empty.
 */
struct slot {
	struct pool_element element;
	struct cell *blocks[DIRECT_BLOCKS + 1];
	struct cell **more[MORE_SEGMENTS]; /* tables of those beyond */
	/* For the owner alone, anew for each: */
	bool reader;	     /* it is registered with liburcu */
	uint32_t depth;	     /* how many sections of reading it is in */
	uint32_t reading;    /* odd while it is in some: grace.h */
	uint32_t seen;	     /* reading, when a grace period began */
	uint32_t generation; /* fork.h: of the process in which it was taken */
	void *holding; /* the lock of a hierarchy that it holds, or NULL */
	struct porter__note refusal;
	struct cell first[BLOCK_CELLS]
		__attribute__((aligned(CACHE_LINE_PAIR)));
};

_Static_assert(sizeof(struct cell) == CACHE_LINE, "a cell is a line");
_Static_assert(sizeof(struct slot) % CACHE_LINE_PAIR == 0 &&
		       sizeof(struct slot) / CACHE_LINE_PAIR % 2 == 1,
	       "slots share no line, and spread over the sets of the cache");

/* Where in each slot a counter's cell lies: made once, from its id. */
struct cell_address {
	uint32_t direct; /* index in blocks[], DIRECT_BLOCKS if beyond */
	uint32_t offset; /* bytes into the block */
	uint32_t block;	 /* which block, all told */
};

static inline struct cell_address cell_address(uint32_t id)
{
	uint32_t block = id / BLOCK_CELLS;

	return (struct cell_address){
		.direct = block < DIRECT_BLOCKS ? block : DIRECT_BLOCKS,
		.offset = id % BLOCK_CELLS * sizeof(struct cell),
		.block = block,
	};
}

/* At which the hot path never finds a cell. */
static inline struct cell_address no_cell_address(void)
{
	return (struct cell_address){ .direct = DIRECT_BLOCKS };
}

static inline struct cell *cell_in(struct cell *block, struct cell_address at)
{
	return (struct cell *)((char *)block + at.offset);
}

/*
 * The calling thread's slot, or one of two empty ones, which nobody may write:
 * see slots.c.
 */
extern THREAD_LOCAL struct slot *porter__self;

/* The calling thread's slot, or NULL. */
struct slot *porter__this_slot(void);

/* The hot path: the calling thread's cell, or NULL: then porter__this_cell(). */
static inline struct cell *this_cell_fast(struct cell_address at)
{
	struct cell *block = porter__self->blocks[at.direct];

	return likely(block) ? cell_in(block, at) : NULL;
}

/*
 * The slow half: takes a slot and maps a block where they are missing. NULL
 * when there is no memory for them or the thread has left its slot for good.
 * Signals: safe.
 */
SLOW_PATH struct cell *porter__this_cell(struct cell_address at);

static inline struct cell *this_cell(struct cell_address at)
{
	struct cell *cell = this_cell_fast(at);

	return likely(cell) ? cell : porter__this_cell(at);
}

/*
 * For readers: how many slots there are, and the cell in one of them, NULL
 * when its thread has not touched it. Between porter__slots_enter() and
 * porter__slots_leave(), which takes what the former returned.
 */
bool porter__slots_enter(void);
void porter__slots_leave(bool locked);

/* What a cell counts is never written through this. */
size_t porter__slots_count(void);

/*
 * Whether a thread of this process may be at work in the slot. After a fork that
 * is not so for those of the threads that the child does not have, until a new
 * thread takes them.
 */
bool porter__slot_lives(size_t slot);

/* For grace.c: a slot; and whether threads without a slot are reading. */
struct slot *porter__slot_at(size_t slot);
bool porter__slotless_readers(void);

struct cell *porter__slot_cell(size_t slot, struct cell_address at);

/* The sum of a word over the cells of all slots. */
uint64_t porter__slots_sum(struct cell_address at, enum word word);

#endif /* PORTER_SLOTS_H */
