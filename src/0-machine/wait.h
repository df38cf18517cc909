/* SPDX-License-Identifier: MIT */
/*
 * wait.h: how a thread waits for what another thread is about to do.
 *
 * It spins for a moment, yields for a while, then sleeps; so the other thread
 * gets to run, whatever the priorities of the two are. No cancellation of the
 * thread happens in here, since it may hold a lock; and errno stays as it is.
 */
#ifndef PORTER_WAIT_H
#define PORTER_WAIT_H

/* One step of waiting; counts the steps, from 0. */
void porter__wait_a_little(unsigned *steps);

/* That long at least, whatever signals come. */
void porter__sleep(long nanoseconds);

#endif /* PORTER_WAIT_H */
