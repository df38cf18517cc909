/* SPDX-License-Identifier: MIT */
/*
 * sqlite_ingest.c: a real program under a tracked allocator.
 *
 * Threads read a text file of this machine into private in-memory SQLite
 * databases, in three ways in turn: with nobody counting memory, with SQLite's
 * own statistics (a mutex around every allocation), and with portermem. The
 * ways are interleaved in rounds, so that what else the machine does falls on
 * all of them. A last run has SQLite and portermem both count, and compares.
 *
 *	sqlite_ingest.c		options, rounds, verdict
 *	ingest/ways		how SQLite is set up; porter_sqlite_install()
 *	ingest/load		one run: workers, and the host that watches
 *	ingest/...		text file, database, meeting point, display
 */
#include "ingest/load.h"
#include "ingest/machine.h"
#include "ingest/show.h"

#include <portermem/portermem.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	EXIT_WRONG = 1, /* numbers disagree, bytes are left, a run failed */
	EXIT_USAGE = 2, /* bad option, no such file */
};

struct options {
	const char *path;
	int threads;
	int rounds;
	int64_t rows;
};

static const struct options defaults = {
	.path = "/var/lib/dpkg/status",
	.threads = 2,
	.rounds = 7,
	.rows = 200000,
};

/* ---- Options ---- */

static void show_help(void)
{
	printf("Usage: sqlite_ingest [OPTION]... [FILE]\n"
	       "\n"
	       "Reads FILE (default %s) into in-memory SQLite databases,\n"
	       "one for each thread, and compares three ways of accounting for "
	       "their memory:\n"
	       "none, SQLite's own, and portermem.\n"
	       "\n"
	       "  -t, --threads N   threads, 1 to 1000 (default %d)\n"
	       "  -r, --rows N      rows that each thread inserts (default "
	       "%lld)\n"
	       "  -n, --rounds N    how often each way is run (default %d)\n"
	       "  -h, --help        this text\n"
	       "  -V, --version     which portermem this is\n"
	       "\n"
	       "Exit status: 0, all is well; 1, a run failed, the numbers "
	       "disagree or bytes were\n"
	       "left after all databases were closed; 2, a bad option or "
	       "file.\n",
	       defaults.path, defaults.threads, (long long)defaults.rows,
	       defaults.rounds);
}

/* The number, or -1 after a message. */
static int64_t number_in(const char *option, const char *text, int64_t most)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && value >= 1 &&
	    value <= most)
		return value;
	fprintf(stderr,
		"sqlite_ingest: --%s wants a number from 1 to %lld, not "
		"'%s'\n",
		option, (long long)most, text);
	return -1;
}

/* 0 to go on; else, the exit status is in *status. */
static int read_options(struct options *o, int argc, char **argv, int *status)
{
	static const struct option known[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "rows", required_argument, NULL, 'r' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*o = defaults;
	*status = EXIT_USAGE;
	while ((option = getopt_long(argc, argv, "t:r:n:hV", known, NULL)) !=
	       -1) {
		int64_t value = 0;

		switch (option) {
		case 't':
			value = number_in("threads", optarg, 1000);
			o->threads = (int)value;
			break;
		case 'r':
			value = number_in("rows", optarg, 1000000000);
			o->rows = value;
			break;
		case 'n':
			value = number_in("rounds", optarg, 1000);
			o->rounds = (int)value;
			break;
		case 'h':
			show_help();
			*status = EXIT_SUCCESS;
			return -1;
		case 'V':
			printf("sqlite_ingest (portermem) %s\n",
			       porter_version_string());
			*status = EXIT_SUCCESS;
			return -1;
		default:
			value = -1;
			break;
		}
		if (value < 0) {
			fprintf(stderr, "Try 'sqlite_ingest --help'.\n");
			return -1;
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, "sqlite_ingest: one file at a time, please\n");
		return -1;
	}
	if (optind < argc)
		o->path = argv[optind];
	return 0;
}

/* ---- Rounds ---- */

/* Whether the tracker and SQLite say that everything came back. */
static bool all_came_back(enum way way, const struct measured *m)
{
	int64_t closed = way_bytes(&m->closed);

	if (m->left == 0 && (closed == 0 || closed == UNKNOWN))
		return true;
	fprintf(stderr,
		"sqlite_ingest: %s: %lld bytes left after close, %lld after "
		"shutdown\n",
		way_name(way), (long long)closed, (long long)m->left);
	return false;
}

/* Each round begins with another way, so that none is always the first. */
static int run_rounds(const struct job *job, struct series *series, int rounds)
{
	struct measured warm_up;
	int result = 0;

	if (load_run(job, WAY_NONE, "warming up", &warm_up) != 0)
		return -1;
	for (int i = 0; i < rounds * WAYS_TIMED; i++) {
		int round = i / WAYS_TIMED;
		enum way way = (enum way)((i + round) % WAYS_TIMED);
		struct series *s = &series[way];
		char title[64];

		snprintf(title, sizeof(title), "%d/%d %s", round + 1, rounds,
			 way_name(way));
		if (load_run(job, way, title, &s->last) != 0)
			return -1;
		if (!all_came_back(way, &s->last))
			result = -1;
		s->rates[s->runs++] =
			(double)job->rows * job->threads / s->last.seconds;
	}
	return result;
}

/* A run with both on. */
static int compare_numbers(const struct job *job)
{
	struct measured both;
	bool agree, empty;

	if (load_run(job, WAY_BOTH, way_name(WAY_BOTH), &both) != 0)
		return -1;
	agree = show_agreement(&both);
	empty = all_came_back(WAY_BOTH, &both);
	return agree && empty ? 0 : -1;
}

static int compare_ways(const struct job *job, int rounds)
{
	struct series series[WAYS_TIMED] = { 0 };
	struct machine_times begin, end;
	double *rates = calloc((size_t)rounds * WAYS_TIMED, sizeof(*rates));
	int result;

	if (!rates) {
		fprintf(stderr, "sqlite_ingest: out of memory\n");
		return -1;
	}
	for (int way = 0; way < WAYS_TIMED; way++)
		series[way].rates = rates + way * rounds;
	begin = machine_look();
	result = run_rounds(job, series, rounds);
	end = machine_look();
	if (series[WAY_NONE].runs == rounds && series[WAY_OWN].runs == rounds &&
	    series[WAY_PORTER].runs == rounds) {
		show_table(job, series);
		show_others(machine_others(&begin, &end));
		if (compare_numbers(job) != 0)
			result = -1;
	}
	free(rates);
	return result;
}

int main(int argc, char **argv)
{
	struct options options;
	struct text text;
	struct job job;
	int status;

	if (read_options(&options, argc, argv, &status) != 0)
		return status;
	if (text_read(&text, options.path) != 0)
		return EXIT_USAGE;
	job = (struct job){
		.text = &text,
		.threads = options.threads,
		.rows = options.rows,
		.live_line = isatty(STDERR_FILENO) != 0,
	};
	show_head(&job, options.path, options.rounds);
	status = EXIT_SUCCESS;
	if (ways_begin() != 0 || compare_ways(&job, options.rounds) != 0)
		status = EXIT_WRONG;
	text_free(&text);
	return status;
}
