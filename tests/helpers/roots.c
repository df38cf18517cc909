/* SPDX-License-Identifier: MIT */
/*
 * A program for check-leaks.sh, which compiles it with AddressSanitizer. What it
 * has from malloc, only trackers and watches point to, which lie in pages that the
 * library has mapped:
 *
 *	keep	the trackers live to the end: nothing is leaked
 *	drop	the trackers are destroyed, the watch of another is removed: all
 *		that they pointed to is leaked
 */
#include <portermem/portermem.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TRACKERS = 100 };

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	(void)self, (void)alignment;
	return malloc(size ? size : 1);
}

static void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
			size_t new_size, size_t alignment)
{
	(void)self, (void)old_size, (void)alignment;
	return realloc(ptr, new_size);
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	(void)self, (void)size, (void)alignment;
	free(ptr);
}

static const struct porter_allocator_vtable table = {
	.size = sizeof(table),
	.name = "own",
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
};

static int refuse(porter_tracked *t, size_t size, void *context)
{
	(void)t, (void)size, (void)context;
	return 0;
}

static void cross(porter_tracked *t, int watch,
		  const struct porter_watch_event *event, void *context)
{
	(void)t, (void)watch, (void)event, (void)context;
}

/* Hidden from LeakSanitizer: the library alone points to what is in them. */
static uintptr_t trackers[TRACKERS], watched;

static porter_tracked *tracker(uintptr_t hidden)
{
	return (porter_tracked *)~hidden;
}

static void must(int condition)
{
	if (!condition)
		abort();
}

static int add_watch(porter_tracked *t)
{
	struct porter_watch w = PORTER_WATCH_INIT;

	w.high = 1000;
	w.callback = cross;
	w.context = malloc(30);
	return porter_watch_add(t, &w);
}

static void make(porter_tracked *parent, int i)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_allocator *own = malloc(sizeof(*own));
	porter_tracked *t;

	must(own != NULL);
	own->vtable = &table;
	o.limit = 1 << 20;
	o.parent = parent;
	o.on_refused = refuse;
	o.refused_context = malloc(20);
	t = porter_tracked_new_with(own, &o);
	must(t && add_watch(t) >= 0);
	trackers[i] = ~(uintptr_t)t;
}

static void set_up(void)
{
	porter_tracked *parent = porter_tracked_new(NULL);

	must(parent != NULL);
	watched = ~(uintptr_t)parent;
	for (int i = 0; i < TRACKERS; i++)
		make(i % 2 ? parent : NULL, i);
}

static void drop(void)
{
	int watch = add_watch(tracker(watched));

	must(porter_watch_remove(tracker(watched), watch) == 0);
	for (int i = 0; i < TRACKERS; i++)
		must(porter_tracked_destroy(tracker(trackers[i]), NULL) == 0);
}

/* Pointers that are left on the stack would count. */
static __attribute__((noinline)) void wipe(void)
{
	volatile char bytes[65536];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

static __attribute__((noinline)) void run(void (*part)(void))
{
	part();
}

int main(int argc, char **argv)
{
	run(set_up);
	if (argc > 1 && strcmp(argv[1], "drop") == 0)
		run(drop);
	wipe();
	return 0;
}
