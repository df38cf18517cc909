/* SPDX-License-Identifier: MIT */
/*
 * refusal.c: when a limit refuses: who is asked for room, what is remembered.
 *
 * on_refused may do anything: allocate, unregister the thread, move it to
 * another one, throw an exception. So nothing that was known of the thread is used
 * after it.
 */
#include "4-allocator/refusal.h"

#include "4-allocator/backend.h"

#include <errno.h>
#include <string.h>

/* A thread without a slot has nothing of its own to write to. */
void porter__forget_refusal(void)
{
	if (likely(porter__self->blocks[0]))
		porter__self->refusal.asked = NULL;
}

static void count_failure(porter_tracked *t)
{
	shared_add(&t->counter.id->failures, 1);
	errno = ENOMEM;
}

void *porter__failed(porter_tracked *t)
{
	porter__forget_refusal();
	count_failure(t);
	return NULL;
}

void porter__request_failed(porter_tracked *t, uint64_t charged)
{
	if (charged)
		porter__cancel(&t->account, charged);
	if (porter__is_backend(t->underlying))
		porter__forget_refusal();
	count_failure(t);
}

void porter__cancel_block(porter_tracked *t, uint64_t size)
{
	counter_add(&t->counter, FREES, 1);
	porter__cancel(&t->account, size);
	shared_add(&t->counter.id->cancelled_blocks, 1);
}

/* ---- What is remembered: in the thread's slot, without memory ---- */

static void remember(const porter_tracked *t, const struct refused *refused,
		     uint64_t size)
{
	const porter_tracked *level = refused->level->owner;

	if (unlikely(!porter__self->blocks[0]))
		return; /* A thread without a slot has nothing of its own. */
	porter__self->refusal = (struct porter__note){
		.asked = t,
		.level = level,
		.asked_serial = t->serial,
		.level_serial = level->serial,
		.size = size,
		.limit = refused->limit,
		.charged = refused->charged,
		.stock = refused->stock,
	};
}

/* ---- Before a refusal ---- */

struct callback {
	porter_on_refused function;
	void *context;
};

/* The function of the tracker itself, or of its nearest ancestor with one. */
static struct callback whom_to_ask(porter_tracked *t)
{
	struct callback callback = { .function = NULL };

	for_each_level(&t->account, x) {
		porter_tracked *who = x->owner;

		/* Most have none. The lock is for the pair of words. */
		if (!load_relaxed(&who->on_refused))
			continue;
		account_enter(x);
		callback.function = who->on_refused;
		callback.context = who->refused_context;
		account_leave(x);
		break;
	}
	return callback;
}

static bool charge_again(porter_tracked *t, uint64_t size,
			 struct refused *refused)
{
	struct cell *cell = this_cell(t->counter.at);

	return (cell && charge_from_stock(cell, size)) ||
	       porter__charge_at_account(&t->account, cell, size, refused);
}

/* Without room: also if on_refused throws an exception. */
static void count_refusal(porter_tracked *const *refuses)
{
	if (*refuses)
		shared_add(&(*refuses)->counter.id->refusals, 1);
}

static bool ask_for_room(porter_tracked *t, uint64_t size,
			 struct refused *refused)
{
	AT_END(count_refusal) porter_tracked *refuses = t;
	struct callback callback = whom_to_ask(t);

	if (!callback.function)
		return false;
	if (callback.function(t, (size_t)size, callback.context) &&
	    charge_again(t, size, refused)) {
		refuses = NULL;
		return true;
	}
	/* Anew: requests that on_refused made may have failed, too. */
	remember(t, refused, size);
	return false;
}

bool porter__charge_or_refuse(porter_tracked *t, struct cell *cell,
			      uint64_t size)
{
	struct refused refused;

	if (likely(porter__charge_at_account(&t->account, cell, size,
					     &refused)))
		return true;
	if (!refused.level) {
		porter__failed(t);
		return false;
	}
	remember(t, &refused, size);
	if (ask_for_room(t, size, &refused))
		return true;
	errno = ENOMEM;
	return false;
}

int porter_tracked_set_on_refused(porter_tracked *t, porter_on_refused f,
				  void *context)
{
	account_enter(&t->account);
	store_relaxed(&t->on_refused, f);
	t->refused_context = context;
	account_leave(&t->account);
	return 0;
}
