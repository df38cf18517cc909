/* SPDX-License-Identifier: MIT */
/*
 * meeting.c: one lock, two conditions, and a number that tells one meeting
 * from the next.
 */
#include "meeting.h"

#include <errno.h>
#include <time.h>

int meeting_init(struct meeting *m)
{
	pthread_condattr_t steady;

	m->here = 0;
	m->round = 0;
	if (pthread_condattr_init(&steady) != 0)
		return -1;
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->all_here, &steady);
	pthread_cond_init(&m->go_on, NULL);
	pthread_condattr_destroy(&steady);
	return 0;
}

void meeting_end(struct meeting *m)
{
	pthread_cond_destroy(&m->go_on);
	pthread_cond_destroy(&m->all_here);
	pthread_mutex_destroy(&m->lock);
}

void meeting_attend(struct meeting *m)
{
	unsigned int round;

	pthread_mutex_lock(&m->lock);
	round = m->round;
	m->here++;
	pthread_cond_signal(&m->all_here);
	while (round == m->round)
		pthread_cond_wait(&m->go_on, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

bool meeting_wait(struct meeting *m, int workers, int milliseconds)
{
	struct timespec until;
	bool complete;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += milliseconds % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&m->lock);
	while (m->here < workers) {
		if (pthread_cond_timedwait(&m->all_here, &m->lock, &until) ==
		    ETIMEDOUT)
			break;
	}
	complete = m->here >= workers;
	pthread_mutex_unlock(&m->lock);
	return complete;
}

void meeting_release(struct meeting *m)
{
	pthread_mutex_lock(&m->lock);
	m->here = 0;
	m->round++;
	pthread_cond_broadcast(&m->go_on);
	pthread_mutex_unlock(&m->lock);
}
