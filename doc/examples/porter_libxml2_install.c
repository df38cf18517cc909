/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-libxml2.h>
#include <stdio.h>

/* In main(), before the program uses libxml2. */
porter_tracked *count_libxml2(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	if (t && porter_libxml2_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_libxml2_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
