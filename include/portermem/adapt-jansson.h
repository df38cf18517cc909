/* SPDX-License-Identifier: MIT */
/*
 * adapt-jansson.h: jansson's memory through a tracked allocator.
 *
 * Link with -lportermem-jansson (pkg-config: portermem-jansson).
 *
 * What counts is what jansson asks for; it has no number of its own.
 */
#ifndef PORTER_ADAPT_JANSSON_H
#define PORTER_ADAPT_JANSSON_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_jansson_install - let jansson allocate through a tracker
 * @t: the tracker
 *
 * Calls json_set_alloc_funcs(). Once for the process, and before jansson
 * allocates anything, which it cannot tell: a value that was made before would
 * be freed wrongly. What jansson returns to be freed by the caller, as
 * json_dumps() does, is freed by the function that json_get_alloc_funcs()
 * gives, not by free().
 *
 * Ownership: @t stays the caller's. The functions stay installed: @t must
 * outlive every later use of jansson in the process.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker or other functions are
 * installed already.
 * Threads: not safe, as json_set_alloc_funcs() is not. Signals: not safe.
 */
int porter_jansson_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_JANSSON_H */
