/* SPDX-License-Identifier: MIT */
/*
 * libuv.c: libuv's hooks on a tracked allocator.
 */
#include <portermem/adapt-libuv.h>

#include "6-adapt/thunks.h"

#include <uv.h>

int porter_libuv_install(porter_tracked *t)
{
	if (bind_tracker(t) != 0)
		return -1;
	if (uv_replace_allocator(thunk_malloc, thunk_realloc, thunk_calloc,
				 thunk_free) != 0)
		return unbind_tracker(EBUSY);
	return 0;
}
