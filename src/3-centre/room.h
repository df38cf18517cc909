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
 *	lent		LENT + quota	the fast path works
 *	not lent	quota		every operation goes to the centre
 *
 * LENT is so large that one comparison tells all cases in which the fast path
 * must not go on: no room, not lent, never used, more room than a thread may
 * keep. Sums of bytes are taken modulo 2^64: a thread that frees what others
 * allocated uses less than nothing.
 *
 * FLIGHT is the word in which a thread says what it is in the middle of:
 *
 *	63                                  2 1   0
 *	|       bytes of the operation + 1   | state |		0: nothing
 *
 *	ASKING		the centre, for room; no bytes yet
 *	ATTEMPT		has looked at the quota, or is about to, to count
 *	TAKEN		has counted; the underlying allocator is at work
 *	GIVING		the underlying allocator is at work; will count
 *
 * An attempt is announced, so that who takes room away can wait for it to be
 * over; see centre.h for that argument. The others are for peaks: see peak.c.
 */
#ifndef PORTER_ROOM_H
#define PORTER_ROOM_H

#include "1-slots/slots.h"

#include <stdbool.h>
#include <stdint.h>

#define LENT ((uint64_t)1 << 62)

enum flight { ASKING, ATTEMPT, TAKEN, GIVING, FLIGHT_STATES };

/* ---- Quotas ---- */

static inline uint64_t cell_net(const struct cell *cell)
{
	return peek(&cell->word[ALLOCATED]) - peek(&cell->word[FREED]);
}

static inline bool is_lent(uint64_t quota_word)
{
	return (int64_t)quota_word > (int64_t)(LENT / 2);
}

static inline uint64_t quota_of(uint64_t quota_word)
{
	return is_lent(quota_word) ? quota_word - LENT : quota_word;
}

/*
 * The room of a cell that is lent, for the fast path: to be compared, as it
 * is, with the most that a thread may keep. Of a cell that is not lent it is
 * about 3 * 2^62, less a size of at most 2^63: above anything.
 */
static inline uint64_t room_of(const struct cell *cell)
{
	return peek(&cell->word[QUOTA]) - LENT - cell_net(cell);
}

static inline bool room_allows(uint64_t room, uint64_t size, uint64_t most)
{
	return room - size <= most;
}

/* ---- Flights ---- */

static inline uint64_t flight_of(uint64_t size, enum flight state)
{
	return FLIGHT_STATES * size + FLIGHT_STATES + state;
}

static inline enum flight flight_state(uint64_t flight)
{
	return (enum flight)(flight % FLIGHT_STATES);
}

static inline uint64_t flight_bytes(uint64_t flight)
{
	return flight ? flight / FLIGHT_STATES - 1 : 0;
}

#endif /* PORTER_ROOM_H */
