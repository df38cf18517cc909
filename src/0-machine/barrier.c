/* SPDX-License-Identifier: MIT */
/*
 * barrier.c: membarrier(2).
 */
#include "0-machine/barrier.h"

#include "0-machine/atomic.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

/* It must work, too: some emulators accept the registration alone. */
static bool try_it(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
	       membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}

bool porter__barrier_possible(void)
{
	enum { UNKNOWN, POSSIBLE, IMPOSSIBLE };
	static int state = UNKNOWN;
	int error = errno;

	/* Threads that ask at the same time find the same. */
	if (peek(&state) == UNKNOWN)
		poke(&state, try_it() ? POSSIBLE : IMPOSSIBLE);
	errno = error;
	return peek(&state) == POSSIBLE;
}

void porter__barrier_everywhere(void)
{
	int error = errno;

	/* A child of fork() may have to register for itself. */
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0)
		try_it();
	errno = error;
}
