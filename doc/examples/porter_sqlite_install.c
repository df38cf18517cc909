/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-sqlite.h>
#include <sqlite3.h>
#include <stdio.h>

/* In main(), before the program uses SQLite. */
porter_tracked *count_sqlite(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	/* Without this line SQLite counts as well, with a mutex. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (t && porter_sqlite_install(t) == 0)
		return t; /* exists as long as the process */
	perror("porter_sqlite_install");
	porter_tracked_destroy(t, NULL);
	return NULL;
}
