/* SPDX-License-Identifier: MIT */
/*
 * room.h: what a thread may take without asking the centre.
 *
 *	in use, of this cell        room
 *	|----------------------|-------------|
 *	0               allocated - freed   quota
 *
 * A tracker with a limit, a peak or a parent has a centre (centre.h), which
 * reserves bytes for cells; a cell's quota is what is reserved for it. While
 * its use stays below, its thread asks nobody. All arithmetic of that is here,
 * and it is pure but for the words themselves.
 *
 * A cell is lent room, or not; its QUOTA tells which:
 *
 *	lent		quota			the fast path works
 *	not lent	quota + NOT_LENT	every operation goes to the centre
 *
 * NOT_LENT is so far below 0 that one comparison tells both cases in which an
 * allocation must not go on: no room, not lent; and one both in which a free must
 * not: not lent, more room than a thread may keep. All cells begin with it
 * (slots.c), so never used is not lent. Sums of bytes are taken modulo 2^64: a
 * thread that frees what others allocated uses less than nothing. Neither way
 * beyond 2^61: at 10 GB a second that takes a thread seven years.
 *
 * FLIGHT is the word in which a thread says what it is in the middle of:
 *
 *	63                                  2 1   0
 *	|       bytes of the operation       | state |		0: nothing
 *
 *	ATTEMPT		has looked at the quota, or is about to, to count
 *	TAKEN		has counted; the underlying allocator is at work;
 *			with no bytes yet: asks the centre
 *	GIVING		the underlying allocator is at work; will count
 *
 * An id's own cell has a quota, too, which is never lent: for what threads
 * without a cell use.
 *
 * An attempt is announced, so that who takes room away can wait for it to be
 * over; see centre.h for that argument. The others are for peaks: see peak.c.
 */
#ifndef PORTER_ROOM_H
#define PORTER_ROOM_H

#include "2-counter/ids.h"

#include <stdbool.h>
#include <stdint.h>

enum flight { ATTEMPT = 1, TAKEN, GIVING, FLIGHT_STATES };

/* ---- Quotas ---- */

static inline uint64_t cell_net(const struct cell *cell)
{
	return peek(&cell->word[ALLOCATED]) - peek(&cell->word[FREED]);
}

/*
 * What threads without a cell use. Any of them may add meanwhile: freed first, so
 * that it is never low.
 */
static inline uint64_t own_cell_net(const struct porter__id *id)
{
	uint64_t freed = word_read(&id->own.word[FREED]);

	return word_read(&id->own.word[ALLOCATED]) - freed;
}

static inline bool is_lent(uint64_t quota_word)
{
	return (int64_t)quota_word > (int64_t)NOT_LENT / 2;
}

static inline uint64_t quota_of(uint64_t quota_word)
{
	return is_lent(quota_word) ? quota_word : quota_word - NOT_LENT;
}

/* What its thread alone writes, and reads here: the latest value, of course. */
static inline uint64_t own_word(const struct cell *cell, enum word word)
{
	return cell->word[word];
}

/*
 * The room of the calling thread's cell. Of a cell that is not lent it is about
 * -2^62: less than nothing, and more than anything if taken without its sign.
 */
static inline int64_t own_room(const struct cell *cell)
{
	return (int64_t)(peek(&cell->word[QUOTA]) + own_word(cell, FREED) -
			 own_word(cell, ALLOCATED));
}

/* ---- Flights ---- */

static inline uint64_t flight_of(uint64_t size, enum flight state)
{
	return FLIGHT_STATES * size + state;
}

static inline enum flight flight_state(uint64_t flight)
{
	return (enum flight)(flight % FLIGHT_STATES);
}

static inline uint64_t flight_bytes(uint64_t flight)
{
	return flight / FLIGHT_STATES;
}

#endif /* PORTER_ROOM_H */
