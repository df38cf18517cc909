/* SPDX-License-Identifier: MIT */
/*
 * adapt-cjson.h: cJSON's memory through a tracked allocator.
 *
 * Link with -lportermem-cjson (pkg-config: portermem-cjson).
 *
 * What counts is what cJSON asks for; it has no number of its own.
 */
#ifndef PORTER_ADAPT_CJSON_H
#define PORTER_ADAPT_CJSON_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_cjson_install - let cJSON allocate through a tracker
 * @t: the tracker
 *
 * Calls cJSON_InitHooks(). Once for the process, and before cJSON allocates
 * anything, which it cannot tell: an item that was made before would be freed
 * wrongly. What cJSON_Print() returns is freed by cJSON_free(), not by free().
 * With hooks cJSON makes its text larger by a new block and a copy, without
 * realloc.
 *
 * Ownership: @t stays the caller's. The functions stay installed: @t must
 * outlive every later use of cJSON in the process.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already.
 * Threads: not safe, as cJSON_InitHooks() is not. Signals: not safe.
 */
int porter_cjson_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_CJSON_H */
