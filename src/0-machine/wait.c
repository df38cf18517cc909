/* SPDX-License-Identifier: MIT */
/*
 * wait.c: spin, yield, sleep.
 */
#include "0-machine/wait.h"

#include "0-machine/atomic.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

enum {
	SPINS = 128,  /* longer than what is waited for takes as a rule */
	YIELDS = 256, /* longer than all threads of a time slice */
	NAP = 20000,  /* nanoseconds */
};

/* nanosleep() is a cancellation point. */
void porter__sleep(long nanoseconds)
{
	struct timespec left = { .tv_nsec = nanoseconds };
	int state, error = errno;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	pthread_setcancelstate(state, NULL);
	errno = error;
}

void porter__wait_a_little(unsigned *steps)
{
	unsigned step = (*steps)++;

	if (step < SPINS)
		pause_a_little();
	else if (step < SPINS + YIELDS)
		sched_yield();
	else
		porter__sleep(NAP);
}
