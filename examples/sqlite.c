/* SPDX-License-Identifier: MIT */
/* sqlite.c: how much a database in memory holds; SQLite says the same. */
#include <portermem/adapt-sqlite.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-12s %8" PRId64 " %8lld\n", when, porter_bytes_used(t),
	       sqlite3_memory_used());
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	sqlite3 *db;
	int64_t leaked;

	/* The second column wants SQLite's own statistics; nothing else does */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1);
	if (!t || porter_sqlite_install(t) != 0) {
		perror("sqlite");
		return 1;
	}
	printf("%-12s %8s %8s\n", "", "bytes", "SQLite");
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		return 1;
	tell("open", t);
	if (sqlite3_exec(db,
			 "CREATE TABLE numbers AS WITH RECURSIVE n(i) AS "
			 "(VALUES(1) UNION ALL SELECT i + 1 FROM n "
			 "WHERE i < 10000) SELECT i FROM n",
			 NULL, NULL, NULL) != SQLITE_OK)
		return 1;
	tell("a table", t);
	sqlite3_close(db);
	sqlite3_shutdown();
	tell("shut down", t);
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
