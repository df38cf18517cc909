/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <errno.h>
#include <stdio.h>

int main(void)
{
	/* Limits what the program allocates through its default allocator. */
	porter_allocator *a = porter_get_allocator();
	porter_tracked *process = porter_tracked_cast(a);
	void *block;

	if (!process || porter_tracked_set_limit(process, 1 << 20) != 0)
		return 1;
	block = porter_allocate(a, 2 << 20);
	if (!block && errno == ENOMEM)
		printf("refused: the limit is %lld bytes\n",
		       (long long)porter_tracked_limit(process));
	return block != NULL;
}
