/* SPDX-License-Identifier: MIT */
/*
 * adapt-sqlite.h: SQLite's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-sqlite sqlite3)
 *
 * porter_bytes_used() equals sqlite3_memory_used() to the byte, when nothing else
 * uses the tracker. What counts are sizes rounded up to a multiple of 8, as SQLite
 * itself counts them.
 *
 * SQLite's own statistics take a process-wide mutex at every allocation. They may be
 * switched off, SQLITE_CONFIG_MEMSTATUS with 0: the tracker then gives the number
 * that sqlite3_memory_used() would have given. SQLite's high-water mark and its heap
 * limits go with its statistics, so a program that needs them leaves those on.
 */
#ifndef PORTER_ADAPT_SQLITE_H
#define PORTER_ADAPT_SQLITE_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_sqlite_install - let SQLite allocate through a tracker
 * @t: the tracker
 *
 * Call it before sqlite3_initialize(), which the first sqlite3_open() calls,
 * or after sqlite3_shutdown(). One tracker serves the whole process: SQLite
 * has one allocator.
 *
 * Ownership: @t stays the caller's. The methods stay installed, also after
 * sqlite3_shutdown(). @t must exist until SQLite is no longer used, or until another
 * tracker is installed after sqlite3_shutdown().
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @t is NULL; EBUSY, SQLite is initialized already.
 * Threads: not safe, as sqlite3_config() is not. Signals: not safe.
 */
int porter_sqlite_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_SQLITE_H */
