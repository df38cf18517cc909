/* SPDX-License-Identifier: MIT */
/*
 * atomic-mode.h: near a limit, one compare-and-exchange instead of stock.
 *
 * Near its limit a tracker gives no stock, so all operations come to the
 * account. Most find it as the last one has left it: nobody has stock, and no
 * peak and no watermark is reached. Then all there is to do is to change what is
 * reserved, within two bounds that were worked out once, with the lock:
 *
 *	     word_min                       word_max
 *	---------|------------------------------|------------->  reserved
 *	 stock   |  atomic mode: the word is    |  the limit, a new peak,
 *	 begins  |  all there is to change      |  the upper watermark
 *	 again,  |                              |
 *	 a lower watermark
 *
 * While the mode lasts, the word has what is reserved and the number of this mode. At
 * any other time it is NOT_ATOMIC, or less: a free subtracts from the word without
 * looking first whether the mode lasts.
 *
 *	63                                  20 19        0
 *	|              reserved               |  number  |
 *
 * Whoever takes the lock ends the mode first (atomic_end()). So all that is done
 * with the lock is done by one thread, as if there was no such mode.
 *
 * An operation changes the word first, and its own cell after that. In between the
 * two do not agree, but nobody notices: the cell is no holder, only its own thread
 * can make it one, and nobody else looks at the quota of a cell that is none
 * (drain.h).
 *
 * Why the number: an operation loads the word, then the bounds, and then exchanges
 * the word. In between the mode may end and another begin with other bounds, at the
 * same sum. The exchange must fail then; it does, since the number differs. For the
 * same reason a thread looks again, before it refuses, whether the mode is still
 * the same: the sum of one mode must not be compared with the limit of another.
 * (tests/models/atomic-mode.pml)
 *
 * Only for a tracker that has neither parent nor children.
 */
#ifndef PORTER_ATOMIC_MODE_H
#define PORTER_ATOMIC_MODE_H

#include "0-machine/fork.h"
#include "3-account/account.h"

static const int64_t NOT_ATOMIC = -((int64_t)1 << 62);

enum { WORD_SHIFT = 20, WORD_MODES = 1 << WORD_SHIFT };

/* What the word has room for. */
static const int64_t WORD_LIMIT = (int64_t)1 << 40;
/*
 * The most that one operation changes without the lock. While the mode does not last,
 * 16,384 threads may each have subtracted that before the word wraps.
 */
static const uint64_t WORD_MAX_CHANGE = (uint64_t)1 << 28;

/* How an operation without the lock ended. NEEDS_LOCK: it goes on with the lock. */
enum atomic_result { NEEDS_LOCK, ATOMIC_DONE, ATOMIC_REFUSED };

static inline bool is_atomic(int64_t word)
{
	return word > NOT_ATOMIC / 2;
}

/* Rounds down, for less than nothing as well. */
static inline int64_t word_reserved(int64_t word)
{
	return word >> WORD_SHIFT;
}

static inline bool is_same_mode(int64_t a, int64_t b)
{
	return is_atomic(a) && is_atomic(b) && (a - b) % WORD_MODES == 0;
}

/* ---- With the lock ---- */

/* At the end of an operation that got no stock: the mode begins, if it may. */
SLOW_PATH void porter__atomic_begin(struct account *a);

/* At the beginning of everything that is done with the lock. */
static inline void atomic_end(struct account *root)
{
	int64_t word = load_relaxed(&root->word);

	if (likely(word == NOT_ATOMIC))
		return;
	if (!is_atomic(word)) {
		/* Frees have subtracted while the mode did not last: undone. */
		store_relaxed(&root->word, NOT_ATOMIC);
		return;
	}
	/*
	 * A reader may find that the mode is over before the sum is stored below.
	 * So it finds an upper bound of the sum; the exchange is a release.
	 */
	store_relaxed(&root->reserved, root->word_max);
	word = exchange(&root->word, NOT_ATOMIC);
	TEST_POINT(ATOMIC_MODE_ENDS);
	store_release(&root->reserved, word_reserved(word));
}

/* ---- Without the lock, for the calling thread's cell ---- */

/*
 * If true, nobody but the calling thread changes the quota. Acquire: a drain has
 * settled the cell before it took it out of the list.
 */
static inline bool is_no_holder(const struct cell *cell)
{
	return likely(!load_acquire(&cell->link));
}

/*
 * Whether the account is of this process. In a child of fork() the word may hold
 * what dead threads were charging. And a thread that rebuilds the account (rebuild.h)
 * might miss an operation that went on with the word. Acquire: pairs with the end
 * of porter__rebuild().
 */
static inline bool is_of_this_process(const struct account *a)
{
	return likely(load_acquire(&a->generation) ==
		      load_relaxed(&porter__fork_generation));
}

/* What a refusal without the lock is about. */
struct atomic_refusal {
	int64_t limit, charged;
};

/*
 * No room in this mode. Whoever changes the limit ends the mode first; release
 * and acquire, so that a thread which finds the new limit finds the mode over.
 */
static inline enum atomic_result refuse_atomically(const struct account *a,
						   int64_t now, int64_t then,
						   struct atomic_refusal *why)
{
	TEST_POINT(REFUSING_ATOMICALLY);
	if (!is_atomic(now))
		return NEEDS_LOCK;
	why->limit = load_acquire(&a->limit);
	why->charged = word_reserved(now);
	return then > why->limit && is_same_mode(load_relaxed(&a->word), now) ?
		       ATOMIC_REFUSED :
		       NEEDS_LOCK;
}

/*
 * The quota becomes what the cell will have charged. That is size more than before,
 * as a rule. After a refusal *charged is what all cells had charged at that
 * instant.
 */
static inline enum atomic_result charge_atomically(struct account *a,
						   struct cell *cell,
						   uint64_t size,
						   struct atomic_refusal *why)
{
	uint64_t quota;
	int64_t more, now, then;

	if (unlikely(size > WORD_MAX_CHANGE) || !is_no_holder(cell) ||
	    !is_of_this_process(a))
		return NEEDS_LOCK;
	/* Before the word is loaded, so that the exchange comes soon after that. */
	quota = own_word(cell, ALLOCATED) - own_word(cell, FREED) + size;
	more = (int64_t)(quota - load_relaxed(&cell->word[QUOTA]));
	now = load_acquire(&a->word);
	do {
		then = word_reserved(now) + more;
		if (unlikely(!is_atomic(now) ||
			     then > load_acquire(&a->word_max) ||
			     then <= load_acquire(&a->word_min)))
			return refuse_atomically(a, now, then, why);
		then = now + more * WORD_MODES;
	} while (unlikely(!compare_exchange(&a->word, &now, then)));
	store_relaxed(&cell->word[QUOTA], quota);
	word_add(&cell->word[ALLOCATED], size);
	return ATOMIC_DONE;
}

/*
 * After a free was counted. It subtracts without looking at the word first. If
 * there was no atomic mode, that changes nothing (atomic_end()), and the thread
 * goes on with the lock. It does not matter if the mode is another one than a
 * moment ago: a free is never above an upper bound. If the sum has come down to
 * word_min, the thread goes on with the lock as well: stock may begin, or a
 * watermark is crossed.
 */
static inline enum atomic_result uncharge_atomically(struct account *a,
						     struct cell *cell)
{
	uint64_t quota;
	int64_t less, now;

	if (!load_relaxed(&a->may_be_atomic) || !is_no_holder(cell) ||
	    !is_of_this_process(a))
		return NEEDS_LOCK;
	quota = own_word(cell, ALLOCATED) - own_word(cell, FREED);
	less = (int64_t)(load_relaxed(&cell->word[QUOTA]) - quota);
	if (unlikely((uint64_t)less > WORD_MAX_CHANGE))
		return NEEDS_LOCK;
	now = fetch_add(&a->word, -less * WORD_MODES);
	if (unlikely(!is_atomic(now)))
		return NEEDS_LOCK;
	store_relaxed(&cell->word[QUOTA], quota);
	/* A later mode, whose word_min this may be, began after this free. */
	return likely(word_reserved(now) - less > load_relaxed(&a->word_min)) ?
		       ATOMIC_DONE :
		       NEEDS_LOCK;
}

#endif /* PORTER_ATOMIC_MODE_H */
