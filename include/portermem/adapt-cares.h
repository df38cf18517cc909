/* SPDX-License-Identifier: MIT */
/*
 * adapt-cares.h: the memory of c-ares through a tracked allocator.
 *
 * Link with -lportermem-cares (pkg-config: portermem-cares).
 *
 * What counts is what c-ares asks for; it has no number of its own.
 */
#ifndef PORTER_ADAPT_CARES_H
#define PORTER_ADAPT_CARES_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_cares_install - let c-ares allocate through a tracker
 * @t: the tracker
 *
 * Calls ares_library_init_mem() with ARES_LIB_INIT_ALL, so a program calls
 * this instead of ares_library_init(), and ares_library_cleanup() at the end.
 * Once for the process, and before c-ares allocates anything, which it cannot
 * tell: a channel that was made before would be freed wrongly.
 * ares_library_cleanup() goes back to malloc: with all channels closed.
 *
 * Ownership: @t stays the caller's and must outlive every use of c-ares until
 * ares_library_cleanup(), called as often as it was initialized. Then c-ares is
 * back on malloc, and stays there: a later ares_library_init() is not counted,
 * and installing again fails with EBUSY.
 * Return: 0, or -1 with errno; nothing changed, but for ENOMEM.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already;
 * ENOMEM, c-ares cannot be initialized, and not be used.
 * Threads: not safe, as ares_library_init_mem() is not. Signals: not safe.
 */
int porter_cares_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_CARES_H */
