/* SPDX-License-Identifier: MIT */
/*
 * adapt-jansson.h: jansson's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-jansson jansson)
 *
 * The tracker counts the sizes that jansson requests. jansson has no number of its own.
 */
#ifndef PORTER_ADAPT_JANSSON_H
#define PORTER_ADAPT_JANSSON_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_jansson_install - let jansson allocate through a tracker
 * @t: the tracker
 *
 * The function calls json_set_alloc_funcs(). Call it once in the process, before
 * jansson allocates anything. It cannot detect an earlier allocation; a value that
 * was made before would be freed wrongly.
 *
 * If the program must free what jansson returns, as with json_dumps(), use the
 * function that json_get_alloc_funcs() returns, not free().
 *
 * Ownership: the caller still owns @t. The functions stay installed, so @t must
 * outlive every later use of jansson in the process.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker or other functions are
 * installed already.
 * Threads: not safe, as json_set_alloc_funcs() is not. Signals: not safe.
 */
int porter_jansson_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_JANSSON_H */
