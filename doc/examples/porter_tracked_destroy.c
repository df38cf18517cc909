/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

/* Returns the number of bytes that leaked, or -1. */
int64_t destroy(porter_tracked *t)
{
	int64_t leaked;

	if (porter_tracked_destroy(t, &leaked) != 0) {
		perror("porter_tracked_destroy"); /* it has children */
		return -1;
	}
	if (leaked != 0)
		fprintf(stderr, "leaked: %" PRId64 " bytes\n", leaked);
	return leaked;
}

int main(void)
{
	porter_allocator *below = porter_backend("system");
	porter_tracked *t = porter_tracked_new(below);
	void *block = porter_allocate(porter_tracked_allocator(t), 100);
	int failed = destroy(t) != 100;

	/* The tracker is gone. Its underlying allocator can free the block. */
	porter_free(below, block, 100);
	return failed;
}
