/* SPDX-License-Identifier: MIT */
/*
 * kinds.c: trackers of all kinds, for tests that hold for each of them. Apart
 * from support.c, so that a test that needs no tracker links none.
 */
#define WITHOUT_KINDS
#include "support.h"

#include <string.h>

static porter_tracked *grandparent_of_all(void)
{
	static porter_tracked *made;
	struct porter_tracked_options o = { .size = sizeof(o) };

	if (!made) {
		o.parent = porter_tracked_new_with(NULL, &o);
		o.limit = INT64_MAX / 2;
		made = porter_tracked_new_with(NULL, &o);
	}
	return made;
}

porter_tracked *tracker_of_kind(porter_allocator *underlying)
{
	const char *kind = getenv("PORTER_TEST_KIND");
	struct porter_tracked_options o = { .size = sizeof(o) };

	if (!kind)
		return porter_tracked_new(underlying);
	if (strcmp(kind, "bounded") == 0)
		o.limit = INT64_MAX - 1;
	else
		must(strcmp(kind, "child") == 0);
	if (!o.limit)
		o.parent = grandparent_of_all();
	return porter_tracked_new_with(underlying, &o);
}
