/* SPDX-License-Identifier: MIT */
/*
 * platform.c: pages, a lock that signal handlers may wait for, the last word.
 */
#include "0-machine/platform.h"

#include "0-machine/fork.h"
#include "0-machine/lock-order.h"
#include "0-machine/test-point.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef PORTER_TEST_POINTS
void (*porter__test_point)(enum test_point point);
#endif

void *porter__map_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED) {
		errno = ENOMEM;
		return NULL;
	}
	return pages;
}

void porter__block_signals(sigset_t *saved)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
}

void porter__restore_signals(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

static void lock_order_take(const struct porter__lock *lock)
{
#ifdef PORTER_TEST_POINTS
	porter__lock_order_take(lock, porter__fork_rank(lock));
#else
	(void)lock;
#endif
}

void porter__lock(struct porter__lock *lock, sigset_t *saved)
{
	porter__block_signals(saved);
	lock_order_take(lock);
	pthread_mutex_lock(&lock->mutex);
}

void porter__unlock(struct porter__lock *lock, const sigset_t *saved)
{
	pthread_mutex_unlock(&lock->mutex);
	porter__lock_order_give(lock);
	porter__restore_signals(saved);
}

static void say(const char *text)
{
	/* Nothing can be done when standard error is closed. */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

void porter__broken(const char *function, const char *what)
{
	say("portermem: ");
	say(function);
	say(": ");
	say(what);
	say("\n");
	abort();
}
