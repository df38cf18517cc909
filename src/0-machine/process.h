/* SPDX-License-Identifier: MIT */
/*
 * process.h: porter_process_memory() with other roots, for tests.
 */
#ifndef PORTER_MACHINE_PROCESS_H
#define PORTER_MACHINE_PROCESS_H

#include <portermem/process.h>

/*
 * proc stands for "/proc". cgroups stands for "/sys/fs/cgroup", which is where
 * cgroup v2 is taken to be when <proc>/thread-self/mountinfo cannot be opened;
 * otherwise that file says where it is.
 */
int porter__process_memory(struct porter_process_usage *out, const char *proc,
			   const char *cgroups);

#endif /* PORTER_MACHINE_PROCESS_H */
