/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-jansson.h>
#include <stdio.h>

/* In main(), before the program uses jansson. */
porter_tracked *count_jansson(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	if (t && porter_jansson_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_jansson_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
