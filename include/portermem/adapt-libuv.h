/* SPDX-License-Identifier: MIT */
/*
 * adapt-libuv.h: libuv's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-libuv libuv)
 *
 * The tracker counts the sizes that libuv requests. libuv has no number of its own.
 */
#ifndef PORTER_ADAPT_LIBUV_H
#define PORTER_ADAPT_LIBUV_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_libuv_install - let libuv allocate through a tracker
 * @t: the tracker
 *
 * The function calls uv_replace_allocator(). Call it once in the process, before any
 * other function of libuv. It cannot detect an earlier call; a block that was
 * allocated before would be freed wrongly. After uv_library_shutdown() libuv holds
 * no block.
 *
 * libuv ends the program if it gets no memory to watch another file or to start its
 * threads.
 *
 * Ownership: the caller still owns @t. The functions stay installed, so @t must
 * outlive every later use of libuv in the process. That includes
 * uv_library_shutdown(), which libuv calls at the end of the process if the program
 * has not called it.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already.
 * Threads: not safe, as uv_replace_allocator() is not. Signals: not safe.
 */
int porter_libuv_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_LIBUV_H */
