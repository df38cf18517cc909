/* SPDX-License-Identifier: MIT */
/*
 * refill.c: how much stock a cell gets.
 *
 * Stock is what makes reserved differ from charged, so it is kept small against
 * whatever that difference would blur. A cap, the most stock that a cell keeps,
 * is chosen by the number of holders; half of it is given, so that it serves
 * allocations and frees alike:
 *
 *	the peak	A cap is at most allowance / 2h. The allowance is 1/256 of
 *			the peak, or 64 KiB if that is more. h is the larger of the
 *			most holders since the last drain and twice the present
 *			ones, so that those that come later find room.
 *	a limit,	The sum of all caps stays within a quarter of what is left
 *	a watermark	to it. If 4 KiB for this cell would make it more, the cell
 *			is denied: each operation goes to the account.
 *
 * A cap is between 4 KiB and 256 KiB. Because of the peak alone a cell never gets
 * less than 4 KiB: the bounds of the peak may be apart by 4 KiB for each holder
 * (G8). If it were denied, or if the other holders were drained for it, a thread
 * that works in a thousand children would drain with each operation. But where many
 * holders have come and the first ones still have large caps, bring_down() drains
 * them.
 *
 * A cell's first cap in a hierarchy is 4 KiB: a thread may touch many children once.
 * When the cell comes to the account again, its cap is chosen by the rules above.
 *
 * A cell that is the only holder at a level gets no stock above the upper bound
 * of that level's peak. So where one thread works, each new peak is seen here.
 *
 * Holders that are idle keep their caps until a drain. Where that leaves others with
 * small caps or none, the level is drained; but only after so many operations that
 * the drain adds little to the cost of each.
 */
#include "3-account/refill.h"

#include "0-machine/barrier.h"
#include "3-account/drain.h"

enum {
	MIN_CAP = 4 * 1024,
	MAX_CAP = 256 * 1024,
	MIN_QUANTUM = 512,	 /* less is not worth the while */
	FIRST_OPERATIONS = 3,	 /* of a tracker: they get no stock */
	PATIENCE = 64,		 /* denials before others are drained */
	CROWDED = 1024,		 /* small caps before others are drained, */
	CROWDED_A_HOLDER = 64,	 /* and more for each of them, */
	MOST_IDLE_TO_DRAIN = 256 /* unless these are too many */
};

static const int64_t RESUME = 256 * 1024;

/* ---- What a bound allows ---- */

/* INT64_MAX, or nearly, where there is no bound. */
static int64_t left_to(int64_t bound, int64_t reserved)
{
	int64_t left;

	return __builtin_sub_overflow(bound, reserved, &left) ? INT64_MAX :
								left;
}

/* A quarter of what is left to limit and watermarks: for all caps together. */
static int64_t budget(const struct account *x)
{
	int64_t left = left_to(x->limit, x->reserved);

	left = min_of(left, left_to(x->high, x->reserved));
	left = min_of(left, left_to(x->reserved, x->low));
	return left / 4;
}

/*
 * A level where somebody has stock may go on giving it until budget() denies. A level
 * where nobody has stock begins only farther from the bound, or what it gave would be
 * drained at once. What must be left to the bound is the largest of
 *
 *	256 KiB, or 32 KiB for each holder that there was when stock was last denied
 *	(all of these want some again); but at most a quarter of the bound
 *	1/64 of the bound
 *	16 KiB
 */
int64_t porter__stock_begins_at(const struct account *a)
{
	int64_t bound = min_of(a->limit, a->high);
	int64_t distance = min_of(bound / 4, max_of(RESUME, a->resume));

	if (bound == INT64_MAX)
		return INT64_MAX;
	distance = max_of(distance, bound / 64);
	return bound - max_of(distance, 4 * MIN_CAP);
}

int64_t porter__stock_begins_above(const struct account *a)
{
	return a->low == INT64_MIN ? INT64_MIN : a->low + RESUME / 4;
}

static bool may_begin(const struct account *x)
{
	return x->caps || (x->reserved <= porter__stock_begins_at(x) &&
			   x->reserved > porter__stock_begins_above(x));
}

/* ---- The cap ---- */

static uint64_t wished(const struct account *a)
{
	if (a->quantum == 0 || a->quantum > MAX_CAP / 2)
		return MAX_CAP;
	return 2 * (uint64_t)a->quantum;
}

bool porter__may_have_stock(const struct account *a)
{
	return porter__barrier_possible() &&
	       (a->quantum == 0 || a->quantum >= MIN_QUANTUM);
}

/* The cap of one of so many holders at this level, as far as its peak goes. */
static uint64_t share(const struct account *x, uint32_t holders)
{
	uint32_t h = max_of(x->max_holders, 2 * (int64_t)holders);
	uint64_t cap = (uint64_t)peak_allowance(x->upper) / (2 * h);

	return cap < MIN_CAP ? MIN_CAP : cap;
}

/* Whether the sum of all caps keeps the bounds of the peak close enough for G8. */
static bool is_narrow(const struct account *x, uint64_t others, uint64_t cap,
		      uint32_t holders)
{
	uint64_t all = others + cap;

	return all <= (uint64_t)peak_allowance(x->upper) / 2 ||
	       all <= (uint64_t)holders * MIN_CAP;
}

struct choice {
	uint64_t cap;
	struct account *denied_by; /* then the cap is 0 */
};

static struct choice choose_cap(struct account *a, uint64_t old_cap,
				bool is_new)
{
	struct choice choice = { .cap = wished(a) };
	bool in_hierarchy = a->parent || load_relaxed(&a->children);

	if (is_new && in_hierarchy && choice.cap > MIN_CAP)
		choice.cap = MIN_CAP;
	for_each_level(a, x) {
		uint64_t most = share(x, x->holders + is_new);

		if (choice.cap > most)
			choice.cap = most;
	}
	for_each_level(a, x) {
		uint64_t others = x->caps - old_cap;
		int64_t all = budget(x);
		uint64_t small = choice.cap < MIN_CAP ? choice.cap : MIN_CAP;

		if (all < (int64_t)(others + small) || !may_begin(x))
			return (struct choice){ .denied_by = x };
		if (all < (int64_t)(others + choice.cap) ||
		    !is_narrow(x, others, choice.cap, x->holders + is_new))
			choice.cap = small;
	}
	return choice;
}

/* ---- Idle holders ---- */

/* Idle holders may be what keeps the caps of the others at 4 KiB. */
static void look_for_idle(struct account *a, uint64_t cap)
{
	for_each_level(a, x) {
		if (cap > MIN_CAP || x->holders < 2 ||
		    x->holders > MOST_IDLE_TO_DRAIN ||
		    ++x->crowded < CROWDED + CROWDED_A_HOLDER * x->holders)
			continue;
		porter__drain(x);
	}
}

/*
 * The level has denied a cell. It is drained if it did so often, or if no holder
 * has a cap left: without holders, atomic mode may begin. Stock begins again when
 * there is room for as many holders as there were.
 */
static void deny(struct account *x)
{
	if (!x->holders || (x->caps && ++x->denied < PATIENCE + x->holders))
		return;
	x->resume = 8 * (int64_t)MIN_CAP * x->holders;
	porter__drain(x);
}

/*
 * The first holders of a level have large caps, chosen while there were few. A
 * holder's cap becomes smaller when the cell next comes to the account; but an idle
 * holder does not come. So the level is drained before the sum of all caps can be
 * more than G8 allows. max_holders stays: afterwards caps are chosen as for that
 * many holders.
 */
static void bring_down(struct account *a)
{
	for_each_level(a, x) {
		int64_t all = max_of(peak_allowance(x->upper) - MIN_CAP,
				     (int64_t)x->holders * MIN_CAP);
		uint32_t max_holders = x->max_holders;

		if (likely((int64_t)x->caps <= all))
			continue;
		porter__drain(x);
		x->max_holders = max_holders;
	}
}

/* ---- The stock ---- */

/* What may be reserved now without touching a bound of any level. */
static int64_t may_reserve(const struct account *a, int64_t stock)
{
	for_each_level((struct account *)(uintptr_t)a, x) {
		stock = min_of(stock, left_to(x->limit, x->reserved));
		stock = min_of(stock, left_to(x->high, x->reserved) - 1);
		if (x->holders == 1)
			stock = min_of(stock, x->upper - x->reserved);
	}
	return max_of(stock, 0);
}

/* What is reserved and the peaks are raised before the cell may use it: G8. */
static void give(struct account *a, struct cell *cell, int64_t stock)
{
	reserve(a, stock);
	raise_upper(a);
	store_release(&cell->word[QUOTA],
		      load_relaxed(&cell->word[QUOTA]) + (uint64_t)stock);
}

/*
 * Whether the cell is the only holder and is at a new peak. Then may_reserve() would
 * allow no stock, so porter__refill() leaves the cap as it is and ends early. That is
 * the common case where one thread makes a new peak with each block.
 */
static bool is_lone_at_peak(const struct account *a, uint64_t cap)
{
	return cap && a->holders == 1 && a->reserved >= a->upper;
}

bool porter__refill(struct account *a, struct cell *cell)
{
	uint64_t old_cap;
	struct choice choice;

	if (is_lone_at_peak(a, load_relaxed(&cell->cap)))
		return true;
	if (!porter__may_have_stock(a))
		return false;
	if (a->operations < FIRST_OPERATIONS) {
		a->operations++;
		return true;
	}
	bring_down(a);
	old_cap = load_relaxed(&cell->cap);
	choice = choose_cap(a, old_cap, load_relaxed(&cell->link) == LINK_NONE);
	if (choice.denied_by) {
		if (old_cap)
			porter__set_cap(a, cell, 0);
		deny(choice.denied_by);
		return false;
	}
	if (choice.cap != old_cap)
		porter__set_cap(a, cell, choice.cap);
	give(a, cell, may_reserve(a, (int64_t)choice.cap / 2));
	look_for_idle(a, choice.cap);
	return true;
}
