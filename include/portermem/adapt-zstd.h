/* SPDX-License-Identifier: MIT */
/*
 * adapt-zstd.h: zstd's memory through a tracked allocator.
 *
 *	ZSTD_CCtx *c = ZSTD_createCCtx_advanced(porter_zstd_memory(tracker));
 *
 *	cc file.c $(pkg-config --cflags --libs portermem libzstd)
 *
 * The number of the tracker equals the result of ZSTD_sizeof_CCtx() or
 * ZSTD_sizeof_DCtx(), to the byte. If a context has worker threads, they are equal
 * when it is at rest.
 *
 * ZSTD_customMem belongs to the interface of zstd for static linking, so it may change
 * with the version of zstd. This header defines ZSTD_STATIC_LINKING_ONLY before it
 * includes zstd.h.
 */
#ifndef PORTER_ADAPT_ZSTD_H
#define PORTER_ADAPT_ZSTD_H

#ifndef ZSTD_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#endif
#include <zstd.h>

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/* zstd frees without a size. */
static __inline__ void *porter_zstd_allocate(void *opaque, size_t size)
{
	return porter_malloc((porter_tracked *)opaque, size);
}

static __inline__ void porter_zstd_free(void *opaque, void *address)
{
	porter_mfree((porter_tracked *)opaque, address);
}

/**
 * porter_zstd_memory - get a ZSTD_customMem that allocates through a tracker
 * @t: the tracker
 *
 * Pass the result to ZSTD_createCCtx_advanced() or to another function of zstd that
 * takes a ZSTD_customMem. Any number of contexts may share one tracker.
 *
 * Ownership: @t must outlive everything that is made with the result.
 * Return: the struct, by value.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
static __inline__ ZSTD_customMem porter_zstd_memory(porter_tracked *t)
{
	ZSTD_customMem memory;

	memory.customAlloc = porter_zstd_allocate;
	memory.customFree = porter_zstd_free;
	memory.opaque = t;
	return memory;
}

PORTER_END_DECLS

#endif /* PORTER_ADAPT_ZSTD_H */
