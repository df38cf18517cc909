/* SPDX-License-Identifier: MIT */
/*
 * machine.c: the processor time of everybody is the first line of /proc/stat;
 * where there is no such file, it stays unknown.
 */
#include "machine.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* user, nice, system, idle, iowait, irq, softirq, steal: idle is two of them */
static double busy_seconds(void)
{
	FILE *file = fopen("/proc/stat", "r");
	long ticks = sysconf(_SC_CLK_TCK);
	double busy = -1;
	double t[8];

	if (!file)
		return -1;
	if (ticks > 0 &&
	    fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1],
		   &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) == 8)
		busy = (t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) /
		       (double)ticks;
	fclose(file);
	return busy;
}

struct machine_times machine_look(void)
{
	return (struct machine_times){
		.busy = busy_seconds(),
		.own = seconds(CLOCK_PROCESS_CPUTIME_ID),
		.now = seconds(CLOCK_MONOTONIC),
	};
}

double machine_others(const struct machine_times *begin,
		      const struct machine_times *end)
{
	double others = (end->busy - begin->busy) - (end->own - begin->own);
	double wall = end->now - begin->now;

	if (begin->busy < 0 || end->busy < 0 || wall <= 0)
		return -1;
	return others > 0 ? others / wall : 0;
}
