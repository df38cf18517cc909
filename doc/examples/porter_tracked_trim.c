/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>

struct cache {
	porter_tracked *tracker;
	void *entry[100];
	int entries;
};

/* Frees one entry; returns 0 when there is none. */
static int evict(void *context)
{
	struct cache *c = context;

	if (c->entries == 0)
		return 0;
	porter_free(porter_tracked_allocator(c->tracker),
		    c->entry[--c->entries], 1000);
	return 1;
}

int main(void)
{
	struct cache c = { porter_tracked_new(NULL), { NULL }, 0 };
	porter_allocator *a = porter_tracked_allocator(c.tracker);
	int64_t charged;

	while (c.entries < 100)
		c.entry[c.entries++] = porter_allocate(a, 1000);
	charged = porter_tracked_trim(c.tracker, 30000, evict, &c);
	if (charged > 30000)
		return 1;
	porter_tracked_trim(c.tracker, 0, evict, &c);
	return porter_tracked_destroy(c.tracker, NULL);
}
