/* SPDX-License-Identifier: MIT */
/*
 * centre.h: who reserves bytes for the cells of a tracker.
 *
 *	            limit  peak  marks
 *	               \    |    /
 *	  parent       centre: reserved = quotas of its cells
 *	    ^            |             + reserved of its children
 *	    `------------'
 *	       |  quota       |  quota         |  quota
 *	    cell of        cell of          cell of
 *	    thread 1       thread 2         thread 3
 *
 * What is in use never exceeds what is reserved, since a cell's use never
 * exceeds its quota; so a centre need not be asked as long as a thread stays
 * within its quota, and whatever is checked on what is reserved holds for what
 * is in use: limits (G7), the highest use (G8), marks. Reserving goes through
 * all levels of a family at once, so a parent costs the fast path nothing.
 *
 * One lock for a family, its root's. It guards all that is below the line in
 * struct centre, of all its members, and the last two words of their cells.
 *
 * Taking room back. When a limit seems to be reached, cells may still have
 * room that they do not use, and it would be wrong to refuse. So all room is
 * taken back (porter__centre_revoke), until reserved is what is in use:
 *
 *	the thread that owns a cell		who revokes, with the lock
 *
 *	1 flight = attempt			1 quota = not lent
 *	  compiler_barrier()			2 barrier everywhere
 *	2 look at the quota			3 wait while flight is an attempt
 *	3 allocated += n			4 quota = allocated - freed,
 *	4 flight = no attempt (release)		  the rest is taken back
 *
 * Either the thread saw at 2 that its cell is not lent any more, and comes to
 * the centre; or its attempt was announced before the barrier, so it is waited
 * for at 3, and what it counted is seen at 4. A free needs no attempt: it adds
 * to freed, and then looks at the quota in the same way. Either who revokes
 * sees the free at 4, or the thread sees that it must come to the centre, which
 * settles its cell. Settling twice does no harm, as it only compares.
 *
 * A free that is counted and not yet settled is on its way: its call has not
 * returned, so it may be taken to happen when it settles.
 * (tests/models/limit.pml; tests/stress/limit.c)
 */
#ifndef PORTER_CENTRE_H
#define PORTER_CENTRE_H

#include "0-machine/spin.h"
#include "0-machine/test-point.h"
#include "2-counter/ids.h"
#include "3-centre/room.h"

/*
 * centre.c: others are settled with each of the first 200 operations, and then
 * with one in a thousand.
 */
enum { SELDOM = 1000, JUST_CONVERTED = SELDOM + 200 };

/*
 * Bytes of an operation that need not be told before (tracked-peaked.c). Where
 * several threads are at work, each may have as much in flight untold.
 */
enum { UNTOLD = 4096 };

/* No machine has so much; and sums of a few of them do not overflow. */
static const int64_t BEYOND_ALL = (int64_t)1 << 60;

struct centre {
	struct pool_element element;
	/* ---- read by every operation, seldom written ---- */
	uint64_t most;	  /* room that a thread may keep */
	bool all_shared;  /* peak.c: this and its ancestors; or not yet known */
	bool may_be_calm; /* calm.h: but for numbers; or not yet known */
	struct cell_address at;
	struct porter__id *id;
	void *owner; /* the tracker */
	struct centre *parent, *root;

	/* ---- under the root's lock; the first line has what is hot ---- */
	struct spin lock __attribute__((aligned(CACHE_LINE_PAIR)));
	bool shared;	    /* peak.c: used by several threads at a time */
	uint16_t converted; /* counted before it had a centre; 0: did not */
	int64_t reserved;
	int64_t calm; /* calm.h */
	int64_t calm_least, calm_most;
	int64_t limit;	 /* INT64_MAX: none */
	uint64_t lent;	 /* bound of all room, the subtree's */
	uint32_t loans;	 /* how many cells are in lists, the subtree's */
	uint32_t runner; /* peak.c: slot index + 1 of who runs alone */
	int64_t peak_upper;

	int64_t high, low;  /* marks; INT64_MAX, INT64_MIN: none */
	uint32_t calms;	    /* how many there were */
	uint32_t streak;    /* operations of the runner in a row */
	int64_t lend_below; /* lend.c: reserved, below which room is lent */
	uint64_t own_lent;  /* of lent and loans, its own cells' part */
	uint32_t own_loans;
	uint32_t lendees;  /* its list: slot index + LENDEE_FIRST, or END */
	uint32_t denied;   /* lend.c: how often, since the last revocation */
	int64_t quantum;   /* 0: chosen */
	int64_t unslotted; /* bytes in flight of threads without a cell */
	int64_t peak_lower;
	const struct cell *runner_cell; /* peak.c: where it was at work last */
	int64_t peak_before;		/* peak.c: before the last operation */
	int64_t certified_at; /* peak.c: reserved at the last certificate */
	uint64_t period;      /* peak.c: odd while a new one begins */
	struct centre *children, *next; /* family.c: read without the lock */
	uint64_t ended;			/* root: children that ended, twice */
	void *watches;			/* of floor 5 */
	void (*bind)(struct centre *c); /* life.h */
	struct centre *busy; /* root: whose operation holds the lock */
	bool bounded;	     /* has a limit or a mark, or an ancestor has */
	bool live, forking;  /* life.c */
} __attribute__((aligned(CACHE_LINE_PAIR)));

/* ---- The fast path ---- */

/*
 * Takes size bytes for the cell, or says no: then the flight is no attempt any
 * more, and porter__centre_take() is next. The calling thread owns both.
 *
 * The add is a release, for who certifies a peak: seeing these bytes counted,
 * it sees the flight as well. (peak.c)
 */
static inline bool centre_take_fast(struct cell *cell, uint64_t size)
{
	poke(&cell->word[FLIGHT], flight_of(size, ATTEMPT));
	compiler_barrier();
	if (unlikely(own_room(cell) < (int64_t)size)) {
		publish(&cell->word[FLIGHT], flight_of(0, TAKEN));
		return false;
	}
	TEST_POINT(ATTEMPTING);
	word_add_release(&cell->word[ALLOCATED], size);
	publish(&cell->word[FLIGHT], flight_of(size, TAKEN));
	return true;
}

/*
 * Where nothing is bounded, what was counted may be beyond the quota, until it
 * is settled; and a free must only be settled where others could miss it.
 */
static inline bool centre_wants_quota(const struct cell *cell)
{
	compiler_barrier();
	return unlikely(own_room(cell) < 0);
}

/* The flight is said first: see change_runner() in peak.c. */
static inline bool centre_wants_to_know(const struct cell *cell)
{
	compiler_barrier();
	return unlikely(!is_lent(peek(&cell->word[QUOTA])));
}

/* After a free was counted: whether the cell must be settled. */
static inline bool centre_wants_room(const struct centre *c,
				     const struct cell *cell)
{
	compiler_barrier();
	return unlikely((uint64_t)own_room(cell) > peek(&c->most));
}

static inline void flight_begin(struct cell *cell, uint64_t size,
				enum flight state)
{
	poke(&cell->word[FLIGHT], flight_of(size, state));
}

/* Release: who sees that it is over sees what it has counted. */
static inline void flight_end(struct cell *cell)
{
	publish(&cell->word[FLIGHT], 0);
}

/* ---- The slow path, with the lock; callers try calm.h first ---- */

/*
 * Cell NULL: for a thread without one, whose use is counted in the id's own.
 * Takes size bytes; false: a limit refuses.
 */
bool porter__centre_take(struct centre *c, struct cell *cell, uint64_t size);
/* After something was counted: reserved is brought to what the cell uses. */
void porter__centre_settle(struct centre *c, struct cell *cell);
/*
 * Before the underlying allocator gets a block back from a cell that is not
 * lent. Somebody else may be at work alone, and take what is being given back
 * for in use, unless told.
 */
SLOW_PATH void porter__centre_meet(struct centre *c, struct cell *cell);
/* Counts what was taken and got no memory as if it had never been. */
void porter__centre_undo(struct centre *c, struct cell *cell, uint64_t size,
			 bool took_slowly);
/* A free of a thread without a cell; and what it is in the middle of. */
void porter__centre_give_unslotted(struct centre *c, uint64_t size);
void porter__centre_fly_unslotted(struct centre *c, int64_t size);

void porter__centre_set_limit(struct centre *c, int64_t limit);
/* With the lock: the subtree is bounded from now on, for good. */
void porter__centre_bound(struct centre *c);

/* ---- With the lock ---- */

/*
 * The word calm is what is reserved, beside a number that tells one calm from
 * another; or it is about NOT_CALM, since threads that give bytes back subtract
 * them before they look. Then what is reserved belongs to who has the lock.
 *
 *	63                                  16 15        0
 *	|              reserved               |   which   |
 */
static const int64_t NOT_CALM = -((int64_t)1 << 62);

enum { CALM_SHIFT = 16, CALMS = 1 << CALM_SHIFT };

/* What an operation without the lock has come to; over: the lock is next. */
enum calm { CALM_OVER, CALM_DONE, CALM_REFUSED };

static inline bool is_calm(int64_t calm)
{
	return calm > NOT_CALM / 2;
}

static inline bool is_same_calm(int64_t a, int64_t b)
{
	return is_calm(a) && is_calm(b) && (a - b) % CALMS == 0;
}

/* Rounds down, for less than nothing as well. */
static inline int64_t calm_reserved(int64_t calm)
{
	return calm >> CALM_SHIFT;
}

static inline void calm_end(struct centre *root)
{
	int64_t calm = peek(&root->calm);

	if (!is_calm(calm)) {
		/* What was subtracted in vain does not add up. */
		if (calm != NOT_CALM)
			poke(&root->calm, NOT_CALM);
		return;
	}
	/*
	 * For readers, who see that it is over before they see the number: an
	 * upper bound of that. The exchange is a release.
	 */
	poke(&root->reserved, root->calm_most);
	calm = exchange(&root->calm, NOT_CALM);
	TEST_POINT(CALM_ENDING);
	poke(&root->reserved, calm_reserved(calm));
}

static inline void centre_lock(struct centre *c)
{
	spin_lock(&c->root->lock);
	calm_end(c->root);
}

static inline void centre_unlock(struct centre *c)
{
	spin_unlock(&c->root->lock);
}

/*
 * For operations, which say whose they are. Who has to wait learns whether it
 * is not alone at work: see porter__peak_met().
 */
SLOW_PATH void porter__centre_enter_slowly(struct centre *c);

static inline void centre_enter(struct centre *c)
{
	if (unlikely(!spin_try(&c->root->lock)))
		porter__centre_enter_slowly(c);
	calm_end(c->root);
	if (unlikely(!c->shared))
		poke(&c->root->busy, c);
}

static inline void centre_leave(struct centre *c)
{
	if (unlikely(c->root->busy))
		poke(&c->root->busy, NULL);
	spin_unlock(&c->root->lock);
}

/* Takes back all room in the subtree: reserved is what is in use then. */
void porter__centre_revoke(struct centre *c);

/* Adds to what is reserved, at all levels. */
static inline void centre_reserve(struct centre *c, int64_t bytes)
{
	for (struct centre *x = c; x; x = x->parent)
		poke(&x->reserved, x->reserved + bytes);
}

static inline struct cell *cell_of_slot(const struct centre *c, size_t slot)
{
	return (struct cell *)(uintptr_t)porter__slot_cell(slot, c->at);
}

#endif /* PORTER_CENTRE_H */
