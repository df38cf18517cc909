/* SPDX-License-Identifier: MIT */
/*
 * sqlite.c: SQLite's allocation methods on a tracked allocator.
 *
 * SQLite's methods carry no pointer of ours, so one tracker is bound to them.
 * SQLite counts what xSize says of each block. With its statistics on, it has
 * xRoundup make each size a multiple of 8 before it asks; with them off, only those
 * of blocks to be resized. So all are rounded here, and the tracker's number does
 * not depend on the statistics.
 */
#include <portermem/adapt-sqlite.h>

#include <sqlite3.h>

static porter_tracked *tracker;

static int round_up(int size)
{
	return (size + 7) & ~7;
}

static void *allocate(int size)
{
	return porter_malloc(tracker, (size_t)round_up(size));
}

static void release(void *ptr)
{
	porter_mfree(tracker, ptr);
}

static void *reallocate(void *ptr, int size)
{
	return porter_realloc(tracker, ptr, (size_t)round_up(size));
}

static int size_of(void *ptr)
{
	return (int)porter_msize(tracker, ptr);
}

static int initialize(void *data)
{
	(void)data;
	return SQLITE_OK;
}

static void shut_down(void *data)
{
	(void)data;
}

int porter_sqlite_install(porter_tracked *t)
{
	static sqlite3_mem_methods methods = {
		.xMalloc = allocate,
		.xFree = release,
		.xRealloc = reallocate,
		.xSize = size_of,
		.xRoundup = round_up,
		.xInit = initialize,
		.xShutdown = shut_down,
	};

	if (!t) {
		errno = EINVAL;
		return -1;
	}
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
		errno = EBUSY;
		return -1;
	}
	tracker = t;
	return 0;
}
