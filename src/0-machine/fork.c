/* SPDX-License-Identifier: MIT */
/*
 * fork.c: one set of pthread_atfork() handlers, over the list of all holds, in
 * the order of their ranks. The list only grows, while the library is loaded.
 */
#include "0-machine/fork.h"

#include "0-machine/atomic.h"
#include "0-machine/lock-order.h"
#include "0-machine/platform.h"

#include <stdbool.h>

uint32_t porter__fork_generation = 1;

static struct porter__lock forking = PORTER__LOCK_INIT(RANK_FORKING);
static struct fork_hold *holds; /* under that lock */
static sigset_t signals_before; /* of the thread that holds that lock */

static void take(struct porter__lock *lock)
{
	porter__lock_order_take_to_fork(lock, lock->rank);
	pthread_mutex_lock(&lock->mutex);
}

static void give(struct porter__lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
	porter__lock_order_give(lock);
}

static void before_fork(void)
{
	sigset_t saved;

	porter__block_signals(&saved);
	take(&forking);
	signals_before = saved;
	for (struct fork_hold *h = holds; h; h = h->next) {
		if (h->lock)
			take(h->lock);
		if (h->before)
			h->before();
	}
}

static void after_fork(bool in_child)
{
	sigset_t saved = signals_before;

	for (struct fork_hold *h = holds; h; h = h->next) {
		void (*after)(void) = in_child ? h->child : h->parent;

		if (after)
			after();
		if (h->lock)
			give(h->lock);
	}
	give(&forking);
	porter__restore_signals(&saved);
}

static void after_fork_in_parent(void)
{
	after_fork(false);
}

static void after_fork_in_child(void)
{
	store_relaxed(&porter__fork_generation, porter__fork_generation + 1);
	after_fork(true);
}

void porter__fork_join(struct fork_hold *hold)
{
	struct fork_hold **place = &holds;
	static bool joined;
	sigset_t saved;

	if (hold->lock)
		hold->rank = hold->lock->rank;
	porter__lock(&forking, &saved);
	if (!joined)
		joined = pthread_atfork(before_fork, after_fork_in_parent,
					after_fork_in_child) == 0;
	while (*place && (*place)->rank <= hold->rank)
		place = &(*place)->next;
	hold->next = *place;
	*place = hold;
	porter__unlock(&forking, &saved);
}
