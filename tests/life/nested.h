/* SPDX-License-Identifier: MIT */
/*
 * nested.h: trackers over an allocator that comes back to the program before it
 * answers, as one does that sheds a cache, logs, or keeps books of its own.
 *
 *	test ---> porter_allocate(t) ---> table, or malloc (wrapped)
 *	                                      `--> nested_visit(): the test again
 */
#ifndef TESTS_LIFE_NESTED_H
#define TESTS_LIFE_NESTED_H

#include "support.h"

#include <portermem/portermem.h>

/*
 * Called in the middle of each operation that the test has opened the door for.
 * size: what is asked for; 0 when a block is given back. False: no memory.
 */
extern bool (*nested_visit)(size_t size);

/* Over malloc, which visits; or over a table, which does. */
porter_allocator *nested_over(bool over_malloc);

#endif /* TESTS_LIFE_NESTED_H */
