/* SPDX-License-Identifier: MIT */
/*
 * thunks.h: malloc and its relatives, bound to one tracker.
 *
 * For libraries whose hooks carry no pointer of ours. Each adapter includes
 * this once, and so has a tracker of its own, which is bound once: blocks that
 * the library holds must go back to where they came from.
 *
 *	the library --malloc hook--> thunk_malloc --> porter_malloc(tracker)
 */
#ifndef ADAPT_THUNKS_H
#define ADAPT_THUNKS_H

#include <portermem/tracked.h>

#include <string.h>

static porter_tracked *tracker;

/* 0; or -1 with EINVAL, no tracker, or EBUSY, one is bound already. */
static inline int bind_tracker(porter_tracked *t)
{
	if (t && !tracker) {
		tracker = t;
		return 0;
	}
	errno = t ? EBUSY : EINVAL;
	return -1;
}

/* The library would not have it. */
static inline int unbind_tracker(int error)
{
	tracker = NULL;
	errno = error;
	return -1;
}

static inline void *thunk_malloc(size_t size)
{
	return porter_malloc(tracker, size);
}

static inline void *thunk_calloc(size_t count, size_t size)
{
	return porter_calloc(tracker, count, size);
}

static inline void thunk_free(void *ptr)
{
	porter_mfree(tracker, ptr);
}

/* To size 0 frees and gives NULL, as that of the C library does. */
static inline void *thunk_realloc(void *ptr, size_t size)
{
	if (ptr && size == 0) {
		porter_mfree(tracker, ptr);
		return NULL;
	}
	return porter_realloc(tracker, ptr, size);
}

static inline char *thunk_strdup(const char *string)
{
	size_t size = strlen(string) + 1;
	void *copy = porter_malloc(tracker, size);

	return copy ? memcpy(copy, string, size) : NULL;
}

#endif /* ADAPT_THUNKS_H */
