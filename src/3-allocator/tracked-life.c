/* SPDX-License-Identifier: MIT */
/*
 * tracked-life.c: making trackers and ending them.
 */
#include "3-allocator/default.h"
#include "3-allocator/tracked.h"
#include "3-allocator/vtable.h"

#include "0-machine/fork.h"

enum { FIRST_TRACKERS = 64 };

/* A tracker in its place in the pool: one line, which every update reads. */
struct place {
	struct pool_element element;
	struct porter_tracked tracked;
} __attribute__((aligned(CACHE_LINE)));

static struct pool trackers = POOL_INIT(struct place, FIRST_TRACKERS);

porter_tracked *porter_tracked_new(porter_allocator *underlying)
{
	struct porter__id *id;
	struct place *place;

	if (!underlying)
		underlying = &porter__system;
	if (!porter__is_allocator(underlying)) {
		errno = EINVAL;
		return NULL;
	}
	id = porter__id_take();
	place = id ? porter__pool_take(&trackers) : NULL;
	if (!place) {
		if (id)
			porter__id_give(id);
		errno = ENOMEM;
		return NULL;
	}
	porter__tracked_init(&place->tracked, underlying, id);
	return &place->tracked;
}

int64_t porter_tracked_destroy(porter_tracked *t)
{
	int64_t left;

	if (!t)
		return 0;
	if (t->magic != TRACKED_MAGIC)
		porter__broken(__func__, t->magic == TRACKED_ENDED ?
						 "destroyed already" :
						 "this is no tracker");
	if (porter__is_default(&t->allocator)) {
		errno = EBUSY;
		return -1;
	}
	left = porter_bytes_used(t);
	t->magic = TRACKED_ENDED;
	porter__counter_fini(&t->counter);
	porter__pool_give(&trackers,
			  (char *)t - offsetof(struct place, tracked));
	return left;
}

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold = { .rank = RANK_TRACKERS,
					 .lock = &trackers.lock };

	porter__fork_join(&hold);
}
