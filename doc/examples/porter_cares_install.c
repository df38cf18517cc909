/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-cares.h>
#include <stdio.h>

/* In main(), before the program uses c-ares. */
porter_tracked *count_cares(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	if (t && porter_cares_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_cares_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
