/* SPDX-License-Identifier: MIT */
/*
 * spin.c: how to wait.
 */
#include "0-machine/spin.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

enum {
	SPINS = 128,  /* longer than the lock is held as a rule */
	YIELDS = 256, /* longer than all threads of a time slice */
	NAP = 20000,  /* nanoseconds */
};

/* The thread may be cancelled in a nap, and who waits may hold a lock. */
static void take_a_nap(void)
{
	static const struct timespec nap = { .tv_nsec = NAP };
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	nanosleep(&nap, NULL);
	pthread_setcancelstate(state, NULL);
}

void porter__wait_a_little(unsigned *steps)
{
	unsigned step = (*steps)++;

	if (step < SPINS)
		pause_a_little();
	else if (step < SPINS + YIELDS)
		sched_yield();
	else
		take_a_nap();
}

/* Looks before it tries, so that the line stays shared meanwhile. */
void porter__spin_wait(struct spin *lock)
{
	unsigned steps = 0;

	do {
		while (peek(&lock->held))
			porter__wait_a_little(&steps);
	} while (!spin_try_alone(lock));
}
