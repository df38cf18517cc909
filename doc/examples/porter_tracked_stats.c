/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

void print_stats(const porter_tracked *t)
{
	struct porter_stats s = PORTER_STATS_INIT;

	if (porter_tracked_stats(t, &s) != 0)
		return;
	printf("%" PRId64 " bytes in %" PRIu64 " blocks, %" PRIu64
	       " refusals\n",
	       s.bytes_used, s.allocations - s.frees, s.refusals);
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	void *block = porter_allocate(porter_tracked_allocator(t), 100);

	print_stats(t);
	porter_free(porter_tracked_allocator(t), block, 100);
	return porter_tracked_destroy(t, NULL);
}
