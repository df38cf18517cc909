/* SPDX-License-Identifier: MIT */
/*
 * adapt-libuv.h: libuv's memory through a tracked allocator.
 *
 * Link with -lportermem-libuv (pkg-config: portermem-libuv).
 *
 * What counts is what libuv asks for; it has no number of its own.
 */
#ifndef PORTER_ADAPT_LIBUV_H
#define PORTER_ADAPT_LIBUV_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_libuv_install - let libuv allocate through a tracker
 * @t: the tracker
 *
 * Calls uv_replace_allocator(). Once for the process, and before any other
 * function of libuv, which it cannot tell: a block that was allocated before
 * would be freed wrongly. After uv_library_shutdown() nothing is left.
 *
 * libuv itself ends the program when it gets no memory to watch a further file
 * or to start its threads.
 *
 * Ownership: @t stays the caller's. The functions stay installed: @t must
 * outlive every later use of libuv in the process, uv_library_shutdown()
 * included, which libuv calls at the end of the process where nobody did.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already.
 * Threads: not safe, as uv_replace_allocator() is not. Signals: not safe.
 */
int porter_libuv_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_LIBUV_H */
