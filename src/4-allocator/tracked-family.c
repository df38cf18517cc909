/* SPDX-License-Identifier: MIT */
/*
 * tracked-family.c: a tracker gets its centre; limits; parents and children.
 */
#include "0-machine/fork.h"
#include "0-machine/barrier.h"
#include "3-centre/family.h"
#include "3-centre/marks.h"
#include "3-centre/peak.h"
#include "4-allocator/tracked.h"

/*
 * Two threads may want a centre for one tracker at the same time. And what a
 * child leaves to its parent, as allocated and as freed, must not be parted by a
 * fork, which reads what was freed some time before it copies the rest (ids.c).
 */
static struct porter__lock centring = PORTER__LOCK_INIT; /* rank: fork.h */

/*
 * Threads may be allocating. From the first store on who takes the slow way of
 * the old table finds the centre; from the second on nobody takes the fast one
 * of a tracker that only counts; the third is for those who come anew. They read
 * the table without an order, so there is a barrier in all threads before it:
 * who has the new table then finds the centre. See settle_all() in centre.c for
 * those who had looked before.
 */
static void bind(struct centre *c)
{
	porter_tracked *t = c->owner;
	const struct porter_allocator_vtable *table = &porter__centred_vtable;

	if (t->underlying == &porter__system)
		table = c->bounded ? &porter__bounded_vtable :
				     &porter__peaked_vtable;
	publish(&t->centre, c);
	publish(&t->malloc_serves, 0);
	if (c->converted && porter__barrier_possible())
		porter__barrier_everywhere();
	publish(&t->allocator.vtable, table);
}

int porter__tracked_centre(porter_tracked *t, const struct centre_options *o)
{
	struct centre_options mine = *o;
	struct centre *c;
	sigset_t saved;

	mine.bind = bind;
	porter__lock(&centring, &saved);
	c = centre_of(t);
	if (!c) {
		c = porter__centre_new(t->counter.id, t, &mine);
		/* Now, what there is already is at least in use. */
		if (c && o->converted)
			porter__peak_reset(c);
	}
	porter__unlock(&centring, &saved);
	if (c)
		return 0;
	errno = ENOMEM;
	return -1;
}

bool porter__tracked_end_centre(struct centre *c)
{
	bool ended, crossed;
	sigset_t saved;

	if (!c->parent)
		return porter__centre_end(c, &crossed);
	porter__lock(&centring, &saved);
	ended = porter__centre_end(c, &crossed);
	porter__unlock(&centring, &saved);
	if (crossed)
		porter__marks_wake();
	return ended;
}

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold = { .rank = RANK_CENTRING,
					 .lock = &centring };

	porter__fork_join(&hold);
}

/* ---- Limits ---- */

int porter_tracked_set_limit(porter_tracked *t, int64_t bytes)
{
	const struct centre_options o = { .converted = true };

	if (bytes < 0) {
		errno = EINVAL;
		return -1;
	}
	if (!centre_of(t) && bytes == 0)
		return 0;
	if (!centre_of(t) && porter__tracked_centre(t, &o) != 0)
		return -1;
	porter__centre_set_limit(centre_of(t), bytes ? bytes : INT64_MAX);
	return 0;
}

int64_t porter_tracked_limit(const porter_tracked *t)
{
	const struct centre *c = centre_of(t);
	int64_t limit = c ? peek(&c->limit) : INT64_MAX;

	return limit == INT64_MAX ? 0 : limit;
}

/* ---- Families ---- */

const char *porter_tracked_name(const porter_tracked *t)
{
	return t->name;
}

porter_tracked *porter_tracked_parent(const porter_tracked *t)
{
	const struct centre *c = centre_of(t);

	return c && c->parent ? c->parent->owner : NULL;
}

int porter_tracked_foreach_child(const porter_tracked *t,
				 int (*visit)(porter_tracked *child,
					      void *context),
				 void *context)
{
	const struct centre *c = centre_of(t);
	struct centre *child;
	bool locked;
	int stop = 0;

	if (!c)
		return 0;
	locked = porter__slots_enter();
	for (child = subscribe(&c->children); child && !stop;
	     child = subscribe(&child->next))
		stop = visit(child->owner, context);
	porter__slots_leave(locked);
	return stop;
}
