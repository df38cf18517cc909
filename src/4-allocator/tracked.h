/* SPDX-License-Identifier: MIT */
/*
 * tracked.h: what a tracked allocator is made of.
 */
#ifndef PORTER_TRACKED_PRIVATE_H
#define PORTER_TRACKED_PRIVATE_H

#include "2-counter/counter.h"
#include "3-centre/centre.h"
#include "3-centre/life.h"
#include "4-allocator/backend.h"

#include <portermem/limit.h>
#include <portermem/tracked.h>

enum {
	TRACKED_MAGIC = 0x74726163,
	TRACKED_ENDED = 0x656e6474,
};

struct porter_tracked {
	porter_allocator allocator; /* first: a tracker is an allocator */
	struct centre *centre;	    /* or NULL: it only counts */
	struct porter_counter counter;
	/*
	 * Alignments up to this come from malloc itself, called directly, with
	 * nobody to be asked before: PORTER_ALIGNMENT over the system backend
	 * and without a centre, else 0. One comparison tells all.
	 */
	uint32_t malloc_serves;
	uint32_t magic;
	/* The next line: what the shortest path does not need. */
	porter_allocator *underlying;
	porter_on_refused on_refused; /* or NULL */
	void *refused_context;
	char name[PORTER_NAME_SIZE];
};

/*
 * The tables of trackers: that only count; that have a centre; and, of these,
 * over malloc: that keep a peak; that are bounded by a limit or a mark, their
 * own or an ancestor's. All have the same name, and are told by it.
 */
extern const char porter__tracked_name[];
extern const struct porter_allocator_vtable porter__tracked_vtable;
extern const struct porter_allocator_vtable porter__centred_vtable;
extern const struct porter_allocator_vtable porter__peaked_vtable;
extern const struct porter_allocator_vtable porter__bounded_vtable;

/* Makes a tracker in memory that the caller has got. */
void porter__tracked_init(porter_tracked *t, porter_allocator *underlying,
			  struct porter__id *id);

static inline bool served_by_malloc(const porter_tracked *t, size_t alignment)
{
	return likely(alignment <= peek(&t->malloc_serves));
}

static inline struct centre *centre_of(const porter_tracked *t)
{
	return subscribe(&t->centre);
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

/* ---- With a centre ---- */

/*
 * An operation, from before the underlying allocator is asked until after. It
 * is counted for as long as it may be in use, and some of it may be in flight.
 */
struct operation {
	struct cell *cell; /* or NULL */
	bool slowly;	   /* the centre was asked */
	uint64_t outer;	   /* flight of one that this one came out of */
};

/* Takes size bytes, or refuses, with errno ENOMEM. */
bool porter__take(porter_tracked *t, uint64_t size, struct operation *op);
/* It has got its memory; which count goes up by one. */
void porter__took(porter_tracked *t, uint64_t size, enum word count,
		  const struct operation *op);
/* It has got none; returns NULL with errno ENOMEM. */
SLOW_PATH void *porter__took_for_nothing(porter_tracked *t, uint64_t size,
					 const struct operation *op);

/* Before and after the underlying allocator gets size bytes back. */
void porter__give(porter_tracked *t, uint64_t size, struct operation *op);
void porter__gave(porter_tracked *t, uint64_t size, enum word count,
		  const struct operation *op);

/* Takes, after the fast path and calm_take(); the cell may be NULL. */
bool porter__take_slowly(porter_tracked *t, uint64_t size, struct operation *op,
			 enum calm calm);

/*
 * The functions of the table, for blocks that carry a header, which does not
 * count.
 */
void *porter__centred_allocate(porter_tracked *t, size_t header, size_t size,
			       size_t alignment);
void *porter__centred_reallocate(porter_tracked *t, size_t header, void *ptr,
				 size_t old_size, size_t new_size,
				 size_t alignment);
void porter__centred_free(porter_tracked *t, size_t header, void *ptr,
			  size_t size, size_t alignment);

void porter__tracked_release_unused(porter_allocator *self);

/* The table's own: for blocks without a header, over any allocator. */
SEPARATE void *porter__allocate_over(porter_allocator *self, size_t size,
				     size_t alignment);
SEPARATE void porter__free_over(porter_allocator *self, void *ptr, size_t size,
				size_t alignment);
void *porter__reallocate_over(porter_allocator *self, void *ptr,
			      size_t old_size, size_t new_size,
			      size_t alignment);

/* Makes the tracker one with a centre, for good; or -1 with errno ENOMEM. */
int porter__tracked_centre(porter_tracked *t, const struct centre_options *o);
/* Nothing of it is used any more; false, errno EBUSY: has children. */
bool porter__tracked_end_centre(struct centre *c);

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
