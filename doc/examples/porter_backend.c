/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <stdio.h>

int main(void)
{
	porter_allocator *below = porter_backend("jemalloc");
	porter_tracked *t;

	if (!below)
		below = porter_backend("system");
	t = porter_tracked_new(below);
	if (!t)
		return 1;
	printf("allocating from %s\n", below->vtable->name);
	return porter_tracked_destroy(t, NULL);
}
