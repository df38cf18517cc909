/* SPDX-License-Identifier: MIT */
/*
 * fork.c: one set of pthread_atfork() handlers, over the list of all holds, in
 * the order of their ranks. The list only grows, while the library is loaded.
 */
#include "0-machine/fork.h"

#include "0-machine/lock-order.h"

#include <stdbool.h>

static struct porter__lock forking = PORTER__LOCK_INIT;
static struct fork_hold *holds; /* under that lock */
static sigset_t signals_before; /* of the thread that holds that lock */

static void before_fork(void)
{
	sigset_t saved;

	porter__lock(&forking, &saved);
	signals_before = saved;
	for (struct fork_hold *h = holds; h; h = h->next) {
		if (h->lock) {
			porter__lock_order_take(h->lock, (int)h->rank);
			pthread_mutex_lock(&h->lock->mutex);
		}
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
		if (h->lock) {
			pthread_mutex_unlock(&h->lock->mutex);
			porter__lock_order_give(h->lock);
		}
	}
	porter__unlock(&forking, &saved);
}

static void after_fork_in_parent(void)
{
	after_fork(false);
}

static void after_fork_in_child(void)
{
	after_fork(true);
}

void porter__fork_join(struct fork_hold *hold)
{
	struct fork_hold **place = &holds;
	static bool joined;
	sigset_t saved;

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

/* The list only grows, at load time: who is asked later finds it whole. */
int porter__fork_rank(const struct porter__lock *lock)
{
	for (const struct fork_hold *h = holds; h; h = h->next)
		if (h->lock == lock)
			return (int)h->rank;
	return RANK_UNKNOWN;
}
