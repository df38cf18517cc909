/* SPDX-License-Identifier: MIT */
/*
 * adapt-cares.h: the memory of c-ares through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-cares libcares)
 *
 * The tracker counts the sizes that c-ares requests. c-ares has no number of its own.
 */
#ifndef PORTER_ADAPT_CARES_H
#define PORTER_ADAPT_CARES_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_cares_install - let c-ares allocate through a tracker
 * @t: the tracker
 *
 * The function calls ares_library_init_mem() with ARES_LIB_INIT_ALL. A program calls
 * it instead of ares_library_init(), and calls ares_library_cleanup() at the end.
 * Call it once in the process, before c-ares allocates anything. It cannot detect an
 * earlier allocation; a channel that was made before would be freed wrongly.
 *
 * Ownership: the caller still owns @t, which must outlive every use of c-ares until
 * ares_library_cleanup() was called as often as c-ares was initialized. Close all
 * channels before. Then c-ares uses malloc again: a later ares_library_init() is not
 * counted, and another installation fails with EBUSY.
 * Return: 0; or -1 with errno set, and nothing has changed except after ENOMEM.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already; ENOMEM, c-ares
 * could not be initialized and must not be used.
 * Threads: not safe, as ares_library_init_mem() is not. Signals: not safe.
 */
int porter_cares_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_CARES_H */
