/* SPDX-License-Identifier: MIT */
/*
 * jansson.c: jansson's two hooks on a tracked allocator.
 */
#include <portermem/adapt-jansson.h>

#include "6-adapt/thunks.h"

#include <jansson.h>
#include <stdlib.h>

int porter_jansson_install(porter_tracked *t)
{
	json_malloc_t allocate;
	json_free_t release;

	json_get_alloc_funcs(&allocate, &release);
	if (t && (allocate != malloc || release != free)) {
		errno = EBUSY;
		return -1;
	}
	if (bind_tracker(t) != 0)
		return -1;
	json_set_alloc_funcs(thunk_malloc, thunk_free);
	return 0;
}
