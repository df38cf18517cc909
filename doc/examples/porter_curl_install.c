/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-curl.h>
#include <stdio.h>

/* In main(), before the program uses libcurl. */
porter_tracked *count_curl(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	if (t && porter_curl_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_curl_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
