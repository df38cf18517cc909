/* SPDX-License-Identifier: MIT */
/*
 * ways.c: sets SQLite up in each of the ways.
 */
#include "ways.h"

#include <portermem/adapt-sqlite.h>

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static sqlite3_mem_methods own_allocator;

const char *way_name(enum way way)
{
	switch (way) {
	case WAY_NONE:
		return "no accounting";
	case WAY_OWN:
		return "SQLite's own statistics";
	case WAY_PORTER:
		return "portermem";
	default:
		return "both on";
	}
}

static bool counts_own(enum way way)
{
	return way == WAY_OWN || way == WAY_BOTH;
}

static bool counts_porter(enum way way)
{
	return way == WAY_PORTER || way == WAY_BOTH;
}

static int checked(const char *what, int code)
{
	if (code == SQLITE_OK)
		return 0;
	fprintf(stderr, "sqlite_ingest: %s: %s\n", what, sqlite3_errstr(code));
	return -1;
}

int ways_begin(void)
{
	if (!sqlite3_threadsafe()) {
		fprintf(stderr,
			"sqlite_ingest: this SQLite was built without threads\n");
		return -1;
	}
	return checked("SQLITE_CONFIG_GETMALLOC",
		       sqlite3_config(SQLITE_CONFIG_GETMALLOC, &own_allocator));
}

int way_enter(enum way way, porter_tracked *tracker)
{
	way_leave();
	if (checked("SQLITE_CONFIG_MEMSTATUS",
		    sqlite3_config(SQLITE_CONFIG_MEMSTATUS,
				   (int)counts_own(way))) != 0)
		return -1;
	if (!counts_porter(way)) {
		if (checked("SQLITE_CONFIG_MALLOC",
			    sqlite3_config(SQLITE_CONFIG_MALLOC,
					   &own_allocator)) != 0)
			return -1;
	} else if (porter_sqlite_install(tracker) != 0) {
		fprintf(stderr, "sqlite_ingest: porter_sqlite_install: %s\n",
			strerror(errno));
		return -1;
	}
	return checked("sqlite3_initialize", sqlite3_initialize());
}

void way_leave(void)
{
	sqlite3_shutdown();
}

struct held way_held(enum way way, const porter_tracked *tracker)
{
	return (struct held){
		.own = counts_own(way) ? sqlite3_memory_used() : UNKNOWN,
		.porter = counts_porter(way) ? porter_bytes_used(tracker) :
					       UNKNOWN,
	};
}

int64_t way_bytes(const struct held *held)
{
	return held->porter != UNKNOWN ? held->porter : held->own;
}
