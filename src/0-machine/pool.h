/* SPDX-License-Identifier: MIT */
/*
 * pool.h: elements that are handed out, given back and never go away.
 *
 *	pool.segments   [0]---> |e0 e1 ... eF-1|		F elements
 *	                [1]---> |eF ... e2F-1|			F
 *	                [2]---> |e2F ......... e4F-1|		2F, and so on
 *	pool.count      how many were ever handed out: 0 .. count-1 may be read
 *	pool.free       those given back, as a heap: the lowest index on top
 *
 * An array that grows by segments which double: nothing moves, so whoever
 * holds an element's address holds it for good, and a reader walks over all
 * elements without a lock while the pool grows. Memory comes from the kernel
 * in pages, zeroed; pages that nobody touches cost nothing. An element that
 * was given back keeps its contents: the next who takes it finds them.
 *
 * The lowest free element is handed out next, whatever the order is in which
 * they came back. So a process that had many, once, goes back to the first ones,
 * which readers and the shortest paths find soonest. Giving and taking cost
 * log(how many are free).
 *
 * Slots, counters and trackers live in pools. That is why a thread can end, or
 * a tracker be destroyed, at any moment without making a reader wait, and why
 * no reader can ever come upon memory that is gone.
 */
#ifndef PORTER_POOL_H
#define PORTER_POOL_H

#include "0-machine/lock.h"

#include <stddef.h>
#include <stdint.h>

enum { POOL_SEGMENTS = 27 };

/* Every element begins with this. All but the index: of free ones, under lock. */
struct pool_element {
	struct pool_element *left, *right; /* below it in the heap */
	uint32_t length; /* of the way down to the right, itself included */
	uint32_t index;	 /* constant once handed out */
};

/*
 * The lock guards the heap and the growth. It is taken with all signals
 * blocked, so a handler may take an element; and nothing is called while it is
 * held but the kernel.
 */
struct pool {
	size_t element_size;
	size_t first; /* F, a power of two */
	char *segments[POOL_SEGMENTS];
	size_t count;
	struct pool_element *free;
	struct porter__lock lock;
};

#define POOL_INIT(type, f, rank)                            \
	{                                                   \
		.element_size = sizeof(type), .first = (f), \
		.lock = PORTER__LOCK_INIT(rank),            \
	}

/* An element, or NULL with errno ENOMEM. Signals: safe. */
void *porter__pool_take(struct pool *pool);
void porter__pool_give(struct pool *pool, void *element);

/* For readers: the elements 0 .. porter__pool_count() - 1. */
size_t porter__pool_count(const struct pool *pool);
void *porter__pool_at(const struct pool *pool, size_t index);

/* Elements that lie one after the other: from index to the end, or of the segment. */
struct pool_run {
	char *elements;
	size_t length;
};
struct pool_run porter__pool_run(const struct pool *pool, size_t index,
				 size_t end);

/*
 * In a child after fork(), while the lock is held (fork.h): gives back all
 * elements but one, or all for NULL.
 */
void porter__pool_give_all_but(struct pool *pool, const void *kept);

/* ---- The arithmetic of segments ---- */

static inline unsigned segment_of(size_t index, size_t first)
{
	unsigned long folded = index / first;

	return folded ? (unsigned)(8 * sizeof(folded)) -
				(unsigned)__builtin_clzl(folded) :
			0;
}

static inline size_t segment_start(unsigned segment, size_t first)
{
	return segment ? first << (segment - 1) : 0;
}

static inline size_t segment_length(unsigned segment, size_t first)
{
	return segment ? first << (segment - 1) : first;
}

#endif /* PORTER_POOL_H */
