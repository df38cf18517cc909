/* SPDX-License-Identifier: MIT */
/*
 * process.h: what the kernel says about the memory of the whole process.
 *
 * A tracker knows what the program asked for. The kernel knows what that
 * takes: pages that are there, what they are in the cgroup, and how scarce
 * memory is. The two are meant to be shown side by side:
 *
 *	porter_bytes_used()	   what the program holds
 *	porter_process_memory()    what holding it costs
 *
 * The difference is what no tracker sees: code, stacks, what is not tracked,
 * and what the allocators keep for themselves or cannot give back.
 */
#ifndef PORTER_PROCESS_H
#define PORTER_PROCESS_H

#include <portermem/export.h>

#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

/*
 * The memory of the process, in bytes. -1 stands for what is not there or not
 * known. The caller sets size to sizeof(struct porter_process_usage) before
 * the call, or begins with PORTER_PROCESS_USAGE_INIT, so that the struct can
 * grow.
 *
 * resident         pages of the process that are in memory, shared ones
 *                  included; not quite exact
 * resident_peak    the most that resident has been since exec or fork
 * cgroup_current   what the cgroup holds: its processes and their page cache
 * cgroup_max       the limit at which the kernel ends processes; INT64_MAX is
 *                  no limit
 * cgroup_high      the limit at which the kernel slows them down and reclaims;
 *                  INT64_MAX is no limit
 * pressure_some    the part of the last 10 seconds in which some task waited
 *                  for memory, in hundredths of a percent
 * pressure_full    the part in which all that could have run waited, likewise
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

/* The struct with its size set, to be filled. */
#define PORTER_PROCESS_USAGE_INIT                                        \
	{                                                                \
		sizeof(struct porter_process_usage), 0, 0, 0, 0, 0, 0, 0 \
	}

/**
 * porter_process_memory - what the kernel says about the process' memory
 * @out: filled; out->size says how large the caller's struct is
 *
 * resident and resident_peak are VmRSS and VmHWM of /proc/thread-self/status,
 * of one moment. The kernel keeps them in parts and adds those up roughly: up
 * to Linux 6.1 each thread may hold back 64 pages; since then each processor
 * may, and on a machine with hundreds of them that can be tens of megabytes.
 * The exact number, Rss of /proc/self/smaps_rollup, takes a walk over all
 * pages of the process with its memory map locked: milliseconds for each
 * gigabyte. That is too dear for a number to be looked at often, so it is not
 * read. The peak suffers more than resident: the kernel notes it roughly, so
 * it may be a little less than what resident once was.
 *
 * The cgroup numbers are those of cgroup v2. cgroup_current is that of the
 * process' cgroup, or of the nearest one above it for which the kernel
 * accounts memory. A limit of any cgroup above binds as well, so cgroup_max
 * and cgroup_high are the least of all, up to the root that the process can
 * see: in a container that is often the container's own. What is limited
 * further above stays unseen. Where memory is in the hands of cgroup v1, the
 * three are -1.
 *
 * The pressure is that of the process' cgroup or, where there is none, of the
 * whole machine.
 *
 * Nothing is allocated; it takes some 10 kB of the stack. Files in /proc and
 * of the cgroups are opened, read and closed, one after the other, some 100
 * microseconds in all: call it as often as people look, not at each
 * allocation. A part whose file is missing, cannot be opened, for want of
 * file descriptors too, or makes no sense is -1, and so are the parts of a
 * cgroup whose path has more than 2,000 characters. What the caller's struct
 * has beyond what the library knows is set to 0.
 *
 * Return: 0, or -1 with errno and @out unchanged.
 * Errors: EINVAL, @out is NULL or out->size is less than that of the first
 * version of the struct.
 * Threads: safe; takes no lock of the library, is no cancellation point.
 * Signals: safe.
 */
int porter_process_memory(struct porter_process_usage *out);

PORTER_END_DECLS

#endif /* PORTER_PROCESS_H */
