/* SPDX-License-Identifier: MIT */
/*
 * limit.c: what is done to an account as a whole, with the lock.
 */
#include "3-account/limit.h"

#include "3-account/drain.h"
#include "3-account/rebuild.h"
#include "3-account/watermark.h"

void porter__account_init(struct account *a, struct porter__id *id, void *owner,
			  const struct account_options *o)
{
	*a = (struct account){
		.at = cell_address(id->element.index),
		.id = id,
		.parent = o->parent,
		.root = o->parent ? o->parent->root : a,
		.owner = owner,
		.quantum = o->quantum,
		.bounded = o->limit != INT64_MAX,
		.generation = porter__fork_generation,
		.word = NOT_ATOMIC,
		.limit = o->limit,
		.high = INT64_MAX,
		.low = INT64_MIN,
		.first_holder = LINK_LAST,
	};
}

static void leave_and_tell(struct account *a, const struct watermark_user *user)
{
	account_leave(a);
	if (user)
		user->deliver();
}

/*
 * Nobody may go on using stock above the new limit. Release: a thread that finds
 * it finds atomic mode over (refuse_atomically).
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
	leave_and_tell(a, user);
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
	a->lower = a->upper = max_of(a->reserved, 0);
	peak_publish(&a->peak, a->lower, a->upper);
	account_leave(a);
	return before;
}

/*
 * What it leaves behind is in use no more. After a fork, what its ancestors have
 * may have been made anew without it, since it is in the structure no more.
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
	leave_and_tell(a, user);
}
