/* SPDX-License-Identifier: MIT */
/*
 * counter.h: what a counter is made of, for the floors above.
 *
 * A counter is an id, which names its cells, and where they lie in a slot.
 */
#ifndef PORTER_COUNTER_PRIVATE_H
#define PORTER_COUNTER_PRIVATE_H

#include "2-counter/ids.h"

#include <portermem/counter.h>

struct porter_counter {
	struct cell_address at; /* an update reads this and nothing else */
	uint32_t magic;
	struct porter__id *id;
};

/* For a counter inside another struct, with an id that the caller has got. */
void porter__counter_init(struct porter_counter *c, struct porter__id *id);
/* Gives the id back. No update may be under way. */
void porter__counter_fini(struct porter_counter *c);

/*
 * An update: find the thread's cell, add to a word of it, in one instruction.
 * Where the fast way finds no cell, the slow one adds to the cell that it
 * makes, or to the id's shared one.
 *
 * What is given back is added with release: a reader that sees a free counted
 * (acquire) and reads ALLOCATED later sees the allocation too, because that
 * was ordered before this free by whatever the program handed the block over
 * with. So a difference is never low: see counter.c. Without it, on arm64, the
 * free could be seen before its allocation, and the difference go negative.
 * What is allocated needs no order of its own, and is added relaxed.
 */
SLOW_PATH void porter__counter_add_slow(struct porter_counter *c,
					enum word word, uint64_t n);

static inline void counter_add(struct porter_counter *c, enum word word,
			       uint64_t n)
{
	struct cell *cell = this_cell_fast(c->at);

	if (unlikely(!cell))
		porter__counter_add_slow(c, word, n);
	else if (word == FREED || word == FREES)
		word_add_release(&cell->word[word], n);
	else
		word_add(&cell->word[word], n);
}

#endif /* PORTER_COUNTER_PRIVATE_H */
