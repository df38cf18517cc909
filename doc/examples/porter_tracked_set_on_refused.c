/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>

struct cache {
	porter_tracked *tracker;
	void *entry[16];
	int entries;
};

/* Frees one entry; returns 0 when there is none. */
static int drop_one(void *context)
{
	struct cache *c = context;

	if (c->entries == 0)
		return 0;
	porter_free(porter_tracked_allocator(c->tracker),
		    c->entry[--c->entries], 1000);
	return 1;
}

/* Makes room for all of size: the library tries once more, and not again. */
static int make_room(porter_tracked *t, size_t size, void *context)
{
	struct porter_refusal why = PORTER_REFUSAL_INIT;
	struct cache *c = context;
	int64_t target;

	(void)t;
	if (porter_last_refusal(&why) != 0 || size > (uint64_t)why.limit)
		return 0; /* more than the limit: no room can be made */
	target = why.limit - (int64_t)size;
	return porter_tracked_trim(c->tracker, target, drop_one, c) <= target;
}

int main(void)
{
	struct cache c = { porter_tracked_new(NULL), { NULL }, 0 };
	porter_allocator *a = porter_tracked_allocator(c.tracker);
	void *block;

	porter_tracked_set_limit(c.tracker, 4000);
	porter_tracked_set_on_refused(c.tracker, make_room, &c);
	while (c.entries < 4)
		c.entry[c.entries++] = porter_allocate(a, 1000);
	block = porter_allocate(a, 2500); /* drops three of the entries */
	if (!block || c.entries != 1)
		return 1;
	porter_free(a, block, 2500);
	while (drop_one(&c))
		;
	return porter_tracked_destroy(c.tracker, NULL);
}
