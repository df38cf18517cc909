/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <stdint.h>

int main(void)
{
	porter_allocator *a = porter_get_allocator();
	void *lines = porter_allocate_aligned(a, 640, 64);
	void *more;

	if (!lines || (uintptr_t)lines % 64 != 0)
		return 1;
	more = porter_reallocate_aligned(a, lines, 640, 1280, 64);
	if (more)
		porter_free_aligned(a, more, 1280, 64);
	else
		porter_free_aligned(a, lines, 640, 64);
	return 0;
}
