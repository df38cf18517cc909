/* SPDX-License-Identifier: MIT */
/*
 * urcu-glue.c: the only file that includes liburcu.
 *
 * The functions are called, not inlined: the library stays independent of the
 * layout of liburcu's structures, and no update ever comes here.
 *
 * liburcu has locks of its own: a thread that registers, that ends, or that
 * waits for readers, holds them. urcu-bp asks to be told of a fork(), and since a
 * library cannot ask its program for that either, it is told here.
 */
#include "0-machine/urcu-glue.h"

#include "0-machine/fork.h"

#include <errno.h>
#include <pthread.h>
#include <urcu-bp.h>

void porter__read_lock(void)
{
	urcu_bp_read_lock();
}

void porter__read_unlock(void)
{
	urcu_bp_read_unlock();
}

/*
 * liburcu 0.13 takes a lock to register that its fork handlers do not: so
 * nobody registers, by way of this library, while another thread forks.
 */
static struct porter__lock registering = PORTER__LOCK_INIT(RANK_REGISTERING);

void porter__register_reader(void)
{
	sigset_t saved;

	porter__lock(&registering, &saved);
	/* urcu-bp has no other way than to read. */
	urcu_bp_read_lock();
	urcu_bp_read_unlock();
	porter__unlock(&registering, &saved);
}

FORK_HOLD(hold_registering, .lock = &registering);
FORK_HOLD(hold_liburcu, .rank = RANK_LIBURCU, .before = urcu_bp_before_fork,
	  .parent = urcu_bp_after_fork_parent,
	  .child = urcu_bp_after_fork_child);
