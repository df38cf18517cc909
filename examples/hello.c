/* SPDX-License-Identifier: MIT */
/* hello.c: the library in ten lines. */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL); /* over malloc */
	porter_allocator *a = porter_tracked_allocator(t);
	void *block = porter_allocate(a, 1024);
	int64_t leaked;

	printf("in use: %" PRId64 " bytes\n", porter_bytes_used(t));
	porter_free(a, block, 1024);
	printf("in use: %" PRId64 " bytes\n", porter_bytes_used(t));
	porter_tracked_destroy(t, &leaked);
	return leaked == 0 ? 0 : 1;
}
