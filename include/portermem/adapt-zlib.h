/* SPDX-License-Identifier: MIT */
/*
 * adapt-zlib.h: zlib's memory through a tracked allocator.
 *
 *	z_stream stream = { 0 };
 *	porter_zlib_use(tracker, &stream);
 *	deflateInit(&stream, Z_BEST_COMPRESSION);
 *
 *	cc file.c $(pkg-config --cflags --libs portermem zlib)
 *
 * The tracker counts what zlib requests: the number of items times their size. zlib
 * has no number of its own.
 */
#ifndef PORTER_ADAPT_ZLIB_H
#define PORTER_ADAPT_ZLIB_H

#include <zlib.h>

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/* zlib frees without a size. An overflow of the product is out of memory. */
static __inline__ void *porter_zlib_allocate(void *opaque, uInt items,
					     uInt size)
{
	if (size != 0 && items > (size_t)PTRDIFF_MAX / size)
		return NULL;
	return porter_malloc((porter_tracked *)opaque, (size_t)items * size);
}

static __inline__ void porter_zlib_free(void *opaque, void *address)
{
	porter_mfree((porter_tracked *)opaque, address);
}

/**
 * porter_zlib_use - let a zlib stream allocate through a tracker
 * @t: the tracker
 * @stream: the stream; the function sets its zalloc, zfree and opaque
 *
 * Call the function before deflateInit(), inflateInit() and their relatives. Copies of
 * the stream, by deflateCopy(), use the same tracker. Any number of streams may share
 * one tracker. compress(), uncompress() and the functions for a gzFile take no
 * allocator, so the tracker does not count them.
 *
 * Ownership: @t must outlive the stream.
 * Return: nothing.
 * Errors: none.
 * Threads: safe for different streams. Signals: safe.
 */
static __inline__ void porter_zlib_use(porter_tracked *t, z_stream *stream)
{
	stream->zalloc = porter_zlib_allocate;
	stream->zfree = porter_zlib_free;
	stream->opaque = t;
}

PORTER_END_DECLS

#endif /* PORTER_ADAPT_ZLIB_H */
