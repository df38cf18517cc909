/* SPDX-License-Identifier: MIT */
/*
 * curl.c: libcurl's hooks on a tracked allocator.
 *
 * libcurl says that all is well, and goes on with the functions it has, when
 * it was initialized already. So it is asked for a small block, and a tracker
 * of the moment tells whether the block came through here.
 */
#include <portermem/adapt-curl.h>

#include "6-adapt/thunks.h"

#include <curl/curl.h>
#include <curl/mprintf.h>

/* 1, 0, or -1 with errno. */
static int allocates_here(void)
{
	porter_tracked *bound = tracker;
	int64_t bytes;
	char *text;

	tracker = porter_tracked_new(NULL);
	if (!tracker) {
		tracker = bound;
		return -1;
	}
	text = curl_maprintf("%s", "portermem");
	bytes = porter_bytes_used(tracker);
	curl_free(text);
	porter_tracked_destroy(tracker, NULL);
	tracker = bound;
	if (!text)
		errno = ENOMEM;
	return text ? bytes > 0 : -1;
}

int porter_curl_install(porter_tracked *t)
{
	int here;

	if (bind_tracker(t) != 0)
		return -1;
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, thunk_malloc, thunk_free,
				 thunk_realloc, thunk_strdup,
				 thunk_calloc) != CURLE_OK) {
		errno = ENOMEM; /* bound all the same: libcurl has the thunks */
		return -1;
	}
	here = allocates_here();
	if (here == 1)
		return 0;
	curl_global_cleanup();
	if (here == 0)
		return unbind_tracker(EBUSY);
	errno = ENOMEM; /* bound: libcurl may have the thunks */
	return -1;
}
