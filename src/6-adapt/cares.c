/* SPDX-License-Identifier: MIT */
/*
 * cares.c: the hooks of c-ares on a tracked allocator.
 */
#include <portermem/adapt-cares.h>

#include "6-adapt/thunks.h"

#include <ares.h>

int porter_cares_install(porter_tracked *t)
{
	if (bind_tracker(t) != 0)
		return -1;
	if (ares_library_init_mem(ARES_LIB_INIT_ALL, thunk_malloc, thunk_free,
				  thunk_realloc) == ARES_SUCCESS)
		return 0;
	errno = ENOMEM; /* bound all the same: c-ares has the thunks */
	return -1;
}
