/* SPDX-License-Identifier: MIT */
/*
 * plugin.c: a plugin that brings the library along, and counts with it.
 */
#include <portermem/portermem.h>

#define EXPORTED __attribute__((visibility("default")))

void *plugin_allocate(unsigned long size);
void plugin_free(void *block, unsigned long size);
long long plugin_bytes(void);
long long plugin_allocations(void);

EXPORTED void *plugin_allocate(unsigned long size)
{
	return porter_allocate(porter_get_allocator(), size);
}

EXPORTED void plugin_free(void *block, unsigned long size)
{
	porter_free(porter_get_allocator(), block, size);
}

EXPORTED long long plugin_bytes(void)
{
	return porter_bytes_used(porter_tracked_cast(porter_get_allocator()));
}

EXPORTED long long plugin_allocations(void)
{
	struct porter_stats stats = { .size = sizeof(stats) };

	porter_tracked_stats(porter_tracked_cast(porter_get_allocator()),
			     &stats);
	return (long long)stats.allocations;
}
