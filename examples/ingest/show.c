/* SPDX-License-Identifier: MIT */
/*
 * show.c: numbers with separators, a progress line, a table.
 */
#include "show.h"

#include <portermem/version.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_ROOM = 32 };

struct number {
	char text[NUMBER_ROOM];
};

/* 1234567 as "1,234,567"; UNKNOWN as "not known". */
static struct number grouped(int64_t value)
{
	struct number n;
	char digits[24];
	size_t count;
	size_t at = 0;

	if (value == UNKNOWN) {
		snprintf(n.text, sizeof(n.text), "not known");
		return n;
	}
	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	count = strlen(digits);
	for (size_t i = 0; i < count; i++) {
		size_t left = count - i;

		if (i > 0 && left % 3 == 0 && digits[i - 1] != '-')
			n.text[at++] = ',';
		n.text[at++] = digits[i];
	}
	n.text[at] = '\0';
	return n;
}

static double mib(int64_t bytes)
{
	return (double)bytes / (1024.0 * 1024.0);
}

/* ---- Progress ---- */

void show_progress(const struct job *job, const char *title, int64_t rows,
		   int64_t bytes)
{
	int64_t all = job->rows * job->threads;
	char live[48];

	if (bytes == UNKNOWN)
		snprintf(live, sizeof(live), "bytes not known");
	else
		snprintf(live, sizeof(live), "%.1f MiB live", mib(bytes));
	fprintf(stderr, "%s  %-36s %11s rows  %3d %%  %-18s%s",
		job->live_line ? "\r" : "", title, grouped(rows).text,
		(int)(100 * rows / all), live, job->live_line ? "" : "\n");
	fflush(stderr);
}

void show_progress_end(const struct job *job)
{
	if (job->live_line)
		fprintf(stderr, "\r%79s\r", "");
}

/* ---- The table ---- */

void show_head(const struct job *job, const char *path, int rounds)
{
	printf("portermem %s under SQLite %s\n", porter_version_string(),
	       sqlite3_libversion());
	printf("%s: %s lines, read again as often as needed\n", path,
	       grouped((int64_t)job->text->lines).text);
	printf("%d thread%s, each with its private in-memory database; "
	       "%s rows each; %d round%s, ways interleaved\n\n",
	       job->threads, job->threads == 1 ? "" : "s",
	       grouped(job->rows).text, rounds, rounds == 1 ? "" : "s");
	fflush(stdout);
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(const struct series *s)
{
	int middle = s->runs / 2;

	if (s->runs % 2)
		return s->rates[middle];
	return (s->rates[middle - 1] + s->rates[middle]) / 2;
}

static void show_way(enum way way, const struct series *s, double base)
{
	printf("%-24s %10s %10s %10s %8.2f %14s %12s\n", way_name(way),
	       grouped((int64_t)median(s)).text,
	       grouped((int64_t)s->rates[0]).text,
	       grouped((int64_t)s->rates[s->runs - 1]).text, median(s) / base,
	       grouped(way_bytes(&s->last.loaded)).text,
	       grouped(way_bytes(&s->last.closed)).text);
}

void show_table(const struct job *job, struct series series[WAYS_TIMED])
{
	const struct measured *porter = &series[WAY_PORTER].last;
	double base, own, ours;

	for (int way = 0; way < WAYS_TIMED; way++)
		qsort(series[way].rates, (size_t)series[way].runs,
		      sizeof(*series[way].rates), compare);
	base = median(&series[WAY_NONE]);
	own = median(&series[WAY_OWN]);
	ours = median(&series[WAY_PORTER]);

	printf("%-24s %10s %10s %10s %8s %14s %12s\n", "", "rows/s", "rows/s",
	       "rows/s", "of no", "bytes held", "bytes after");
	printf("%-24s %10s %10s %10s %8s %14s %12s\n", "way", "median",
	       "lowest", "highest", "account.", "at end of load", "close");
	for (int way = 0; way < WAYS_TIMED; way++)
		show_way((enum way)way, &series[way], base);
	printf("\nportermem runs at %.2f of the speed without accounting, "
	       "and at %.2f times\nthe speed with SQLite's own statistics.\n",
	       ours / base, ours / own);
	printf("SQLite asked for memory %.2f times a row; the databases have "
	       "%s bytes of pages.\n",
	       (double)porter->allocations / ((double)job->rows * job->threads),
	       grouped(porter->database_bytes).text);
}

void show_others(double processors)
{
	if (processors >= 0.1)
		printf("Note: other programs kept %.1f processors busy "
		       "meanwhile. The ratios say little then:\nthreads that "
		       "seldom run at the same time seldom wait for each "
		       "other.\n",
		       processors);
}

/* ---- Both on ---- */

static void show_moment(const char *name, const struct held *held)
{
	printf("%-24s %14s %14s %12s\n", name, grouped(held->own).text,
	       grouped(held->porter).text,
	       grouped(held->porter - held->own).text);
}

bool show_agreement(const struct measured *both)
{
	int equal = 0;

	printf("\nportermem counts what was asked for; SQLite's own allocator "
	       "counts what malloc\ngave, which is a little more. With both "
	       "on, they count the same:\n\n");
	printf("%-24s %14s %14s %12s\n", "both on, bytes", "SQLite",
	       "portermem", "difference");
	for (int i = 0; i < both->moments; i++) {
		const struct held *held = &both->quiet[i];
		char name[64];

		snprintf(name, sizeof(name), "  load, part %d of %d", i + 1,
			 both->moments - 1);
		if (i == both->moments - 2)
			snprintf(name, sizeof(name), "  end of load");
		if (i == both->moments - 1)
			snprintf(name, sizeof(name), "  after close");
		show_moment(name, held);
		equal += held->own == held->porter;
	}
	printf("%s: the two numbers are equal to the byte at %d of %d moments "
	       "of rest.\n",
	       equal == both->moments ? "agree" : "DISAGREE", equal,
	       both->moments);
	return equal == both->moments;
}
