/* SPDX-License-Identifier: MIT */
/*
 * meeting.h: a place where workers stop until the host lets them go on.
 *
 * Like a barrier, but the host can look around while it waits for them.
 */
#ifndef INGEST_MEETING_H
#define INGEST_MEETING_H

#include <pthread.h>
#include <stdbool.h>

struct meeting {
	pthread_mutex_t lock;
	pthread_cond_t all_here;
	pthread_cond_t go_on;
	int here;
	unsigned int round;
};

int meeting_init(struct meeting *m);
void meeting_end(struct meeting *m);

/* A worker: arrives, and waits to be released. */
void meeting_attend(struct meeting *m);

/* The host: whether that many workers are here, waited for at most so long. */
bool meeting_wait(struct meeting *m, int workers, int milliseconds);
void meeting_release(struct meeting *m);

#endif /* INGEST_MEETING_H */
