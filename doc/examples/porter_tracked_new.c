/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

int main(void)
{
	porter_tracked *cache = porter_tracked_new(NULL);
	porter_allocator *a;
	void *entry;
	int64_t leaked;

	if (!cache)
		return 1;
	a = porter_tracked_allocator(cache);
	entry = porter_allocate(a, 1024);
	printf("in use: %" PRId64 " bytes\n", porter_bytes_used(cache));
	porter_free(a, entry, 1024);
	if (porter_tracked_destroy(cache, &leaked) == 0 && leaked != 0)
		fprintf(stderr, "leaked: %" PRId64 " bytes\n", leaked);
	return leaked != 0;
}
