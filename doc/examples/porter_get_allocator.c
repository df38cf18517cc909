/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

int main(void)
{
	porter_allocator *a = porter_get_allocator();
	porter_tracked *process = porter_tracked_cast(a);
	void *block = porter_allocate(a, 100);

	if (process)
		printf("in use: %" PRId64 " bytes\n",
		       porter_bytes_used(process));
	porter_free(a, block, 100);
	porter_release_unused(a);
	return 0;
}
