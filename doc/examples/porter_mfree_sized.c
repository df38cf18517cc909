/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>

static porter_tracked *tracker;

/* For a library that frees some blocks with their size, and others without. */
void my_free(void *ptr)
{
	porter_mfree(tracker, ptr);
}

void my_free_sized(void *ptr, size_t size)
{
	porter_mfree_sized(tracker, ptr, size);
}

int main(void)
{
	tracker = porter_tracked_new(NULL);
	my_free_sized(porter_malloc(tracker, 100), 100);
	my_free(porter_malloc(tracker, 50));
	return porter_tracked_destroy(tracker, NULL);
}
