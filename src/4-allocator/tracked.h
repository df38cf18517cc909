/* SPDX-License-Identifier: MIT */
/*
 * tracked.h: what a tracked allocator is made of.
 *
 *	struct porter_tracked
 *	+----------------+--------------------------+----------------------------+
 *	| table, counter | account: limit, peak ... | name, what programs set    |
 *	+----------------+--------------------------+----------------------------+
 *	 a line: all that   lines of which one is
 *	 a fast path reads  written with the lock
 *
 * There are two tables. Both are for any underlying allocator, and call a backend's
 * own functions directly where that is the one.
 *
 *	unbounded	count, settle if the cell is overdrawn, ask the backend. Over
 *			another allocator: ask it, then count (block.c)
 *	bounded		charge, which a limit may refuse; then ask. A limit or a
 *			watermark holds here or in an ancestor
 *
 * The first limit or watermark gives a tracker the bounded table, while threads use
 * it. A call that is under way in the unbounded table settles its cell if it has
 * overdrawn it, as always.
 */
#ifndef PORTER_TRACKED_PRIVATE_H
#define PORTER_TRACKED_PRIVATE_H

#include "2-counter/counter.h"
#include "3-account/charge.h"
#include "4-allocator/backend.h"

#include <portermem/limit.h>
#include <portermem/tracked.h>

enum {
	TRACKED_MAGIC = 0x74726163,
	TRACKED_ENDED = 0x656e6474,
};

struct porter_tracked {
	porter_allocator allocator; /* first: a tracker is an allocator */
	/*
	 * What the fast path calls: malloc and free, or those of another backend. And
	 * where its cell lies. Over an allocator that is no backend no thread finds a
	 * cell there, so all calls go the slower way through its vtable.
	 */
	struct direct direct;
	struct cell_address direct_at;
	struct porter_counter counter;
	porter_allocator *underlying;
	uint64_t serial; /* no other tracker ever has it */
	uint32_t magic;

	struct account account;

	porter_on_refused
		on_refused; /* or NULL; changed with the account's lock */
	void *refused_context;
	char name[PORTER_NAME_SIZE];
};

/* A tracker is told by its table. */
extern const struct porter_allocator_vtable porter__unbounded_vtable;
extern const struct porter_allocator_vtable porter__bounded_vtable;

static inline bool is_bounded(const porter_tracked *t)
{
	return load_relaxed(&t->allocator.vtable) == &porter__bounded_vtable;
}

static inline struct account *account_of(const porter_tracked *t)
{
	return (struct account *)(uintptr_t)&t->account;
}

#endif /* PORTER_TRACKED_PRIVATE_H */
