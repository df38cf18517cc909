/* SPDX-License-Identifier: MIT */
/*
 * load.c: the workers, and the host that watches them.
 *
 *	worker   open | fill, with stops when both count | count | close
 *	host     ...  | watches, shows progress          | reads | reads
 *	              `-- the clock runs here --'
 *
 * At each | all meet; the host reads while everybody stands still.
 */
#include "load.h"
#include "database.h"
#include "meeting.h"
#include "show.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROWS_PER_TRANSACTION = 20, /* as many as one of a server's requests */
	STOPS = 10,		   /* while both count */
	LIVE_PAUSE = 200,	   /* milliseconds between two looks */
	LINE_PAUSE = 1000,
};

struct worker {
	_Alignas(64) _Atomic int64_t done; /* rows; read by the host */
	struct load *load;
	struct database db;
	struct text_reader reader;
	pthread_t thread;
	double finished; /* when the last row was in */
	int64_t database_bytes;
	bool failed;
};

struct load {
	const struct job *job;
	enum way way;
	const char *title;
	porter_tracked *tracker;
	struct meeting meeting;
	struct worker *workers;
	int started; /* how many workers there are */
	bool cancelled;
	double begun;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- A worker ---- */

static int fill_until(struct worker *w, int64_t rows)
{
	int64_t done = atomic_load_explicit(&w->done, memory_order_relaxed);

	while (done < rows) {
		int64_t stop = done + ROWS_PER_TRANSACTION;

		if (stop > rows)
			stop = rows;
		if (database_begin(&w->db) != 0)
			return -1;
		for (; done < stop; done++) {
			struct row row = text_next_row(&w->reader);

			if (database_insert(&w->db, &row) != 0)
				return -1;
		}
		if (database_commit(&w->db) != 0)
			return -1;
		atomic_store_explicit(&w->done, done, memory_order_relaxed);
	}
	return 0;
}

/* A worker that failed goes on to meet the others, and does nothing else. */
static void fill(struct worker *w)
{
	const struct job *job = w->load->job;

	if (w->load->way == WAY_BOTH) {
		for (int i = 1; i <= STOPS; i++) {
			int64_t part = job->rows / (STOPS + 1) * i;

			if (!w->failed)
				w->failed = fill_until(w, part) != 0;
			meeting_attend(&w->load->meeting);
		}
	}
	if (!w->failed)
		w->failed = fill_until(w, job->rows) != 0;
	w->finished = now();
}

static void check(struct worker *w)
{
	int64_t fields;

	if (w->failed)
		return;
	fields = database_fields(&w->db);
	w->database_bytes = database_bytes(&w->db);
	if (fields == w->load->job->rows && w->database_bytes >= 0)
		return;
	fprintf(stderr,
		"sqlite_ingest: a database holds %lld fields, not %lld\n",
		(long long)fields, (long long)w->load->job->rows);
	w->failed = true;
}

static void *work(void *argument)
{
	struct worker *w = argument;
	struct meeting *meeting = &w->load->meeting;

	w->failed = database_open(&w->db) != 0;
	meeting_attend(meeting);
	if (!w->load->cancelled) {
		fill(w);
		meeting_attend(meeting);
		check(w);
		meeting_attend(meeting);
	}
	database_close(&w->db);
	return NULL;
}

/* ---- The host ---- */

static void watch(struct load *load)
{
	struct held held = way_held(load->way, load->tracker);
	int64_t done = 0;

	for (int i = 0; i < load->started; i++)
		done += atomic_load_explicit(&load->workers[i].done,
					     memory_order_relaxed);
	show_progress(load->job, load->title, done, way_bytes(&held));
}

static void wait_for_all(struct load *load)
{
	int pause = load->job->live_line ? LIVE_PAUSE : LINE_PAUSE;

	while (!meeting_wait(&load->meeting, load->started, pause))
		watch(load);
}

static void take_quiet_moment(struct load *load, struct measured *out)
{
	struct held held = way_held(load->way, load->tracker);

	out->quiet[out->moments++] = held;
}

static void host(struct load *load, struct measured *out)
{
	struct meeting *meeting = &load->meeting;
	int stops = load->way == WAY_BOTH ? STOPS : 0;

	wait_for_all(load); /* open */
	load->begun = now();
	meeting_release(meeting);
	if (load->cancelled)
		return;
	for (int i = 0; i < stops; i++) {
		wait_for_all(load);
		take_quiet_moment(load, out);
		meeting_release(meeting);
	}
	wait_for_all(load); /* full */
	take_quiet_moment(load, out);
	out->loaded = out->quiet[out->moments - 1];
	watch(load);
	meeting_release(meeting);
	wait_for_all(load); /* checked */
	meeting_release(meeting);
}

static int start_workers(struct load *load)
{
	int error = 0;

	for (int i = 0; i < load->job->threads && !error; i++) {
		struct worker *w = &load->workers[i];

		w->load = load;
		text_rewind(&w->reader, load->job->text);
		error = pthread_create(&w->thread, NULL, work, w);
		load->started += !error;
	}
	if (error) {
		fprintf(stderr, "sqlite_ingest: cannot start a thread: %s\n",
			strerror(error));
		load->cancelled = true;
	}
	return error ? -1 : 0;
}

static int run_workers(struct load *load, struct measured *out)
{
	double finished = 0;
	int result = start_workers(load);

	if (load->started > 0)
		host(load, out);
	for (int i = 0; i < load->started; i++) {
		struct worker *w = &load->workers[i];

		pthread_join(w->thread, NULL);
		if (w->failed)
			result = -1;
		if (w->finished > finished)
			finished = w->finished;
		out->database_bytes += w->database_bytes;
	}
	show_progress_end(load->job);
	out->seconds = finished - load->begun;
	take_quiet_moment(load, out);
	out->closed = out->quiet[out->moments - 1];
	return result;
}

static int run_with_memory(struct load *load, struct measured *out)
{
	int result;

	if (meeting_init(&load->meeting) != 0) {
		fprintf(stderr, "sqlite_ingest: out of memory\n");
		return -1;
	}
	result = way_enter(load->way, load->tracker);
	if (result == 0)
		result = run_workers(load, out);
	way_leave();
	meeting_end(&load->meeting);
	return result;
}

static void take_stats(const struct load *load, struct measured *out)
{
	struct porter_stats stats = PORTER_STATS_INIT;

	if (load->way >= WAY_PORTER &&
	    porter_tracked_stats(load->tracker, &stats) == 0)
		out->allocations = stats.allocations + stats.reallocations;
}

int load_run(const struct job *job, enum way way, const char *title,
	     struct measured *out)
{
	struct load load = { .job = job, .way = way, .title = title };
	size_t bytes = (size_t)job->threads * sizeof(*load.workers);
	int result = -1;

	memset(out, 0, sizeof(*out));
	load.tracker = porter_tracked_new(NULL);
	load.workers = aligned_alloc(_Alignof(struct worker), bytes);
	if (load.tracker && load.workers) {
		memset(load.workers, 0, bytes);
		result = run_with_memory(&load, out);
		take_stats(&load, out);
	} else {
		fprintf(stderr, "sqlite_ingest: out of memory\n");
	}
	free(load.workers);
	porter_tracked_destroy(load.tracker, &out->left);
	return result;
}
