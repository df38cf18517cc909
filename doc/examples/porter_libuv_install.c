/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-libuv.h>
#include <stdio.h>

/* In main(), before the program uses libuv. */
porter_tracked *count_libuv(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	if (t && porter_libuv_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_libuv_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
