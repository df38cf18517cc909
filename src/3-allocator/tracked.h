/* SPDX-License-Identifier: MIT */
/*
 * tracked.h: what a tracked allocator is made of.
 */
#ifndef PORTER_TRACKED_PRIVATE_H
#define PORTER_TRACKED_PRIVATE_H

#include "2-counter/counter.h"
#include "3-allocator/backend.h"

#include <portermem/tracked.h>

enum {
	TRACKED_MAGIC = 0x74726163,
	TRACKED_ENDED = 0x656e6474,
};

struct porter_tracked {
	porter_allocator allocator; /* first: a tracker is an allocator */
	porter_allocator *underlying;
	struct porter_counter counter;
	uint32_t magic;
};

/* Makes a tracker in memory that the caller has got. */
void porter__tracked_init(porter_tracked *t, porter_allocator *underlying,
			  struct porter__id *id);

/* Whether malloc and free can be called directly, and serve this alignment. */
static inline bool over_plain_malloc(const porter_tracked *t, size_t alignment)
{
	return likely(t->underlying == &porter__system) &&
	       likely(alignment <= PORTER_ALIGNMENT);
}

/* ---- Counting ---- */

/*
 * A block of size bytes given, and taken back. A signal handler between the
 * two adds does no harm: each word is right by itself.
 */
static inline void charge_cell(struct cell *cell, size_t size)
{
	word_add(&cell->word[ALLOCATED], size);
	word_add(&cell->word[ALLOCATIONS], 1);
}

static inline void refund_cell(struct cell *cell, size_t size)
{
	word_add_release(&cell->word[FREED], size);
	word_add_release(&cell->word[FREES], 1);
}

SLOW_PATH void porter__charge_slow(porter_tracked *t, size_t size);
SLOW_PATH void porter__refund_slow(porter_tracked *t, size_t size);

static inline void charge(porter_tracked *t, size_t size)
{
	struct cell *cell = own_cell_fast(t->counter.at);

	if (likely(cell))
		charge_cell(cell, size);
	else
		porter__charge_slow(t, size);
}

static inline void refund(porter_tracked *t, size_t size)
{
	struct cell *cell = own_cell_fast(t->counter.at);

	if (likely(cell))
		refund_cell(cell, size);
	else
		porter__refund_slow(t, size);
}

/* Counts a failure; returns NULL with errno ENOMEM. */
SLOW_PATH void *porter__tracked_failed(porter_tracked *t);

/* A block resized from one size to the other: the difference counts. */
static inline void charge_resize(porter_tracked *t, size_t old_size,
				 size_t new_size)
{
	if (new_size > old_size)
		counter_add(&t->counter, ALLOCATED, new_size - old_size);
	else if (new_size < old_size)
		counter_add(&t->counter, FREED, old_size - new_size);
	counter_add(&t->counter, REALLOCATIONS, 1);
}

#endif /* PORTER_TRACKED_PRIVATE_H */
