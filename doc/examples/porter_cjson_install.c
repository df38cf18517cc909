/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-cjson.h>
#include <stdio.h>

/* In main(), before the program uses cJSON. */
porter_tracked *count_cjson(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	if (t && porter_cjson_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_cjson_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
