/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>

struct cache {
	porter_tracked *tracker;
	void *entry[16];
	int entries;
};

/* Frees one entry. Returning 1 makes the library try the request again. */
static int drop_one(porter_tracked *t, size_t size, void *context)
{
	struct cache *c = context;

	(void)t;
	(void)size;
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
	void *block;

	porter_tracked_set_limit(c.tracker, 4000);
	porter_tracked_set_on_refused(c.tracker, drop_one, &c);
	while (c.entries < 4)
		c.entry[c.entries++] = porter_allocate(a, 1000);
	block = porter_allocate(a, 500); /* drops one of the entries */
	if (!block || c.entries != 3)
		return 1;
	porter_free(a, block, 500);
	while (drop_one(c.tracker, 0, &c))
		;
	return porter_tracked_destroy(c.tracker, NULL);
}
