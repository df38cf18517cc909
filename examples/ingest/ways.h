/* SPDX-License-Identifier: MIT */
/*
 * ways.h: the ways of knowing how much memory SQLite holds.
 *
 * SQLite has one allocator in a process, and it is chosen while SQLite is
 * shut down; so the ways are tried one after the other.
 */
#ifndef INGEST_WAYS_H
#define INGEST_WAYS_H

#include <portermem/tracked.h>

enum way {
	WAY_NONE,   /* SQLite's own allocator, its statistics off */
	WAY_OWN,    /* SQLite's own allocator, its statistics on */
	WAY_PORTER, /* a tracked allocator, SQLite's statistics off */
	WAYS_TIMED,
	WAY_BOTH = WAYS_TIMED, /* a tracked allocator and SQLite's statistics */
};

enum { UNKNOWN = -1 };

/* Bytes in use as each side tells it; UNKNOWN where nobody counts. */
struct held {
	int64_t own;
	int64_t porter;
};

const char *way_name(enum way way);

/* Once, before anything else: keeps SQLite's own allocator for later. */
int ways_begin(void);

/* Shuts SQLite down and starts it anew in this way. tracker is used by the
   last two. 0, or -1 after a message on standard error. */
int way_enter(enum way way, porter_tracked *tracker);
void way_leave(void);

struct held way_held(enum way way, const porter_tracked *tracker);

/* The number that this way is about. */
int64_t way_bytes(const struct held *held);

#endif /* INGEST_WAYS_H */
