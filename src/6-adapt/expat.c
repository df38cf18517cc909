/* SPDX-License-Identifier: MIT */
/*
 * expat.c: expat's memory handling suite on a tracked allocator.
 *
 * Each parser takes a suite when it is made; the suite's functions carry no
 * pointer of ours, so there is one, of one tracker.
 */
#include <portermem/adapt-expat.h>

#include "6-adapt/thunks.h"

int porter_expat_install(porter_tracked *t)
{
	return bind_tracker(t);
}

const XML_Memory_Handling_Suite *porter_expat_memory(void)
{
	static const XML_Memory_Handling_Suite suite = {
		.malloc_fcn = thunk_malloc,
		.realloc_fcn = thunk_realloc,
		.free_fcn = thunk_free,
	};

	return tracker ? &suite : NULL;
}
