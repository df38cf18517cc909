/* SPDX-License-Identifier: MIT */
/*
 * segments.h: the arithmetic of an array that grows and never moves.
 *
 * The array is a handful of segments that double, so that 30 pointers reach
 * any number of elements, and a reader that holds an element's address holds
 * it for good:
 *
 *	segment   0          1          2                 3
 *	index     0 .. F-1   F .. 2F-1  2F ... 4F-1       4F ............ 8F-1
 *
 * F, the length of the first segment, is a power of two.
 */
#ifndef PORTER_SEGMENTS_H
#define PORTER_SEGMENTS_H

#include <stddef.h>

static inline unsigned segment_of(size_t index, size_t first)
{
	size_t folded = index / first;

	return folded ? (unsigned)(8 * sizeof(unsigned long) - 1) -
				(unsigned)__builtin_clzl(folded) + 1 :
			0;
}

static inline size_t segment_start(unsigned segment, size_t first)
{
	return segment ? first << (segment - 1) : 0;
}

static inline size_t segment_length(unsigned segment, size_t first)
{
	return segment ? first << (segment - 1) : first;
}

#endif /* PORTER_SEGMENTS_H */
