/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>

int main(void)
{
	porter_tracked *t = porter_tracked_new(porter_backend("system"));
	porter_allocator *before, *a;
	void *block;

	before = porter_set_allocator(porter_tracked_allocator(t));
	if (!before)
		return 1;
	a = porter_get_allocator();
	block = porter_allocate(a, 100);
	/* A block is freed with the allocator that it came from. */
	porter_free(a, block, 100);
	porter_set_allocator(before);
	return porter_tracked_destroy(t, NULL);
}
