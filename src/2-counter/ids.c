/* SPDX-License-Identifier: MIT */
/*
 * ids.c: a free list over an array that grows and never moves.
 */
#include "2-counter/ids.h"

#include "0-machine/segments.h"

#include <errno.h>

enum {
	FIRST_IDS = 64,
	ID_SEGMENTS = 26,
};

/*
 * Lock guards everything here. Rank: taken alone, never together with the
 * registry's.
 */
static struct porter__id first_ids[FIRST_IDS];

static struct {
	struct porter__lock lock;
	struct porter__id *segments[ID_SEGMENTS];
	uint32_t count;
	struct porter__id *free;
} ids = {
	.lock = PORTER__LOCK_INIT,
	.segments = { first_ids },
	.count = 1, /* the first is reserved */
};

struct porter__id *porter__id_reserved(void)
{
	return &first_ids[0];
}

static struct porter__id *new_id(void)
{
	unsigned segment = segment_of(ids.count, FIRST_IDS);
	struct porter__id *id;

	if (segment >= ID_SEGMENTS) {
		errno = ENOMEM;
		return NULL;
	}
	if (!ids.segments[segment])
		ids.segments[segment] = porter__map_pages(
			segment_length(segment, FIRST_IDS) * sizeof(*id));
	if (!ids.segments[segment])
		return NULL;
	id = ids.segments[segment] + ids.count -
	     segment_start(segment, FIRST_IDS);
	id->number = ids.count++;
	return id;
}

struct porter__id *porter__id_take(void)
{
	struct porter__id *id;
	sigset_t saved;

	porter__lock(&ids.lock, &saved);
	id = ids.free;
	if (id)
		ids.free = id->next_free;
	else
		id = new_id();
	porter__unlock(&ids.lock, &saved);
	return id;
}

void porter__id_give(struct porter__id *id)
{
	sigset_t saved;

	porter__lock(&ids.lock, &saved);
	id->next_free = ids.free;
	ids.free = id;
	porter__unlock(&ids.lock, &saved);
}
