/* SPDX-License-Identifier: MIT */
/*
 * picky.h: an allocator that believes nothing, to put under the one tested.
 *
 * A user's own allocator, as allocator.h says to make one: a struct that
 * embeds porter_allocator. It keeps a table of its blocks and ends the program
 * when it is asked for what the rules forbid: a size above PTRDIFF_MAX, an
 * alignment that is no power of two, a block that it never gave, a block with
 * another size or alignment than it was given with. And it can fail.
 */
#ifndef TESTS_PICKY_H
#define TESTS_PICKY_H

#include <portermem/allocator.h>

#include <pthread.h>
#include <stdbool.h>

enum { PICKY_BLOCKS = 1 << 16 };

struct picky_block {
	void *ptr;
	size_t size, alignment;
};

struct picky {
	porter_allocator base;
	porter_allocator *below;
	pthread_mutex_t mutex;
	struct picky_block *blocks; /* by a hash of ptr */
	size_t live_blocks, live_bytes;
	size_t requests; /* allocations and reallocations asked for */
	size_t fail_at;	 /* the request that fails, from 1; 0: none */
	bool fail_after; /* and all that come after it */
	size_t frees, releases;
};

/* Over an allocator; NULL: the system backend. Ends with picky_fini(). */
void picky_init(struct picky *p, porter_allocator *below);
/* Ends the program when a block has not come back. */
void picky_fini(struct picky *p);

#endif /* TESTS_PICKY_H */
