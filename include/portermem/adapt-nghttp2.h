/* SPDX-License-Identifier: MIT */
/*
 * adapt-nghttp2.h: nghttp2's memory through a tracked allocator.
 *
 *	nghttp2_mem memory = porter_nghttp2_memory(tracker);
 *	nghttp2_session_server_new3(&session, callbacks, user, NULL, &memory);
 *
 *	cc file.c $(pkg-config --cflags --libs portermem libnghttp2)
 *
 * The tracker counts the sizes that nghttp2 requests. nghttp2 has no number of its
 * own.
 */
#ifndef PORTER_ADAPT_NGHTTP2_H
#define PORTER_ADAPT_NGHTTP2_H

#include <nghttp2/nghttp2.h>

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/* nghttp2 frees without a size. */
static __inline__ void *porter_nghttp2_malloc(size_t size, void *user_data)
{
	return porter_malloc((porter_tracked *)user_data, size);
}

static __inline__ void *porter_nghttp2_calloc(size_t count, size_t size,
					      void *user_data)
{
	return porter_calloc((porter_tracked *)user_data, count, size);
}

static __inline__ void *porter_nghttp2_realloc(void *ptr, size_t size,
					       void *user_data)
{
	return porter_realloc((porter_tracked *)user_data, ptr, size);
}

static __inline__ void porter_nghttp2_free(void *ptr, void *user_data)
{
	porter_mfree((porter_tracked *)user_data, ptr);
}

/**
 * porter_nghttp2_memory - get an nghttp2_mem that allocates through a tracker
 * @t: the tracker
 *
 * Pass the result to nghttp2_session_client_new3(), nghttp2_session_server_new3(),
 * nghttp2_hd_deflate_new2() or nghttp2_hd_inflate_new2(), which copy it. Any number of
 * sessions may share one tracker. The functions that make callbacks and options take no
 * nghttp2_mem, so the tracker does not count their few small blocks.
 *
 * Ownership: @t must outlive everything that is made with the result.
 * Return: the struct, by value.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
static __inline__ nghttp2_mem porter_nghttp2_memory(porter_tracked *t)
{
	nghttp2_mem memory;

	memory.mem_user_data = t;
	memory.malloc = porter_nghttp2_malloc;
	memory.calloc = porter_nghttp2_calloc;
	memory.realloc = porter_nghttp2_realloc;
	memory.free = porter_nghttp2_free;
	return memory;
}

PORTER_END_DECLS

#endif /* PORTER_ADAPT_NGHTTP2_H */
