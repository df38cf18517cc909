/* SPDX-License-Identifier: MIT */
/*
 * ids.c: scans of the cells of an id; its base.
 *
 * fork() needs nothing here. The child's copy of the cells is consistent: a
 * free that is in it is there with its allocation (0-machine/fork.h). So what
 * the child starts with is at least what was in use when the fork began, every
 * block that the forking thread can know among it. Updates that other threads
 * made during the fork may be missing or in; their blocks are lost to the child
 * in either case, as their threads are.
 */
#include "2-counter/ids.h"

#include "0-machine/fork.h"

#include <string.h>

enum { FIRST_IDS = 64 };

static struct porter__id first_ids[FIRST_IDS];

static struct pool ids = {
	.element_size = sizeof(struct porter__id),
	.first = FIRST_IDS,
	.segments = { (char *)first_ids },
	.count = 1, /* the first is reserved */
	.lock = PORTER__LOCK_INIT(RANK_IDS),
};

/* ---- Scanning ---- */

uint64_t porter__id_shared_word(const struct porter__id *id, enum word word)
{
	return word_load(&id->shared.word[word]);
}

uint64_t porter__id_beside_cells(const struct porter__id *id, enum word word)
{
	return porter__id_shared_word(id, word) - id->base[word];
}

uint64_t porter__id_cells_word(const struct porter__id *id, enum word word)
{
	return porter__slots_sum(cell_address(id->element.index), word) -
	       id->base[word];
}

uint64_t porter__id_word(const struct porter__id *id, enum word word)
{
	return porter__id_shared_word(id, word) +
	       porter__id_cells_word(id, word);
}

/* The line stays with its owner where there is nothing to change. */
static void set(uint64_t *word, uint64_t value)
{
	if (load_relaxed(word) != value)
		store_relaxed(word, value);
}

/*
 * The counter has ended. What the cells hold is the base from now on; and none
 * has stock: its quota is just what it uses. Nobody else writes them now.
 */
static void end_cell(struct porter__id *id, struct cell *cell)
{
	uint64_t net = word_load(&cell->word[ALLOCATED]) -
		       word_load(&cell->word[FREED]);

	for (int word = 0; word < COUNTED; word++)
		id->base[word] += word_load(&cell->word[word]);
	set(&cell->word[QUOTA], net);
	if (cell->cap || cell->attempt || cell->link) {
		cell->cap = 0;
		cell->attempt = cell->link = 0;
	}
}

static void end_cells(struct porter__id *id)
{
	struct cell_address at = cell_address(id->element.index);
	size_t slots = porter__slots_count();

	memset(id->base, 0, sizeof(id->base));
	for (int word = 0; word < WORDS; word++)
		store_relaxed(&id->shared.word[word], 0);
	for (size_t slot = 0; slot < slots; slot++) {
		struct cell *cell = porter__slot_cell(slot, at);

		if (cell)
			end_cell(id, cell);
	}
}

/* ---- Taking and giving ---- */

struct porter__id *porter__id_reserved(void)
{
	return &first_ids[0];
}

struct porter__id *porter__id_take(void)
{
	porter__fork_register();
	return porter__pool_take(&ids);
}

void porter__id_give(struct porter__id *id)
{
	bool locked = porter__slots_enter();

	end_cells(id);
	porter__slots_leave(locked);
	id->failures = id->refusals = 0;
	id->cancelled = id->cancelled_blocks = 0;
	porter__pool_give(&ids, id);
}

/* ---- Forking ---- */

FORK_HOLD(hold_ids, .lock = &ids.lock);
