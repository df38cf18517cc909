/* SPDX-License-Identifier: MIT */
/*
 * show.h: what people see: progress while it runs, and a table at the end.
 */
#ifndef INGEST_SHOW_H
#define INGEST_SHOW_H

#include "load.h"

/* The runs of one way. */
struct series {
	double *rates; /* rows a second; sorted by show_table() */
	int runs;
	struct measured last;
};

/* On standard error. */
void show_progress(const struct job *job, const char *title, int64_t rows,
		   int64_t bytes);
void show_progress_end(const struct job *job);

/* On standard output. */
void show_head(const struct job *job, const char *path, int rounds);
void show_table(const struct job *job, struct series series[WAYS_TIMED]);

/* What else the machine did meanwhile: processors, negative if not known. */
void show_others(double processors);

/* Returns whether both sides agreed at every quiet moment. */
bool show_agreement(const struct measured *both);

#endif /* INGEST_SHOW_H */
