/* SPDX-License-Identifier: MIT */
/*
 * backend.h: the allocators at the bottom.
 */
#ifndef PORTER_BACKEND_H
#define PORTER_BACKEND_H

#include <portermem/allocator.h>

/* malloc and free. */
extern porter_allocator porter__system;

/*
 * NULL with errno: ENOENT, the library is not to be found on this machine; EBUSY,
 * the calling thread is looking for it.
 */
porter_allocator *porter__jemalloc(void);
porter_allocator *porter__mimalloc(void);

#endif /* PORTER_BACKEND_H */
