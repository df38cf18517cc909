/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

static int print_child(porter_tracked *child, void *context)
{
	(void)context;
	printf("%-10s %10" PRId64 "\n", porter_tracked_name(child),
	       porter_bytes_used(child));
	return 0; /* go on */
}

int main(void)
{
	porter_tracked *all = porter_tracked_new(NULL);
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *cache, *sessions;

	o.parent = all;
	o.name = "cache";
	cache = porter_tracked_new_with(NULL, &o);
	o.name = "sessions";
	sessions = porter_tracked_new_with(NULL, &o);
	porter_tracked_foreach_child(all, print_child, NULL);
	return porter_tracked_destroy(cache, NULL) != 0 ||
	       porter_tracked_destroy(sessions, NULL) != 0 ||
	       porter_tracked_destroy(all, NULL) != 0;
}
