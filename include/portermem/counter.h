/* SPDX-License-Identifier: MIT */
/*
 * counter.h: a sharded counter, for any quantity.
 *
 * Every thread counts into a cell of its own, which only ever grows:
 *
 *	          thread 1     thread 2     thread 3
 *	added        1200          300            0
 *	subbed          0          900          200     sum = 1500 - 1100 = 400
 *
 * An update writes one word that belongs to its thread alone; a read adds the
 * cells up. So updates scale with the processors, and a read costs a few
 * nanoseconds for each thread that ever was alive at one time.
 *
 * Which calls may run side by side, on one counter:
 *
 *	                add/sub   sum, interval   destroy
 *	add/sub           yes          yes           no
 *	sum, interval     yes          yes           no
 *	destroy           no           no            no
 */
#ifndef PORTER_COUNTER_H
#define PORTER_COUNTER_H

#include <portermem/export.h>

#include <stdint.h>

PORTER_BEGIN_DECLS

typedef struct porter_counter porter_counter;

/* A value that is known to lie between two bounds, both included. */
struct porter_interval {
	int64_t lower, upper;
};

/**
 * porter_counter_new - a new counter that stands at 0
 *
 * Ownership: the caller's, until porter_counter_destroy().
 * Return: the counter, or NULL with errno.
 * Errors: ENOMEM, no memory.
 * Threads: safe. Signals: not safe.
 */
porter_counter *porter_counter_new(void);

/**
 * porter_counter_destroy - end a counter
 * @c: the counter; NULL does nothing
 *
 * No update and no read of @c may run at the same time or come later. Its
 * cells are used again by counters that come later.
 *
 * Return: nothing.
 * Errors: a pointer that is no counter, or one that was destroyed already,
 * ends the program with a message, as far as that can be told.
 * Threads: safe, but see above. Signals: not safe.
 */
void porter_counter_destroy(porter_counter *c);

/**
 * porter_counter_add - count up
 * @c: the counter
 * @n: how much, in whatever unit the program counts
 *
 * Never fails: threads for which there is no memory for a slot count in a cell
 * that they share, with atomic instructions: slower, and as exactly. The words
 * may wrap; sums are right as long as the true value fits in int64_t.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe, and without writing a line that another thread writes.
 * Signals: safe on a registered thread; and for a thread's first update if the
 * program had made fewer than 32 thread-specific keys before it loaded this
 * library, since the C library allocates beyond those.
 * Ordering: none beyond program order; a read that sees a later
 * porter_counter_sub() which was ordered after this call sees this call.
 */
void porter_counter_add(porter_counter *c, uint64_t n);

/**
 * porter_counter_sub - count down
 * @c: the counter
 * @n: how much; the thread need not be the one that counted it up
 *
 * Return: nothing.
 * Errors: none.
 * Threads: as porter_counter_add(). Signals: as porter_counter_add().
 * Ordering: release: whoever sees it has seen what happened before it.
 */
void porter_counter_sub(porter_counter *c, uint64_t n);

/**
 * porter_counter_sum - what has been counted up less what has been counted down
 * @c: the counter
 *
 * Exact when no update is under way (G1). While updates run, the sum is at
 * least the true value at an instant inside the call (G2); so where nothing
 * is counted down before it was counted up, it is never negative, and that
 * without being clamped.
 *
 * Return: the sum, in the unit of the program.
 * Errors: none.
 * Threads: safe; takes no lock, waits for nobody, makes nobody wait (G6). The
 * first read of a thread registers it with liburcu, once, under a lock of
 * liburcu's. Cost grows linearly with the number of slots.
 * Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
int64_t porter_counter_sum(const porter_counter *c);

/**
 * porter_counter_interval - bounds of the value, certified
 * @c: the counter
 *
 * Scans all cells twice. The true value lay within the bounds at every
 * instant between the two scans (G3). Where both scans agree the bounds
 * are equal: then this is an exact value, under load.
 *
 * Return: the bounds, in the unit of the program; lower == upper: exact.
 * Errors: none.
 * Threads: as porter_counter_sum(). Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
struct porter_interval porter_counter_interval(const porter_counter *c);

PORTER_END_DECLS

#endif /* PORTER_COUNTER_H */
