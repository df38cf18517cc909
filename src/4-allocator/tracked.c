/* SPDX-License-Identifier: MIT */
/*
 * tracked.c: what a tracker is, seen from outside.
 */
#include "4-allocator/tracked.h"

#include "3-account/hierarchy.h"

porter_allocator *porter_tracked_allocator(porter_tracked *t)
{
	return &t->allocator;
}

porter_tracked *porter_tracked_cast(porter_allocator *a)
{
	const struct porter_allocator_vtable *table;

	if (!a)
		return NULL;
	table = load_relaxed(&a->vtable);
	return table == &porter__unbounded_vtable ||
			       table == &porter__bounded_vtable ?
		       (porter_tracked *)a :
		       NULL;
}

const char *porter_tracked_name(const porter_tracked *t)
{
	return t->name;
}

porter_tracked *porter_tracked_parent(const porter_tracked *t)
{
	return t->account.parent ? t->account.parent->owner : NULL;
}

/* However the walk ends: visit may throw an exception. */
static void end_walk(const bool *locked)
{
	porter__slots_leave(*locked);
}

int porter_tracked_foreach_child(const porter_tracked *t,
				 int (*visit)(porter_tracked *child,
					      void *context),
				 void *context)
{
	AT_END(end_walk) bool locked = porter__slots_enter();
	struct account *child;
	int stop = 0;

	for (child = load_acquire(&t->account.children); child && !stop;
	     child = load_acquire(&child->next))
		stop = visit(child->owner, context);
	return stop;
}
