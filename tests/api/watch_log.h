/* SPDX-License-Identifier: MIT */
/*
 * watch_log.h: a watch whose callback writes down what it is told.
 */
#ifndef TESTS_WATCH_LOG_H
#define TESTS_WATCH_LOG_H

#include "life/life.h"

#include <portermem/portermem.h>

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { HIGH = 100000, LOW = 40000 };

enum { MS = 1000000 };

/* ---- What is told is written down ---- */

enum { MOST = 64 };

struct log {
	porter_tracked *t;
	int watch;
	pthread_mutex_t adding; /* it is called before its number is known */
	sem_t told;
	int count;
	struct porter_watch_event events[MOST];
	uint64_t times[MOST];
	void (*then)(struct log *log);
	sem_t go;
	atomic_bool over;
	int other;
};

static inline uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static inline void write_down(porter_tracked *t, int watch,
			      const struct porter_watch_event *event,
			      void *context)
{
	struct log *log = context;
	int n = log->count++;

	pthread_mutex_lock(&log->adding);
	pthread_mutex_unlock(&log->adding);
	must(n < MOST && t == log->t && watch == log->watch);
	must(event->size == sizeof(*event));
	log->times[n] = now();
	log->events[n] = *event;
	if (log->then)
		log->then(log);
	atomic_store(&log->over, true);
	sem_post(&log->told);
}

static inline void add_to(struct log *log, uint64_t interval)
{
	struct porter_watch w = {
		.size = sizeof(w),
		.high = HIGH,
		.low = LOW,
		.min_interval = interval,
		.callback = write_down,
		.context = log,
	};

	pthread_mutex_lock(&log->adding);
	log->watch = porter_watch_add(log->t, &w);
	pthread_mutex_unlock(&log->adding);
	must(log->watch >= 0);
}

static inline void begin(struct log *log, void (*then)(struct log *log),
			 uint64_t interval)
{
	memset(log, 0, sizeof(*log));
	log->t = porter_tracked_new(NULL);
	log->then = then;
	pthread_mutex_init(&log->adding, NULL);
	sem_init(&log->told, 0, 0);
	sem_init(&log->go, 0, 0);
	must(log->t);
	add_to(log, interval);
}

static inline bool waits(sem_t *sem)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	while (sem_timedwait(sem, &until) != 0)
		if (errno != EINTR)
			return false;
	return true;
}

static inline void wait_told(struct log *log)
{
	if (!waits(&log->told))
		fail_msg("nothing was told for a minute");
}

static inline void *up(struct log *log)
{
	return porter_allocate(porter_tracked_allocator(log->t), HIGH);
}

static inline void down(struct log *log, void *block)
{
	porter_free(porter_tracked_allocator(log->t), block, HIGH);
}

static inline int threads_of_the_library(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	must(dir);
	while ((e = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 e->d_name);
		file = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (file && fgets(name, sizeof(name), file))
			n += strcmp(name, "porter-watch\n") == 0;
		if (file)
			fclose(file);
	}
	closedir(dir);
	return n;
}

/* It has left its lists before it is gone. */
static inline void wait_for_threads(int n)
{
	for (int i = 0; i < 60000 && threads_of_the_library() != n; i++)
		pause_for(1000);
	assert_int_equal(threads_of_the_library(), n);
}

static inline void end(struct log *log)
{
	assert_int_equal(left_at_destroy(log->t), 0);
	wait_for_threads(0);
}

#endif /* TESTS_WATCH_LOG_H */
