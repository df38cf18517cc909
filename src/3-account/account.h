/* SPDX-License-Identifier: MIT */
/*
 * account.h: what is reserved for a tracker, and the bounds on that.
 *
 *	         limit   peak   watermarks
 *	             \    |    /
 *	  parent      account: reserved = quotas of its cells
 *	    ^           |               + charged by its shared cell
 *	    `-----------'               + reserved of its children
 *	      |  quota       |  quota         |  quota
 *	   cell of        cell of          cell of
 *	   thread 1       thread 2         thread 3
 *
 * Every tracker has an account from birth. What is charged never exceeds what
 * is reserved, since no cell charges more than its quota. So whatever holds for
 * the reserved bytes holds for the charged ones: limits (G7), the upper bound of
 * the peak (G8), watermarks. A thread that stays within its quota need not ask.
 * (A call of an unbounded tracker may overdraw a quota: charge more than it. The call
 * settles the cell before it returns.)
 *
 * One lock for a hierarchy, the root's (root-lock.h). It guards the last part of
 * struct account, in all accounts of the hierarchy, and the quotas, caps and
 * links of the cells that are holders. Reserving goes through all levels at
 * once, so parents cost the fast path nothing.
 */
#ifndef PORTER_ACCOUNT_H
#define PORTER_ACCOUNT_H

#include "3-account/peak.h"
#include "3-account/stock.h"

/* More than any machine has. Sums of a few such numbers do not overflow. */
static const int64_t BEYOND_ALL = (int64_t)1 << 60;

/* The lock of a hierarchy: see root-lock.h. */
struct root_lock {
	uint32_t held_by; /* a fork generation; 0: free */
};

struct watermark_user;

struct account {
	/* ---- constant, or changed seldom ---- */
	struct cell_address at;
	struct porter__id *id;
	struct account *parent, *root;
	void *owner;	    /* the tracker */
	int64_t quantum;    /* stock that the program wants; 0: chosen */
	bool bounded;	    /* a limit or a watermark holds here or above */
	bool all_bounded;   /* so is the whole subtree */
	bool may_be_atomic; /* atomic-mode.h: try without the lock first */

	/* ---- structure (hierarchy.h): changed under its mutex ---- */
	struct account *children, *next, *previous;
	uint64_t ended; /* root: counts up before a child leaves, and after */

	/* ---- under the root's lock; what is used most lies first ---- */
	struct root_lock lock __attribute__((aligned(CACHE_LINE_PAIR)));
	uint32_t generation; /* fork.h: of the process it was made (anew) in */
	int64_t reserved;
	int64_t word; /* of a root: what is reserved, in atomic mode */
	int64_t word_min, word_max;
	int64_t limit;	   /* INT64_MAX: none */
	int64_t high, low; /* watermarks; INT64_MAX, INT64_MIN: none */

	int64_t upper, lower;  /* of the peak, as last published */
	uint64_t caps;	       /* sum, of all holders in the subtree */
	uint32_t holders;      /* in the subtree */
	uint32_t max_holders;  /* since the last drain */
	uint32_t first_holder; /* its own list: a link (stock.h) */
	uint32_t operations;   /* refill.c: the first few get no stock */
	uint32_t denied;       /* refill.c: how often, since the last drain */
	uint32_t crowded;      /* refill.c: small caps, since then */
	uint32_t modes;	       /* atomic-mode.h: how many there were */
	int64_t resume; /* refill.c: what must be left before stock begins */

	struct account *active_children, *next_active, *previous_active;
	bool is_active; /* in its parent's list of those with holders */

	struct peak peak; /* written under the lock, read without */
	void *watches;	  /* of the floor that watches */
	const struct watermark_user *user;
} __attribute__((aligned(CACHE_LINE_PAIR)));

#define for_each_level(a, x) for (struct account *x = (a); x; x = x->parent)

/*
 * Adds to what is reserved, at all levels. Quotas are raised after it and
 * lowered before it, and all of these stores are release. So at every instant,
 * that of a fork included, what is reserved is at least the sum of the quotas.
 * The sum is unsigned, so that absurd sizes wrap; a signed one would be undefined.
 */
static inline void reserve(struct account *a, int64_t bytes)
{
	for_each_level(a, x)
		store_release(&x->reserved, (int64_t)((uint64_t)x->reserved +
						      (uint64_t)bytes));
}

static inline void set_peak(struct account *a, int64_t lower, int64_t upper)
{
	a->lower = lower;
	a->upper = upper;
	peak_publish(&a->peak, lower, upper);
}

/* The upper bound of the peak, at all levels: what is reserved may be charged. */
static inline void raise_upper(struct account *a)
{
	for_each_level(a, x)
		if (unlikely(x->reserved > x->upper))
			set_peak(x, x->lower, x->reserved);
}

/*
 * Settles a cell whose quota is the one given (the word may be marked: drain.h).
 * Its quota becomes what it has charged, so no stock is left. The word is stored
 * once, since the cell's thread may look at it meanwhile.
 */
static inline void settle_from(struct account *a, struct cell *cell,
			       uint64_t quota)
{
	uint64_t charged = charged_by(cell);
	int64_t more = (int64_t)(charged - quota);

	if (more > 0) {
		reserve(a, more);
		raise_upper(a);
	}
	store_release(&cell->word[QUOTA], charged);
	if (more < 0)
		reserve(a, more);
}

static inline void settle(struct account *a, struct cell *cell)
{
	settle_from(a, cell, load_relaxed(&cell->word[QUOTA]));
}

static inline struct cell *cell_of_slot(const struct account *a, size_t slot)
{
	return (struct cell *)(uintptr_t)porter__slot_cell(slot, a->at);
}

static inline int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t max_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

#endif /* PORTER_ACCOUNT_H */
