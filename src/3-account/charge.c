/* SPDX-License-Identifier: MIT */
/*
 * charge.c: operations that come to the account.
 *
 * All that is done with the lock has the same order:
 *
 *	1 settle	the calling thread's cell: its stock is 0 then
 *	2 fit		before a refusal, drain the level that would refuse
 *	3 charge	reserve; raise the peaks; only then does the cell count
 *	4 watermarks	crossed or not
 *	5 refill	some stock, or else atomic mode
 */
#include "3-account/charge.h"

#include "3-account/drain.h"
#include "3-account/refill.h"

/* ---- Step 2 ---- */

/* A request for 0 bytes always fits, also above a limit that was lowered. */
static bool fits(const struct account *x, int64_t reserved, uint64_t size)
{
	int64_t max = min_of(x->limit, BEYOND_ALL);

	return size == 0 ||
	       (reserved <= max && size <= (uint64_t)max - (uint64_t)reserved);
}

static struct account *level_without_room(struct account *a, uint64_t size)
{
	for_each_level(a, x)
		if (unlikely(!fits(x, x->reserved, size)))
			return x;
	return NULL;
}

/*
 * The level that refuses, or NULL. A level is drained before it refuses. It refuses
 * without a drain if the request would not fit even if all caps were given back:
 * holders have no more stock than their caps.
 */
static struct account *make_room(struct account *a, uint64_t size,
				 struct refused *refused)
{
	struct account *x;

	while ((x = level_without_room(a, size))) {
		if (!x->caps || !fits(x, x->reserved - (int64_t)x->caps, size))
			break;
		porter__drain(x);
	}
	if (x) {
		TEST_POINT(REFUSING);
		refused->level = x;
		refused->limit = x->limit;
		refused->charged = x->reserved;
		refused->stock = (int64_t)x->caps;
	}
	return x;
}

/*
 * Calls that began in the unbounded table, before the first limit was set, may charge
 * more than the limit. A settle finds that. Then nobody may go on using stock.
 */
static void drain_above_limit(struct account *a)
{
	for_each_level(a, x)
		if (unlikely(x->reserved > x->limit))
			porter__drain(x);
}

/* ---- Step 3 ---- */

/*
 * The calling thread's cell is settled and has no stock. So all the stock there is
 * lies in other cells, and is less than the sum of their caps.
 */
static void raise_peaks(struct account *a, uint64_t own_cap)
{
	for_each_level(a, x) {
		int64_t lower = x->reserved - (int64_t)(x->caps - own_cap);

		if (likely(x->reserved <= x->upper && lower <= x->lower))
			continue;
		set_peak(x, max_of(x->lower, lower),
			 max_of(x->upper, x->reserved));
	}
}

/* The cell may be NULL. */
static void charge(struct account *a, struct cell *cell, uint64_t size)
{
	reserve(a, (int64_t)size);
	raise_peaks(a, cell ? load_relaxed(&cell->cap) : 0);
	if (unlikely(!cell)) {
		shared_add(&a->id->shared.word[ALLOCATED], size);
	} else if (size) {
		uint64_t *quota = &cell->word[QUOTA];

		store_release(quota, load_relaxed(quota) + size);
		word_add(&cell->word[ALLOCATED], size);
	}
}

/* ---- Steps 4 and 5, and the end ---- */

static void refill(struct account *a, struct cell *cell)
{
	if (!porter__refill(a, cell))
		porter__atomic_begin(a);
	else if (unlikely(a->may_be_atomic))
		store_relaxed(&a->may_be_atomic, false);
}

/* The cell may be NULL. */
static void finish(struct account *a, struct cell *cell)
{
	const struct watermark_user *user = watermarks_crossed(a);

	if (cell)
		refill(a, cell);
	account_leave_and_notify(a, user);
}

/*
 * A thread that was refused gets no stock. If it got some, the next request that does
 * not fit would have to drain it again. So many refusals in a row cause one drain.
 */
static void finish_refused(struct account *a)
{
	const struct watermark_user *user = watermarks_crossed(a);

	porter__atomic_begin(a);
	account_leave_and_notify(a, user);
}

/* ---- Operations ---- */

static bool charge_with_lock(struct account *a, struct cell *cell,
			     uint64_t size, struct refused *refused)
{
	bool room;

	account_enter(a);
	if (cell)
		settle(a, cell);
	drain_above_limit(a);
	room = !make_room(a, size, refused);
	if (likely(room)) {
		charge(a, cell, size);
		finish(a, cell);
	} else {
		finish_refused(a);
	}
	return room;
}

bool porter__charge_at_account(struct account *a, struct cell *cell,
			       uint64_t size, struct refused *refused)
{
	*refused = (struct refused){ .level = NULL };
	if (unlikely(size > (uint64_t)BEYOND_ALL))
		return false;
	if (cell && load_relaxed(&a->may_be_atomic)) {
		struct atomic_refusal why;

		switch (charge_atomically(a, cell, size, &why)) {
		case ATOMIC_DONE:
			return true;
		case ATOMIC_REFUSED:
			*refused = (struct refused){ a, why.limit, why.charged,
						     0 };
			return false;
		case NEEDS_LOCK:
			break;
		}
	}
	return charge_with_lock(a, cell, size, refused);
}

void porter__settle_with_lock(struct account *a, struct cell *cell)
{
	account_enter(a);
	settle(a, cell);
	drain_above_limit(a);
	raise_peaks(a, load_relaxed(&cell->cap));
	finish(a, cell);
}

void porter__settle(struct account *a, struct cell *cell)
{
	if (unlikely(uncharge_atomically(a, cell) != ATOMIC_DONE))
		porter__settle_with_lock(a, cell);
}

void porter__count_shared(struct account *a, uint64_t size)
{
	account_enter(a);
	charge(a, NULL, size);
	drain_above_limit(a);
	finish(a, NULL);
}

/* Counted before less is reserved: see reserve(). */
void porter__uncharge_shared(struct account *a, uint64_t size)
{
	account_enter(a);
	shared_add(&a->id->shared.word[FREED], size);
	reserve(a, -(int64_t)size);
	finish(a, NULL);
}

void porter__cancel(struct account *a, uint64_t size)
{
	uncharge(a, size);
	shared_add(&a->id->cancelled, size);
}
