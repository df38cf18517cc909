/* SPDX-License-Identifier: MIT */
/*
 * process.h: the memory of the whole process, as the kernel reports it.
 *
 * A tracker counts the bytes that the program requested. The kernel counts the
 * pages that are in memory and the use of the cgroup, and it measures the memory
 * pressure. A program can show both side by side:
 *
 *	porter_bytes_used()	   the bytes that the program holds
 *	porter_process_memory()    the memory that the process takes
 *
 * The difference consists of code, stacks, memory that no tracker counts, and
 * memory that the allocators keep or cannot return to the system.
 */
#ifndef PORTER_PROCESS_H
#define PORTER_PROCESS_H

#include <portermem/export.h>

#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

/**
 * porter_process_usage - the memory of the process, in bytes
 *
 * A value of -1 means that the number is missing or unknown. Initialize the
 * struct with PORTER_PROCESS_USAGE_INIT, which sets size.
 *
 * size             sizeof(struct porter_process_usage)
 * resident         pages of the process that are in memory, including shared
 *                  pages; an approximation
 * resident_peak    the largest value of resident since exec or fork
 * cgroup_current   memory of the cgroup: its processes and their page cache
 * cgroup_max       the limit at which the kernel kills processes; INT64_MAX: no
 *                  limit
 * cgroup_high      the limit at which the kernel slows processes down and reclaims
 *                  memory; INT64_MAX: no limit
 * pressure_some    the part of the last 10 seconds in which at least one task
 *                  waited for memory, in hundredths of a percent
 * pressure_full    the part of the last 10 seconds in which all tasks waited for
 *                  memory, in hundredths of a percent
 */
struct porter_process_usage {
	size_t size;
	int64_t resident;
	int64_t resident_peak;
	int64_t cgroup_current;
	int64_t cgroup_max;
	int64_t cgroup_high;
	int64_t pressure_some;
	int64_t pressure_full;
};

/* Initializes the struct: sets its size. */
#define PORTER_PROCESS_USAGE_INIT                                        \
	{                                                                \
		sizeof(struct porter_process_usage), 0, 0, 0, 0, 0, 0, 0 \
	}

/**
 * porter_process_memory - get the memory of the process from the kernel
 * @out: the struct to fill; out->size is the size of the caller's struct
 *
 * resident and resident_peak are VmRSS and VmHWM of /proc/thread-self/status,
 * read at one time. The kernel keeps them in parts and adds the parts up
 * approximately. Up to Linux 6.1 each thread can hold back 64 pages. Since then
 * each processor can, which may be tens of megabytes on a machine with hundreds
 * of processors. The exact number is Rss of /proc/self/smaps_rollup. The kernel
 * computes it by walking over all pages of the process with the memory map
 * locked, which takes milliseconds for each gigabyte; this function does not read
 * it. resident_peak is less accurate than resident: it can be somewhat below an
 * earlier value of resident.
 *
 * The cgroup numbers are those of cgroup v2. cgroup_current belongs to the cgroup
 * of the process, or to the nearest cgroup above it for which the kernel accounts
 * memory. The limits of all cgroups above apply as well. So cgroup_max and
 * cgroup_high are the smallest of these limits, up to the root that the process
 * can see. In a container that root is often the cgroup of the container, and
 * limits above it are not visible. If cgroup v1 controls memory, the three numbers
 * are -1.
 *
 * The pressure numbers belong to the cgroup of the process or, if it has none, to
 * the whole machine.
 *
 * The function allocates nothing and needs about 10 kB of stack. It opens, reads
 * and closes some files of /proc and of the cgroups, which takes about 100
 * microseconds. Call it when somebody looks at the numbers, not at each
 * allocation. A number is -1 if its file is missing, cannot be opened (for lack of
 * file descriptors, for example) or cannot be parsed, or if the path of the cgroup
 * has more than 2,000 characters. Members of the caller's struct that the library
 * does not know are set to 0.
 *
 * Return: 0; or -1 with errno set, and @out is unchanged.
 * Errors: EINVAL, @out is NULL or out->size is less than the size of the first
 * version of the struct.
 * Threads: safe; takes no lock of the library and is not a cancellation point.
 * Signals: safe.
 */
int porter_process_memory(struct porter_process_usage *out);

PORTER_END_DECLS

#endif /* PORTER_PROCESS_H */
