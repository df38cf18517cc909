/* SPDX-License-Identifier: MIT */
/*
 * tracked-life.c: making trackers and ending them.
 */
#include "4-allocator/tracked-init.h"

#include "0-machine/fork.h"
#include "0-machine/sized.h"
#include "0-machine/utf8.h"
#include "3-account/hierarchy.h"
#include "4-allocator/backend.h"
#include "4-allocator/default.h"
#include "4-allocator/retired.h"
#include "4-allocator/tracked-limit.h"
#include "4-allocator/vtable.h"

#include <errno.h>
#include <string.h>

enum { FIRST_TRACKERS = 64 };

/* A tracker in its place in the pool. */
struct place {
	struct pool_element element;
	struct porter_tracked tracked;
};

static struct pool trackers =
	POOL_INIT(struct place, FIRST_TRACKERS, RANK_TRACKERS);

static struct place *place_of(porter_tracked *t)
{
	return (struct place *)(void *)((char *)t -
					offsetof(struct place, tracked));
}

/* ---- Making ---- */

/* What struct porter_tracked_options was in the first version. */
#define OPTIONS_SIZE_FIRST \
	(offsetof(struct porter_tracked_options, quantum) + sizeof(int64_t))

/* As many members as the caller's struct has; false if they make no sense. */
static bool read_options(const struct porter_tracked_options *theirs,
			 struct porter_tracked_options *o)
{
	memset(o, 0, sizeof(*o));
	if (!theirs)
		return true;
	if (!sized_read(o, theirs, OPTIONS_SIZE_FIRST, sizeof(*o)))
		return false;
	if (o->parent && o->parent->magic != TRACKED_MAGIC)
		porter__panic("porter_tracked_new_with",
			      "the parent is no tracker");
	return o->limit >= 0 && o->quantum >= 0;
}

static void copy_name(porter_tracked *t, const char *name)
{
	size_t length = name ? utf8_fit(name, PORTER_NAME_SIZE - 1) : 0;

	memcpy(t->name, name ? name : "", length);
	t->name[length] = '\0';
}

static porter_tracked *make(porter_allocator *underlying,
			    const struct porter_tracked_options *o)
{
	const struct account_options account = {
		.parent = o->parent ? &o->parent->account : NULL,
		.limit = o->limit ? o->limit : INT64_MAX,
		.quantum = o->quantum,
	};
	struct porter__id *id = porter__id_take();
	struct place *place = id ? porter__pool_take(&trackers) : NULL;
	porter_tracked *t;

	if (!place) {
		if (id)
			porter__id_give(id);
		errno = ENOMEM;
		return NULL;
	}
	t = &place->tracked;
	porter__tracked_init(t, underlying, id, &account);
	copy_name(t, o->name);
	t->on_refused = o->on_refused;
	t->refused_context = o->refused_context;
	if (o->parent)
		porter__hierarchy_join(&t->account, porter__bind);
	return t;
}

porter_tracked *
porter_tracked_new_with(porter_allocator *underlying,
			const struct porter_tracked_options *theirs)
{
	struct porter_tracked_options o;

	if (!underlying)
		underlying = &porter__system;
	if (!porter__is_allocator(underlying) || !read_options(theirs, &o)) {
		errno = EINVAL;
		return NULL;
	}
	return make(underlying, &o);
}

porter_tracked *porter_tracked_new(porter_allocator *underlying)
{
	return porter_tracked_new_with(underlying, NULL);
}

/* ---- Ending ---- */

static void give(struct pool_element *element)
{
	struct place *place = (struct place *)element;

	porter__counter_fini(&place->tracked.counter);
	porter__pool_give(&trackers, element);
}

/*
 * Ends the watches, and waits for a callback that is running: it may still free
 * something. False with errno EBUSY: the tracker has children, or end() forbids it.
 */
static bool end_watches(struct account *a)
{
	if (!load_acquire(&a->children))
		return !a->user || a->user->end(a);
	errno = EBUSY;
	return false;
}

/*
 * In a child of fork(). Whoever makes the hierarchy anew must find this member in
 * it wholly, or not at all: see rebuild.h.
 */
static void make_anew_after_fork(struct account *a)
{
	account_enter(a);
	account_leave(a);
}

/* What the program leaks from now on LeakSanitizer must not find in here. */
static void forget_the_program(porter_tracked *t)
{
	t->underlying = NULL;
	t->on_refused = NULL;
	t->refused_context = NULL;
}

int porter_tracked_destroy(porter_tracked *t, int64_t *leaked)
{
	int64_t left;

	if (t && t->magic != TRACKED_MAGIC)
		porter__panic(__func__, t->magic == TRACKED_ENDED ?
						"destroyed already" :
						"this is no tracker");
	if (t && porter__is_default(&t->allocator)) {
		errno = EBUSY;
		return -1;
	}
	if (t && !end_watches(&t->account))
		return -1;
	left = t ? porter_bytes_used(t) : 0;
	if (t)
		make_anew_after_fork(&t->account);
	if (t && !porter__hierarchy_leave(&t->account))
		return -1;
	if (leaked)
		*leaked = left;
	if (!t)
		return 0;
	porter__account_fini(&t->account);
	forget_the_program(t);
	store_relaxed(&t->magic, TRACKED_ENDED);
	if (t->account.parent)
		porter__retire(&place_of(t)->element, give);
	else
		give(&place_of(t)->element);
	return 0;
}

FORK_HOLD(hold_trackers, .lock = &trackers.lock);
