/* SPDX-License-Identifier: MIT */
/*
 * barrier.c: membarrier(2).
 */
#include "0-machine/barrier.h"

#include "0-machine/atomic.h"
#include "0-machine/wait.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

/*
 * It must work, too: some emulators accept the registration alone. Whatever the
 * error is, there is no barrier: sandboxes and kernels differ in what they say.
 */
static bool try_it(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
	       membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}

static enum { UNKNOWN, POSSIBLE, IMPOSSIBLE } state;

bool porter__barrier_possible(void)
{
	int error = errno;

	/* Threads that ask at the same time find the same. */
	if (load_relaxed(&state) == UNKNOWN)
		store_relaxed(&state, try_it() ? POSSIBLE : IMPOSSIBLE);
	errno = error;
	return load_relaxed(&state) == POSSIBLE;
}

/*
 * It was there, and is no more: the program has forbidden it to itself, as a
 * sandbox does. From now on there is none. This once, time must do: what a
 * thread has stored is in memory long before that, since no processor keeps it
 * for more than an instant; and what it looks at after that is as it is now.
 */
static void wait_instead(void)
{
	store_relaxed(&state, IMPOSSIBLE);
	porter__sleep(10 * 1000 * 1000);
}

void porter__barrier_everywhere(void)
{
	int error = errno;

	/* A child of fork() may have to register for itself. */
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 && !try_it())
		wait_instead();
	errno = error;
}
