/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	char *text, *larger;

	text = porter_allocate(a, 6);
	if (!text)
		return 1;
	strcpy(text, "Hello");
	larger = porter_reallocate(a, text, 6, 100);
	if (!larger) {
		/* text is still valid, and 6 bytes large */
		porter_free(a, text, 6);
		return 1;
	}
	strcat(larger, ", world");
	puts(larger);
	porter_free(a, larger, 100);
	return porter_tracked_destroy(t, NULL);
}
