/* SPDX-License-Identifier: MIT */
/*
 * cjson.c: cJSON's two hooks on a tracked allocator.
 */
#include <portermem/adapt-cjson.h>

#include "6-adapt/thunks.h"

#include <cJSON.h>

int porter_cjson_install(porter_tracked *t)
{
	cJSON_Hooks hooks = {
		.malloc_fn = thunk_malloc,
		.free_fn = thunk_free,
	};

	if (bind_tracker(t) != 0)
		return -1;
	cJSON_InitHooks(&hooks);
	return 0;
}
