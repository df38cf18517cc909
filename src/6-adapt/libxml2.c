/* SPDX-License-Identifier: MIT */
/*
 * libxml2.c: libxml2's hooks on a tracked allocator.
 */
#include <portermem/adapt-libxml2.h>

#include "6-adapt/thunks.h"

#include <libxml/xmlmemory.h>
#include <stdlib.h>

/* Whether libxml2 is still on the functions that it begins with. */
static int is_on_malloc(void)
{
	xmlMallocFunc allocate;
	xmlReallocFunc reallocate;
	xmlStrdupFunc duplicate;
	xmlFreeFunc release;

	return xmlMemGet(&release, &allocate, &reallocate, &duplicate) == 0 &&
	       allocate == malloc && reallocate == realloc && release == free;
}

int porter_libxml2_install(porter_tracked *t)
{
	if (t && !is_on_malloc()) {
		errno = EBUSY;
		return -1;
	}
	if (bind_tracker(t) != 0)
		return -1;
	if (xmlMemSetup(thunk_free, thunk_malloc, thunk_realloc,
			thunk_strdup) != 0)
		return unbind_tracker(EBUSY);
	return 0;
}
