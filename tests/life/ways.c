/* SPDX-License-Identifier: MIT */
/*
 * ways.c: all the ways to have bytes counted; see ways.h.
 */
#define WITHOUT_KINDS
#include "ways.h"

static porter_allocator *of(porter_tracked *t)
{
	return porter_tracked_allocator(t);
}

/* ---- Blocks whose sizes the program knows ---- */

static void *allocate(porter_tracked *t, size_t size)
{
	return porter_allocate(of(t), size);
}

static void *resize(porter_tracked *t, void *ptr, size_t old_size,
		    size_t new_size)
{
	return porter_reallocate(of(t), ptr, old_size, new_size);
}

static void release(porter_tracked *t, void *ptr, size_t size)
{
	porter_free(of(t), ptr, size);
}

/* More than malloc's own: another path, over aligned_alloc. */
enum { ALIGNMENT = 64 };

static void *allocate_aligned(porter_tracked *t, size_t size)
{
	return porter_allocate_aligned(of(t), size, ALIGNMENT);
}

static void *resize_aligned(porter_tracked *t, void *ptr, size_t old_size,
			    size_t new_size)
{
	return porter_reallocate_aligned(of(t), ptr, old_size, new_size,
					 ALIGNMENT);
}

static void release_aligned(porter_tracked *t, void *ptr, size_t size)
{
	porter_free_aligned(of(t), ptr, size, ALIGNMENT);
}

static void *reallocate_nothing(porter_tracked *t, size_t size)
{
	return porter_reallocate(of(t), NULL, 0, size);
}

/* ---- Blocks that remember their sizes ---- */

static void *resize_malloced(porter_tracked *t, void *ptr, size_t old_size,
			     size_t new_size)
{
	(void)old_size;
	return porter_realloc(t, ptr, new_size);
}

static void release_malloced(porter_tracked *t, void *ptr, size_t size)
{
	(void)size;
	porter_mfree(t, ptr);
}

static void *zeroed(porter_tracked *t, size_t size)
{
	return porter_calloc(t, 1, size);
}

static void *realloc_nothing(porter_tracked *t, size_t size)
{
	return porter_realloc(t, NULL, size);
}

/* ---- Bytes from elsewhere ---- */

static void *charge(porter_tracked *t, size_t size)
{
	static char charged;

	return porter_charge(t, size) == 0 ? &charged : NULL;
}

static void refund(porter_tracked *t, void *ptr, size_t size)
{
	(void)ptr;
	porter_refund(t, size);
}

const struct way ways[] = {
	{ "allocate", allocate, resize, release, false },
	{ "allocate_aligned", allocate_aligned, resize_aligned, release_aligned,
	  false },
	{ "reallocate", reallocate_nothing, resize, release, false },
	{ "malloc", porter_malloc, resize_malloced, release_malloced, false },
	{ "calloc", zeroed, resize_malloced, release_malloced, false },
	{ "realloc", realloc_nothing, resize_malloced, release_malloced,
	  false },
	{ "charge", charge, NULL, refund, true },
};

const size_t ways_count = ARRAY_SIZE(ways);

const struct way *random_way(uint64_t *state)
{
	return &ways[random_below(state, ways_count)];
}

/* ---- Trackers ---- */

int64_t destroy(porter_tracked *t)
{
#ifdef PORTER_TRACKED_OPTIONS_INIT
	int64_t leaked = 0;

	return porter_tracked_destroy(t, &leaked) == 0 ? leaked : -1;
#else
	return porter_tracked_destroy(t);
#endif
}

porter_tracked *make_tracker(porter_allocator *underlying,
			     porter_tracked *parent, int64_t limit)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent,
					    .limit = limit };
	porter_tracked *t = porter_tracked_new_with(underlying, &o);

	must(t);
	return t;
}
