/* SPDX-License-Identifier: MIT */
/*
 * tracked-init.c: a tracker begins.
 */
#include "4-allocator/tracked-init.h"

#include "0-machine/fork.h"

void porter__tracked_init(porter_tracked *t, porter_allocator *underlying,
			  struct porter__id *id,
			  const struct account_options *o)
{
	static uint64_t serials;

	porter__fork_register();
	t->underlying = underlying;
	t->on_refused = NULL;
	t->name[0] = '\0';
	porter__counter_init(&t->counter, id);
	t->direct = porter__direct(underlying);
	t->direct_at = t->direct.allocate ? t->counter.at : no_cell_address();
	porter__account_init(&t->account, id, t, o);
	store_release(&t->serial, fetch_add(&serials, 1) + 1);
	store_relaxed(&t->magic, TRACKED_MAGIC);
	store_release(&t->allocator.vtable, t->account.bounded ?
						    &porter__bounded_vtable :
						    &porter__unbounded_vtable);
}
