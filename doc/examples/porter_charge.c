/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <portermem/portermem.h>
#include <sys/mman.h>

/* Maps memory that counts in a tracker; NULL: refused, or there is none. */
void *map_counted(porter_tracked *t, size_t size)
{
	void *map;

	if (porter_charge(t, size) != 0)
		return NULL;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map != MAP_FAILED)
		return map;
	porter_refund(t, size);
	return NULL;
}

void *remap_counted(porter_tracked *t, void *map, size_t old, size_t size)
{
	void *moved;

	if (porter_charge_resize(t, old, size) != 0)
		return NULL;
	moved = mremap(map, old, size, MREMAP_MAYMOVE);
	if (moved != MAP_FAILED)
		return moved;
	porter_charge_resize(t, size, old);
	return NULL;
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	void *map = map_counted(t, 8192);
	void *larger = map ? remap_counted(t, map, 8192, 65536) : NULL;
	int failed = !larger || porter_bytes_used(t) != 65536;

	if (larger) {
		munmap(larger, 65536);
		porter_refund(t, 65536);
	}
	return porter_tracked_destroy(t, NULL) != 0 || failed;
}
