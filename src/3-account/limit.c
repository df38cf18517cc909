/* SPDX-License-Identifier: MIT */
/*
 * limit.c: what is done to an account as a whole, with the lock.
 */
#include "3-account/limit.h"

#include "3-account/drain.h"
#include "3-account/watermark.h"

/*
 * Member by member, not by memset(): a program that reads a tracker after its end,
 * against the contract, must not find NULL where a pointer was. The number of the
 * peak and the number of atomic modes go on from the last tracker in this memory.
 */
void porter__account_init(struct account *a, struct porter__id *id, void *owner,
			  const struct account_options *o)
{
	a->at = cell_address(id->element.index);
	a->id = id;
	a->parent = o->parent;
	a->root = o->parent ? o->parent->root : a;
	a->owner = owner;
	a->quantum = o->quantum;
	a->bounded = o->limit != INT64_MAX;
	a->all_bounded = false;
	a->may_be_atomic = false;
	a->children = a->next = a->previous = NULL;
	a->ended = 0;
	a->lock.held_by = 0;
	a->generation = porter__fork_generation;
	a->reserved = 0;
	a->word = NOT_ATOMIC;
	a->limit = o->limit;
	a->high = INT64_MAX;
	a->low = INT64_MIN;
	a->caps = 0;
	a->holders = a->max_holders = 0;
	a->first_holder = LINK_LAST;
	a->operations = a->denied = a->crowded = 0;
	a->resume = 0;
	a->active_children = NULL;
	a->is_active = false;
	set_peak(a, 0, 0);
	a->watches = NULL;
	a->user = NULL;
}

/*
 * Nobody may go on using stock above the new limit. Release: a thread that finds
 * the limit finds atomic mode over (refuse_atomically()).
 */
void porter__account_set_limit(struct account *a, int64_t limit)
{
	const struct watermark_user *user = NULL;

	account_enter(a);
	if (a->limit == INT64_MAX || a->reserved > limit || a->user)
		porter__drain(a);
	store_release(&a->limit, limit);
	if (a->user && a->user->limit_changed(a))
		user = a->user;
	account_leave_and_notify(a, user);
}

int64_t porter__account_charged(struct account *a)
{
	int64_t charged;

	account_enter(a);
	porter__drain(a);
	charged = a->reserved;
	account_leave(a);
	return charged;
}

struct porter_interval porter__peak_reset(struct account *a)
{
	struct porter_interval before;

	account_enter(a);
	before = (struct porter_interval){ a->lower, a->upper };
	porter__drain(a);
	set_peak(a, max_of(a->reserved, 0), max_of(a->reserved, 0));
	account_leave(a);
	return before;
}

/*
 * What is still charged is taken from its ancestors. Not if a child of fork() has
 * rebuilt the hierarchy since the account left the structure: then what is reserved
 * in its ancestors was worked out without it.
 */
void porter__account_fini(struct account *a)
{
	const struct watermark_user *user = NULL;

	account_enter(a);
	if (load_relaxed(&a->generation) == porter__fork_generation) {
		porter__drain(a);
		reserve(a, -a->reserved);
	}
	if (a->parent)
		user = watermarks_crossed(a->parent);
	account_leave_and_notify(a, user);
}
