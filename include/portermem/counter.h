/* SPDX-License-Identifier: MIT */
/*
 * counter.h: a sharded counter, for any quantity.
 *
 * Each thread counts into a cell of its own. The words of a cell only grow:
 *
 *	              thread 1     thread 2     thread 3
 *	added            1200          300            0
 *	subtracted          0          900          200     sum = 1500 - 1100 = 400
 *
 * An update writes one word that no other thread writes. A read adds up the
 * cells of all threads. So updates scale with the number of processors, and a
 * read takes a few nanoseconds for each slot. There are as many slots as the
 * greatest number of counting threads that were alive at one time.
 *
 * Calls that may run at the same time on one counter:
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

/**
 * porter_counter - a sharded counter
 *
 * An opaque type. porter_counter_new() makes a counter and
 * porter_counter_destroy() destroys it.
 */
typedef struct porter_counter porter_counter;

/**
 * porter_interval - two bounds between which a value lies
 *
 * lower  the value is at least this
 * upper  the value is at most this
 */
struct porter_interval {
	int64_t lower, upper;
};

/**
 * porter_counter_new - make a counter whose value is 0
 *
 * Ownership: the caller owns the counter until porter_counter_destroy().
 * Return: the counter, or NULL with errno set.
 * Errors: ENOMEM, there is no memory.
 * Threads: safe. Signals: not safe.
 */
porter_counter *porter_counter_new(void);

/**
 * porter_counter_destroy - destroy a counter
 * @c: the counter; if it is NULL, the function does nothing
 *
 * No other call may use @c at the same time or later. A later counter reuses the
 * cells of @c.
 *
 * Return: nothing.
 * Errors: none are returned. If @c is not a counter, or was destroyed before, the
 * function ends the program with a message. It cannot detect every such pointer.
 * Threads: safe, except that no other call may use @c. Signals: not safe.
 */
void porter_counter_destroy(porter_counter *c);

/**
 * porter_counter_add - add to a counter
 * @c: the counter
 * @n: the amount to add, in the unit that the program chooses
 *
 * The function never fails. A thread for which there is no memory for a slot
 * counts in a cell that all such threads share. That takes atomic instructions,
 * which are slower, but the count is as exact. The words of a cell may wrap; the
 * sum is right if the true value fits in int64_t.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe; writes no cache line that another thread writes.
 * Signals: safe on a thread that has a slot. The first update of a thread is
 * safe, too, if the program had made fewer than 32 thread-specific keys before it
 * loaded this library; beyond those the C library calls malloc().
 * Ordering: none beyond program order. A read that sees a porter_counter_sub()
 * also sees each porter_counter_add() that happened before it.
 */
void porter_counter_add(porter_counter *c, uint64_t n);

/**
 * porter_counter_sub - subtract from a counter
 * @c: the counter
 * @n: the amount to subtract; another thread may have added it
 *
 * Return: nothing.
 * Errors: none.
 * Threads: as porter_counter_add(). Signals: as porter_counter_add().
 * Ordering: release; a read that sees this call also sees what happened before it.
 */
void porter_counter_sub(porter_counter *c, uint64_t n);

/**
 * porter_counter_sum - read a counter
 * @c: the counter
 *
 * The value of a counter is the sum of what was added less what was subtracted.
 * The result is exact if no update is in progress (G1). While updates are in
 * progress, the result is at least the value of the counter at an instant inside
 * the call (G2). So if the program never subtracts an amount before it has added
 * it, the result is never negative. The library does not clamp it to achieve that.
 *
 * Return: the value, in the unit that the program chooses.
 * Errors: none.
 * Threads: safe; takes no lock, does not wait, and makes no other thread wait
 * (G6). The first read of a thread registers the thread with liburcu under a lock
 * of liburcu. The cost is proportional to the number of slots.
 * Signals: not safe.
 * Ordering: acquire, with the updates that the read sees.
 */
int64_t porter_counter_sum(const porter_counter *c);

/**
 * porter_counter_interval - read certified bounds of a counter
 * @c: the counter
 *
 * The function scans all cells twice. At every instant between the two scans the
 * value of the counter was within the bounds (G3). If both scans find the same
 * words, the bounds are equal. Then they are the exact value, even while other
 * threads update the counter.
 *
 * Return: the bounds, in the unit that the program chooses.
 * Errors: none.
 * Threads: as porter_counter_sum(). Signals: not safe.
 * Ordering: acquire, with the updates that the read sees.
 */
struct porter_interval porter_counter_interval(const porter_counter *c);

PORTER_END_DECLS

#endif /* PORTER_COUNTER_H */
