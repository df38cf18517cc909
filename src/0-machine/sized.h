/* SPDX-License-Identifier: MIT */
/*
 * sized.h: structs that begin with their size, since they may grow at their end.
 *
 * The program may have been compiled with an earlier version of the struct, or with
 * a later one:
 *
 *		     earlier: shorter	     later: longer
 *	read	     the rest is 0	     the rest must be 0: what we do not know
 *					     we could not do
 *	write	     the rest is left out    the rest is set to 0
 */
#ifndef PORTER_SIZED_H
#define PORTER_SIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A size above this was never set: nothing behind it is looked at. */
#define SIZED_MAX ((size_t)4096)

static inline size_t sized_of(const void *theirs)
{
	size_t size;

	memcpy(&size, theirs, sizeof(size));
	return size;
}

/*
 * Whether all that they ask for is known. first is the size of the struct's first
 * version, ours that of the one we know.
 */
static inline bool sized_is_known(const void *theirs, size_t first, size_t ours)
{
	const char *bytes = theirs;
	size_t size = sized_of(theirs);

	if (size < first || size > SIZED_MAX)
		return false;
	for (size_t i = ours; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static inline bool sized_read(void *out, const void *theirs, size_t first,
			      size_t ours)
{
	size_t size = sized_of(theirs);

	if (!sized_is_known(theirs, first, ours))
		return false;
	memset(out, 0, ours);
	memcpy(out, theirs, size < ours ? size : ours);
	return true;
}

/* Their size stays as it is. */
static inline void sized_write(void *theirs, const void *from, size_t ours)
{
	size_t size = sized_of(theirs);

	memcpy(theirs, from, size < ours ? size : ours);
	if (size > ours)
		memset((char *)theirs + ours, 0, size - ours);
	memcpy(theirs, &size, sizeof(size));
}

#endif /* PORTER_SIZED_H */
