/* SPDX-License-Identifier: MIT */
/*
 * backend.h: the allocators at the bottom.
 */
#ifndef PORTER_BACKEND_H
#define PORTER_BACKEND_H

#include <portermem/allocator.h>

#include <stdbool.h>

/* malloc and free. */
extern porter_allocator porter__system;

/*
 * Whether malloc aligns blocks that are smaller than its alignment as well. glibc's
 * does, jemalloc, tcmalloc and mimalloc do not. The first call asks malloc. Where it
 * does not, the system backend asks it for no block that is smaller.
 */
bool porter__malloc_aligns_small_blocks(void);

/*
 * The functions of a backend that a tracker's fast path calls without a table, with
 * PORTER_ALIGNMENT at every size. A block of one may go back by the other way.
 */
struct direct {
	void *(*allocate)(size_t size); /* NULL: 0 bytes, or no memory */
	void (*free)(void *ptr);
};

/* NULL functions where there are none, for an allocator of the program too. */
struct direct porter__direct(const porter_allocator *a);

struct direct porter__system_direct(void);
extern struct direct porter__je_direct, porter__mi_direct;

/* Whether it is one of those here: if so, no limit refuses what it does not give. */
bool porter__is_backend(const porter_allocator *a);

extern porter_allocator porter__je, porter__mi;

/*
 * NULL with errno: ENOENT, the library is not to be found on this machine; EBUSY,
 * the calling thread is looking for it.
 */
porter_allocator *porter__jemalloc(void);
porter_allocator *porter__mimalloc(void);

#endif /* PORTER_BACKEND_H */
