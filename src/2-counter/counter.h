/* SPDX-License-Identifier: MIT */
/*
 * counter.h: what a counter is made of, for the floors above.
 *
 *	value of a word = sum of the cells with the counter's id
 *	                + own cell of the counter
 *	                - what the cells held when it took the id
 *
 * The own cell takes what cannot go into a slot: updates of threads that have
 * left theirs, or for which there is no memory. It is written with atomic
 * instructions, and nothing about it can fail.
 *
 * Ids are used again. Cells are never reset, so a counter notes what they
 * hold when it takes its id, when nobody writes them, and starts from there.
 */
#ifndef PORTER_COUNTER_PRIVATE_H
#define PORTER_COUNTER_PRIVATE_H

#include "2-counter/ids.h"

#include <portermem/counter.h>

struct porter_counter {
	struct cell_address at; /* the hot path reads this and nothing else */
	uint32_t magic;
	struct porter__id *id;
	struct cell own __attribute__((aligned(CACHE_LINE_PAIR)));
};

/* For a counter inside another struct, with an id that the caller has got. */
void porter__counter_init(struct porter_counter *c, struct porter__id *id);
/* Gives the id back. No update may be under way. */
void porter__counter_fini(struct porter_counter *c);

/*
 * One word of the counter, by a walk over the slots; between
 * porter__slots_enter() and porter__slots_leave(). Who wants a difference that
 * is never low collects the freed words before the allocated ones.
 */
uint64_t porter__counter_collect(const struct porter_counter *c,
				 enum word word);

/*
 * An update: find the thread's cell, add to a word of it, in one instruction.
 * Where the fast way finds no cell, the slow one adds to the cell that it
 * makes, or to the counter's own.
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
	struct cell *cell = own_cell_fast(c->at);

	if (unlikely(!cell))
		porter__counter_add_slow(c, word, n);
	else if (word == FREED || word == FREES)
		word_add_release(&cell->word[word], n);
	else
		word_add(&cell->word[word], n);
}

#endif /* PORTER_COUNTER_PRIVATE_H */
