/* SPDX-License-Identifier: MIT */
/*
 * ids.h: which cell of every slot belongs to which counter.
 *
 * An id is used again when its counter ends. The cells of an id are never
 * reset, since only their owners may write them; so each id remembers what
 * they held, all told, when the last counter left it. Nobody writes the cells
 * of an id that has no counter, so that stays true until the next one comes.
 */
#ifndef PORTER_IDS_H
#define PORTER_IDS_H

#include "1-slots/slots.h"

struct porter__id {
	uint64_t base[WORDS]; /* what the cells held when it was free */
	uint32_t number;
	struct porter__id *next_free; /* under the lock of ids.c */
};

/* The id that is kept for the default allocator, so that it cannot fail. */
struct porter__id *porter__id_reserved(void);
/* An id for a new counter, or NULL with errno ENOMEM. Ids never move. */
struct porter__id *porter__id_take(void);
/* Gives the id back, base brought up to date by the caller. */
void porter__id_give(struct porter__id *id);

#endif /* PORTER_IDS_H */
