/* SPDX-License-Identifier: MIT */
/*
 * adapt-cjson.h: cJSON's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-cjson libcjson)
 *
 * The tracker counts the sizes that cJSON requests. cJSON has no number of its own.
 */
#ifndef PORTER_ADAPT_CJSON_H
#define PORTER_ADAPT_CJSON_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_cjson_install - let cJSON allocate through a tracker
 * @t: the tracker
 *
 * The function calls cJSON_InitHooks(). Call it once in the process, before cJSON
 * allocates anything. It cannot detect an earlier allocation; an item that was made
 * before would be freed wrongly.
 *
 * Free what cJSON_Print() returns with cJSON_free(), not with free(). With hooks
 * cJSON does not use realloc: it makes a text larger with a new block and a copy.
 *
 * Ownership: the caller still owns @t. The functions stay installed, so @t must
 * outlive every later use of cJSON in the process.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already.
 * Threads: not safe, as cJSON_InitHooks() is not. Signals: not safe.
 */
int porter_cjson_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_CJSON_H */
