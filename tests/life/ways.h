/* SPDX-License-Identifier: MIT */
/*
 * ways.h: all the ways to have bytes counted, so that a test of one is a test
 * of each; and what a tracker is made and ended with.
 */
#ifndef TESTS_LIFE_WAYS_H
#define TESTS_LIFE_WAYS_H

#include "support.h"

#include <portermem/portermem.h>

#include <string.h>

struct way {
	const char *name;
	/* NULL: refused, or no memory */
	void *(*get)(porter_tracked *t, size_t size);
	/* NULL where there is no such thing; else NULL: all is as it was */
	void *(*resize)(porter_tracked *t, void *ptr, size_t old_size,
			size_t new_size);
	void (*put)(porter_tracked *t, void *ptr, size_t size);
	bool charges; /* bytes, and asks for no block */
};

extern const struct way ways[];
extern const size_t ways_count;

const struct way *random_way(uint64_t *state);

/* The bytes that it still had, or -1 with errno. */
int64_t destroy(porter_tracked *t);

/* One with options; NULL: no parent, 0: no limit. Never returns NULL. */
porter_tracked *make_tracker(porter_allocator *underlying,
			     porter_tracked *parent, int64_t limit);

#endif /* TESTS_LIFE_WAYS_H */
