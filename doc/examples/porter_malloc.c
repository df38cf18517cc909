/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <string.h>

static porter_tracked *tracker;

/* Functions for a library that wants malloc, realloc and free. */
void *my_malloc(size_t size)
{
	return porter_malloc(tracker, size);
}

void *my_realloc(void *ptr, size_t size)
{
	return porter_realloc(tracker, ptr, size);
}

void my_free(void *ptr)
{
	porter_mfree(tracker, ptr);
}

int main(void)
{
	char *text, *zeros;
	int failed;

	tracker = porter_tracked_new(NULL);
	text = my_realloc(my_malloc(10), 20);
	zeros = porter_calloc(tracker, 10, 8);
	failed = !text || !zeros || porter_msize(tracker, text) != 20 ||
		 porter_bytes_used(tracker) != 100;
	my_free(text);
	/* The same for a caller that knows the size. */
	porter_mfree_sized(tracker, zeros, 80);
	return porter_tracked_destroy(tracker, NULL) != 0 || failed;
}
