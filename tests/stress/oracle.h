/* SPDX-License-Identifier: MIT */
/*
 * oracle.h: what stands under a tracker and knows, exactly, what it has out.
 *
 *	tracker ----> an oracle's allocator		the tables for any
 *	              (base)				allocator
 *
 *	tracker ----> malloc, with an oracle behind	the tables that call
 *	              (oracle_of_malloc)		malloc directly
 *
 * It adds up, with one atomic, for itself and for its parents, and keeps the
 * highest value. A block counts from before malloc until after free.
 *
 * For the second way a test is linked with ORACLE_WRAPS, so that malloc and its
 * relatives in the library's objects are those of oracle.c.
 */
#ifndef TESTS_STRESS_ORACLE_H
#define TESTS_STRESS_ORACLE_H

#include <portermem/allocator.h>

#include <stdatomic.h>
#include <stdbool.h>

struct oracle {
	porter_allocator base;
	struct oracle *parent;
	atomic_llong sum, highest;
	bool empty; /* gives an address and no memory, so a GiB costs nothing */
};

/* Nothing is out; it is not empty; the parent may be NULL. */
void oracle_init(struct oracle *o, struct oracle *parent);

/* Who counts what malloc gives to this thread from now on; NULL: nobody. */
extern _Thread_local struct oracle *oracle_of_malloc;

#endif /* TESTS_STRESS_ORACLE_H */
