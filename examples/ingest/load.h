/* SPDX-License-Identifier: MIT */
/*
 * load.h: one run: threads that fill their databases, all at once.
 */
#ifndef INGEST_LOAD_H
#define INGEST_LOAD_H

#include "text.h"
#include "ways.h"

enum { QUIET_MOMENTS = 12 }; /* the most of one run */

struct job {
	const struct text *text;
	int threads;
	int64_t rows;	/* of each thread */
	bool live_line; /* progress on one line that is written over */
};

/*
 * What a run measured. A quiet moment is one in which no thread touches
 * SQLite, so that both sides must give the same number: ten while the tables
 * grow (only with both on), one at the end of the load, one after all
 * databases were closed.
 */
struct measured {
	double seconds;
	struct held quiet[QUIET_MOMENTS];
	int moments;
	struct held loaded;
	struct held closed;
	int64_t database_bytes; /* pages of all databases at the end */
	uint64_t allocations;	/* as the tracker counted, or 0 */
	int64_t left;		/* what destroying the tracker said, or 0 */
};

/* title heads the progress. 0, or -1 after a message on standard error. */
int load_run(const struct job *job, enum way way, const char *title,
	     struct measured *out);

#endif /* INGEST_LOAD_H */
