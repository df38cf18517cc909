/* SPDX-License-Identifier: MIT */
/*
 * machine.h: what else the machine does, since that decides what a measurement
 * is worth: threads that never run at the same time never wait for each other.
 */
#ifndef INGEST_MACHINE_H
#define INGEST_MACHINE_H

struct machine_times {
	double busy; /* seconds of processor time, of everybody */
	double own;  /* of this process */
	double now;
};

struct machine_times machine_look(void);

/* Processors that others kept busy in between; negative: not known. */
double machine_others(const struct machine_times *begin,
		      const struct machine_times *end);

#endif /* INGEST_MACHINE_H */
