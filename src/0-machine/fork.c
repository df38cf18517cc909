/* SPDX-License-Identifier: MIT */
/*
 * fork.c: one set of pthread_atfork() handlers, over the table of all holds, in
 * the order of their ranks.
 */
#include "0-machine/fork.h"

#include "0-machine/atomic.h"
#include "0-machine/lock-order.h"
#include "0-machine/platform.h"

uint32_t porter__fork_generation = 1;

static struct porter__lock forking = PORTER__LOCK_INIT(RANK_FORKING);
static sigset_t signals_before; /* of the thread that holds that lock */

/* Made by the linker: where the table begins and where it ends. */
extern const struct fork_hold *const __start_porter_fork_holds[]
	__attribute__((visibility("hidden")));
extern const struct fork_hold *const __stop_porter_fork_holds[]
	__attribute__((visibility("hidden")));

static enum porter__rank rank_of(const struct fork_hold *hold)
{
	return hold->lock ? hold->lock->rank : hold->rank;
}

/* The table is in no order, and short. */
static void for_each_hold(void (*visit)(const struct fork_hold *hold))
{
	for (int rank = 0; rank <= RANK_LAST; rank++)
		for (const struct fork_hold *const *h =
			     __start_porter_fork_holds;
		     h < __stop_porter_fork_holds; h++)
			if ((int)rank_of(*h) == rank)
				visit(*h);
}

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

static void hold_before(const struct fork_hold *h)
{
	if (h->lock)
		take(h->lock);
	if (h->before)
		h->before();
}

static void hold_after(const struct fork_hold *h, void (*after)(void))
{
	if (after)
		after();
	if (h->lock)
		give(h->lock);
}

static void hold_in_parent(const struct fork_hold *h)
{
	hold_after(h, h->parent);
}

static void hold_in_child(const struct fork_hold *h)
{
	hold_after(h, h->child);
}

static void before_fork(void)
{
	sigset_t saved;

	porter__block_signals(&saved);
	take(&forking);
	signals_before = saved;
	for_each_hold(hold_before);
}

static void after_fork(void (*visit)(const struct fork_hold *hold))
{
	sigset_t saved = signals_before;

	for_each_hold(visit);
	give(&forking);
	porter__restore_signals(&saved);
}

static void after_fork_in_parent(void)
{
	after_fork(hold_in_parent);
}

static void after_fork_in_child(void)
{
	store_relaxed(&porter__fork_generation, porter__fork_generation + 1);
	after_fork(hold_in_child);
}

/*
 * pthread_atfork() may call malloc, and so come here again; so there is no lock.
 * No handler of a signal interrupts it: it has a lock of its own. A thread that finds
 * `registered` set goes on, though another may still be in pthread_atfork(). If it
 * forks right then, the fork is without handlers. That can only be before the
 * constructor of the library has run (slots.c).
 */
void porter__fork_register(void)
{
	static uint32_t registered;
	sigset_t saved;

	if (likely(load_relaxed(&registered)))
		return;
	porter__block_signals(&saved);
	if (!exchange(&registered, 1) &&
	    pthread_atfork(before_fork, after_fork_in_parent,
			   after_fork_in_child) != 0)
		store_relaxed(&registered, 0); /* The next call tries again. */
	porter__restore_signals(&saved);
}
