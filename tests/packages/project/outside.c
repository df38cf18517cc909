/* SPDX-License-Identifier: MIT */
/* A program outside, of somebody who has installed the library. */
#include <portermem/portermem.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	porter_allocator *a = porter_get_allocator();
	porter_tracked *t = porter_tracked_cast(a);
	void *x = porter_allocate_aligned(a, 1024, 64);
	porter_counter *c = porter_counter_new();

	porter_counter_add(c, 3);
	if (!x || porter_bytes_used(t) != 1024 || porter_counter_sum(c) != 3)
		return 1;
	porter_free_aligned(a, x, 1024, 64);
	porter_counter_destroy(c);
	if (strcmp(porter_version_string(), PORTER_VERSION_STRING) != 0)
		return 2;
	return porter_bytes_used(t) == 0 ? 0 : 3;
}
