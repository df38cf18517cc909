/* SPDX-License-Identifier: MIT */
/*
 * database.h: one private in-memory database and the statements that fill it.
 */
#ifndef INGEST_DATABASE_H
#define INGEST_DATABASE_H

#include "text.h"

#include <sqlite3.h>

struct database {
	sqlite3 *handle;
	sqlite3_stmt *begin;
	sqlite3_stmt *commit;
	sqlite3_stmt *insert_record;
	sqlite3_stmt *insert_field;
};

/* All return 0, or -1 after a message on standard error. */
int database_open(struct database *db);
int database_begin(struct database *db);
int database_insert(struct database *db, const struct row *row);
int database_commit(struct database *db);

/* How many fields are in it, and how many bytes its pages have; -1: error. */
int64_t database_fields(struct database *db);
int64_t database_bytes(struct database *db);

/* Closes what was opened, also after a failure. */
void database_close(struct database *db);

#endif /* INGEST_DATABASE_H */
