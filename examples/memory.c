/* SPDX-License-Identifier: MIT */
/*
 * memory.c: what the program asked for, beside what that takes.
 *
 * A cache is filled, and every second entry freed. What is tracked halves at
 * once. What is resident stays: the free pieces lie between others, in pages
 * that are still in use. Neither number is wrong, and neither tells the other.
 *
 * Usage: memory [MEGABYTES]	    default 64
 */
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY = 1024, MEGABYTE = 1 << 20, MOST = 4096 };

/* ---- The table ---- */

static void print_bytes(int64_t bytes)
{
	if (bytes < 0)
		printf(" %12s", "not known");
	else if (bytes == INT64_MAX)
		printf(" %12s", "no limit");
	else
		printf(" %8.1f MiB", (double)bytes / MEGABYTE);
}

static void print_pressure(int64_t hundredths)
{
	if (hundredths < 0)
		printf(" %12s\n", "not known");
	else
		printf(" %10.2f %%\n", (double)hundredths / 100);
}

static void print_line(const char *when, const porter_tracked *t)
{
	struct porter_process_usage memory = PORTER_PROCESS_USAGE_INIT;

	if (porter_process_memory(&memory) != 0)
		return; /* no bad luck comes to this: EINVAL alone */
	printf("%-20s", when);
	print_bytes(porter_bytes_used(t));
	print_bytes(memory.resident);
	print_bytes(memory.resident_peak);
	print_bytes(memory.cgroup_current);
	print_pressure(memory.pressure_some);
}

static void print_head(void)
{
	printf("%-20s %12s %12s %12s %12s %12s\n", "", "tracked", "resident",
	       "peak", "cgroup", "pressure");
}

static void print_limits(void)
{
	struct porter_process_usage memory = PORTER_PROCESS_USAGE_INIT;

	if (porter_process_memory(&memory) != 0)
		return;
	printf("\n%-20s", "limit of the cgroup");
	print_bytes(memory.cgroup_max);
	printf("\n%-20s", "slowed down from");
	print_bytes(memory.cgroup_high);
	printf("\n");
}

/* ---- The cache ---- */

/* Returns how many there was memory for. */
static size_t fill(porter_allocator *a, void **entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		entries[i] = porter_allocate(a, ENTRY);
		if (!entries[i])
			return i;
		memset(entries[i], 'x', ENTRY);
	}
	return n;
}

static void drop(porter_allocator *a, void **entries, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i += step) {
		porter_free(a, entries[i], ENTRY);
		entries[i] = NULL;
	}
}

static int show(porter_tracked *t, void **entries, size_t wanted)
{
	porter_allocator *a = porter_tracked_allocator(t);
	size_t n;

	print_head();
	print_line("at the start", t);
	n = fill(a, entries, wanted);
	print_line("cache filled", t);
	drop(a, entries, n, 2);
	print_line("every second freed", t);
	drop(a, entries, n, 1);
	porter_release_unused(a);
	print_line("all freed", t);
	print_limits();
	return n == wanted ? 0 : -1;
}

int main(int argc, char **argv)
{
	int megabytes = argc > 1 ? atoi(argv[1]) : 64;
	size_t n = (size_t)megabytes * (MEGABYTE / ENTRY);
	porter_tracked *t;
	void **entries;
	int64_t leaked;
	int result;

	if (argc > 2 || megabytes < 1 || megabytes > MOST) {
		fprintf(stderr, "Usage: memory [MEGABYTES]	(1 to %d)\n",
			MOST);
		return 2;
	}
	entries = calloc(n, sizeof(*entries));
	t = porter_tracked_new(NULL);
	if (!entries || !t) {
		perror("memory");
		return 1;
	}
	result = show(t, entries, n);
	free(entries);
	if (porter_tracked_destroy(t, &leaked) != 0 || leaked != 0)
		result = -1;
	return result == 0 ? 0 : 1;
}
