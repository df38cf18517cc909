/* SPDX-License-Identifier: MIT */
/*
 * counter.c: updates by their owners, reads by a walk.
 *
 * Why a sum is never low (G2). Let a read collect all freed words between the
 * instants t0 and t1, and all allocated words between t1 and t2. The words
 * only grow, so
 *
 *	freed, as collected     <= freed at t1
 *	allocated, as collected >= allocated at t1
 *	sum = their difference  >= what was in use at t1  >= 0
 *
 * Slots and blocks that appear during the read are no exception: one that the
 * first walk misses makes the freed sum smaller; the second walk counts the
 * slots anew. The loads are acquire loads, so the second walk's come after
 * the first's; see counter_refund() for the other half.
 */
#include "2-counter/counter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	COUNTER_MAGIC = 0x706f7274,
	COUNTER_ENDED = 0x656e6465,
};

static uint64_t sum_of_cells(struct cell_address at, enum word word)
{
	size_t slots = porter__slots_count();
	uint64_t sum = 0;

	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = porter__slot_cell(slot, at);

		if (cell)
			sum += word_read(&cell->word[word]);
	}
	return sum;
}

uint64_t porter__counter_collect(const struct porter_counter *c, enum word word)
{
	return sum_of_cells(c->at, word) + word_read(&c->own.word[word]) -
	       c->id->base[word];
}

void porter__counter_init(struct porter_counter *c, struct porter__id *id)
{
	memset(c, 0, sizeof(*c));
	c->id = id;
	c->at = cell_address(id->number);
	c->magic = COUNTER_MAGIC;
}

void porter__counter_fini(struct porter_counter *c)
{
	bool locked = porter__slots_enter();

	for (enum word word = 0; word < WORDS; word++)
		c->id->base[word] = sum_of_cells(c->at, word);
	porter__slots_leave(locked);
	c->magic = COUNTER_ENDED;
	porter__id_give(c->id);
}

porter_counter *porter_counter_new(void)
{
	porter_counter *c = aligned_alloc(CACHE_LINE_PAIR, sizeof(*c));
	struct porter__id *id = c ? porter__id_take() : NULL;

	if (!id) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	porter__counter_init(c, id);
	return c;
}

void porter_counter_destroy(porter_counter *c)
{
	if (!c)
		return;
	if (c->magic != COUNTER_MAGIC)
		porter__broken(__func__, c->magic == COUNTER_ENDED ?
						 "destroyed already" :
						 "this is no counter");
	porter__counter_fini(c);
	free(c);
}

void porter__counter_add_slow(struct porter_counter *c, enum word word,
			      uint64_t n)
{
	struct cell *cell = porter__own_cell(c->at);

	if (cell)
		word_add_release(&cell->word[word], n);
	else
		shared_add(&c->own.word[word], n);
}

void porter_counter_add(porter_counter *c, uint64_t n)
{
	counter_add(c, ALLOCATED, n);
}

void porter_counter_sub(porter_counter *c, uint64_t n)
{
	counter_add(c, FREED, n);
}

int64_t porter_counter_sum(const porter_counter *c)
{
	bool locked = porter__slots_enter();
	uint64_t freed = porter__counter_collect(c, FREED);
	uint64_t allocated = porter__counter_collect(c, ALLOCATED);

	porter__slots_leave(locked);
	return (int64_t)(allocated - freed);
}
