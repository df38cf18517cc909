/* SPDX-License-Identifier: MIT */
/*
 * database.c: the tables, and the SQL around them.
 *
 * SQLITE_OPEN_NOMUTEX, since each thread keeps its connection to itself: so
 * the only locks that threads can meet at are those around SQLite's memory.
 * Where SQLite has lookaside, small short-lived blocks come from the connection
 * and no allocator sees them; Debian builds it without (OMIT_LOOKASIDE), so
 * there a row costs about six blocks. The last table says how many it was.
 */
#include "database.h"

#include <stdio.h>
#include <string.h>

static const char schema[] =
	"CREATE TABLE record(id INTEGER PRIMARY KEY, title TEXT);"
	"CREATE TABLE field(record INTEGER, name TEXT, value TEXT);"
	"CREATE INDEX field_by_name ON field(name);";

static int failed(struct database *db, const char *what)
{
	fprintf(stderr, "sqlite_ingest: %s: %s\n", what,
		db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
	return -1;
}

static int prepare(struct database *db, sqlite3_stmt **statement,
		   const char *sql)
{
	if (sqlite3_prepare_v2(db->handle, sql, -1, statement, NULL) !=
	    SQLITE_OK)
		return failed(db, "cannot prepare a statement");
	return 0;
}

int database_open(struct database *db)
{
	memset(db, 0, sizeof(*db));
	if (sqlite3_open_v2(":memory:", &db->handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return failed(db, "cannot open a database");
	if (sqlite3_exec(db->handle, schema, NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, "cannot make the tables");
	if (prepare(db, &db->begin, "BEGIN") != 0 ||
	    prepare(db, &db->commit, "COMMIT") != 0 ||
	    prepare(db, &db->insert_record,
		    "INSERT INTO record VALUES(?, ?)") != 0 ||
	    prepare(db, &db->insert_field,
		    "INSERT INTO field VALUES(?, ?, ?)") != 0)
		return -1;
	return 0;
}

static int run(struct database *db, sqlite3_stmt *statement, const char *what)
{
	sqlite3_step(statement);
	if (sqlite3_reset(statement) != SQLITE_OK)
		return failed(db, what);
	return 0;
}

/* SQLite copies the text, as it does for nearly all language bindings. */
static void bind(sqlite3_stmt *statement, int column, struct span span)
{
	sqlite3_bind_text(statement, column, span.start, span.size,
			  SQLITE_TRANSIENT);
}

int database_begin(struct database *db)
{
	return run(db, db->begin, "cannot begin a transaction");
}

int database_commit(struct database *db)
{
	return run(db, db->commit, "cannot commit a transaction");
}

int database_insert(struct database *db, const struct row *row)
{
	if (row->first) {
		sqlite3_bind_int64(db->insert_record, 1, row->record);
		bind(db->insert_record, 2, row->value);
		if (run(db, db->insert_record, "cannot insert a record") != 0)
			return -1;
	}
	sqlite3_bind_int64(db->insert_field, 1, row->record);
	bind(db->insert_field, 2, row->name);
	bind(db->insert_field, 3, row->value);
	return run(db, db->insert_field, "cannot insert a field");
}

static int64_t one_number(struct database *db, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number = -1;

	if (prepare(db, &statement, sql) != 0)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	if (sqlite3_finalize(statement) != SQLITE_OK)
		return failed(db, "cannot read a number");
	return number;
}

int64_t database_fields(struct database *db)
{
	return one_number(db, "SELECT count(*) FROM field");
}

int64_t database_bytes(struct database *db)
{
	int64_t pages = one_number(db, "PRAGMA page_count");
	int64_t size = one_number(db, "PRAGMA page_size");

	return pages < 0 || size < 0 ? -1 : pages * size;
}

void database_close(struct database *db)
{
	sqlite3_finalize(db->begin);
	sqlite3_finalize(db->commit);
	sqlite3_finalize(db->insert_record);
	sqlite3_finalize(db->insert_field);
	sqlite3_close(db->handle);
}
