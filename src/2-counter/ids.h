/* SPDX-License-Identifier: MIT */
/*
 * ids.h: which cell of every slot belongs to which counter.
 *
 *	all told, a word of an id = sum over the slots of its cells
 *	                          + the id's shared cell
 *
 * The shared cell takes what cannot go into a slot: updates of threads that have
 * left theirs, or for which there is no memory. It is written with atomic
 * instructions, and nothing about it can fail.
 *
 * An id is used again when its counter ends. Cells in slots are never reset,
 * since only their owners may write them; so each id remembers its base, what
 * they held, all told, when the last counter left it, and the next one starts
 * from there. Nobody writes the cells of an id without a counter, so that stays
 * true. The shared cell is reset.
 *
 * The lowest free id is handed out, since the cells of low ones are found in the
 * shortest way, and share pages.
 */
#ifndef PORTER_IDS_H
#define PORTER_IDS_H

#include "1-slots/slots.h"

struct porter__id {
	struct pool_element element; /* its index is the number of the id */
	uint64_t base[COUNTED];
	/* Seldom counted, by all threads; 0 in an id that is taken. */
	uint64_t failures;
	uint64_t refusals;  /* of requests, by a limit */
	uint64_t cancelled; /* bytes counted as allocated, and as freed */
	uint64_t cancelled_blocks;
	struct cell shared __attribute__((aligned(CACHE_LINE_PAIR)));
};

/* The id that is kept for the default allocator, so that it cannot fail. */
struct porter__id *porter__id_reserved(void);
/* An id for a new counter, or NULL with errno ENOMEM. */
struct porter__id *porter__id_take(void);
/*
 * Gives the id back. No update of its counter may be under way. Its cells are
 * left as cells without stock are: QUOTA = ALLOCATED - FREED; cap, attempt and link
 * are 0.
 */
void porter__id_give(struct porter__id *id);

/* A word of an id, less its base; between slots_enter and slots_leave. */
uint64_t porter__id_word(const struct porter__id *id, enum word word);
/* Its two parts, neither less than 0: in the slots' cells, in the shared one. */
uint64_t porter__id_cells_word(const struct porter__id *id, enum word word);
uint64_t porter__id_shared_word(const struct porter__id *id, enum word word);
/* For a sum over the slots' cells: what is to be added to them. */
uint64_t porter__id_beside_cells(const struct porter__id *id, enum word word);

#endif /* PORTER_IDS_H */
