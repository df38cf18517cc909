/* SPDX-License-Identifier: MIT */
/*
 * tracked-life.c: making trackers and ending them.
 */
#include "4-allocator/default.h"
#include "4-allocator/tracked.h"
#include "4-allocator/vtable.h"

#include "0-machine/fork.h"
#include "3-centre/life.h"
#include "3-centre/marks.h"

#include <string.h>

enum { FIRST_TRACKERS = 64 };

/* A tracker in its place in the pool: an update reads the first line of it. */
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

/* What struct porter_tracked_options was in the first version. */
#define OPTIONS_SIZE_FIRST \
	(offsetof(struct porter_tracked_options, quantum) + sizeof(int64_t))

/* What the caller's struct has of them; false when it makes no sense. */
static bool read_options(const struct porter_tracked_options *theirs,
			 struct porter_tracked_options *o)
{
	memset(o, 0, sizeof(*o));
	if (theirs->size < OPTIONS_SIZE_FIRST)
		return false;
	memcpy(o, theirs,
	       theirs->size < sizeof(*o) ? theirs->size : sizeof(*o));
	if (o->parent && o->parent->magic != TRACKED_MAGIC)
		porter__broken("porter_tracked_new_with",
			       "the parent is no tracker");
	return o->limit >= 0 && o->quantum >= 0;
}

static void give_place(void *tracked)
{
	porter_tracked *t = tracked;

	porter__counter_fini(&t->counter);
	porter__pool_give(&trackers,
			  (char *)t - offsetof(struct place, tracked));
}

static void copy_name(porter_tracked *t, const char *name)
{
	size_t length = name ? strnlen(name, PORTER_NAME_SIZE - 1) : 0;

	memcpy(t->name, name ? name : "", length);
	t->name[length] = '\0';
}

/* The parent needs a centre, too. */
static int join_family(porter_tracked *t,
		       const struct porter_tracked_options *o)
{
	const struct centre_options for_parent = { .converted = true };
	struct centre_options mine = { .limit = o->limit,
				       .quantum = o->quantum };

	if (o->parent && !centre_of(o->parent) &&
	    porter__tracked_centre(o->parent, &for_parent) != 0)
		return -1;
	mine.parent = o->parent ? centre_of(o->parent) : NULL;
	return porter__tracked_centre(t, &mine);
}

porter_tracked *
porter_tracked_new_with(porter_allocator *underlying,
			const struct porter_tracked_options *theirs)
{
	struct porter_tracked_options o;
	porter_tracked *t;

	if (!theirs)
		return porter_tracked_new(underlying);
	if (!read_options(theirs, &o)) {
		errno = EINVAL;
		return NULL;
	}
	t = porter_tracked_new(underlying);
	if (!t)
		return NULL;
	copy_name(t, o.name);
	t->on_refused = o.on_refused;
	t->refused_context = o.refused_context;
	if (join_family(t, &o) != 0) {
		t->magic = TRACKED_ENDED;
		give_place(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

int64_t porter_tracked_destroy(porter_tracked *t)
{
	struct centre *c;
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
	c = centre_of(t);
	/* A watch's callback that runs may yet free, so it is waited for. */
	if (c && porter__marks_on_end && !porter__marks_on_end(c))
		return -1;
	left = porter_bytes_used(t);
	if (c && !porter__tracked_end_centre(c))
		return -1;
	t->magic = TRACKED_ENDED;
	if (c)
		porter__centre_give(c, give_place);
	else
		give_place(t);
	return left;
}

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold = { .rank = RANK_TRACKERS,
					 .lock = &trackers.lock };

	porter__fork_join(&hold);
}
