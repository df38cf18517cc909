/* SPDX-License-Identifier: MIT */
/*
 * lock.c: signals off, then the mutex; and back in the other order.
 */
#include "0-machine/lock.h"

#include "0-machine/lock-order.h"
#include "0-machine/platform.h"

void porter__lock(struct porter__lock *lock, sigset_t *saved)
{
	porter__block_signals(saved);
	porter__lock_order_take(lock, lock->rank);
	pthread_mutex_lock(&lock->mutex);
}

void porter__unlock(struct porter__lock *lock, const sigset_t *saved)
{
	pthread_mutex_unlock(&lock->mutex);
	porter__lock_order_give(lock);
	porter__restore_signals(saved);
}
