/* SPDX-License-Identifier: MIT */
/*
 * workers.c: threads that do what they are told; see workers.h.
 */
#include "unit/workers.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

/* ---- Threads ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

enum { NO_POINT = -1 };

struct worker {
	pthread_t thread;
	/* ---- under the mutex ---- */
	void (*job)(void *arg); /* NULL: it is done */
	void *arg;
	bool dismissed;
	int stops_at; /* a test point, or NO_POINT */
	bool stopped;
};

static _Thread_local struct worker *me;

/* The threads that wait here are not there in a child of fork(). */
static void begin_anew(void)
{
	mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

__attribute__((constructor)) static void on_load(void)
{
	must(pthread_atfork(NULL, NULL, begin_anew) == 0);
}

static void *work(void *worker)
{
	me = worker;
	pthread_mutex_lock(&mutex);
	for (;;) {
		while (!me->job && !me->dismissed)
			pthread_cond_wait(&changed, &mutex);
		if (!me->job)
			break;
		pthread_mutex_unlock(&mutex);
		me->job(me->arg);
		pthread_mutex_lock(&mutex);
		me->job = NULL;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

struct worker *hire(void)
{
	struct worker *who = calloc(1, sizeof(*who));

	must(who);
	who->stops_at = NO_POINT;
	must(pthread_create(&who->thread, NULL, work, who) == 0);
	return who;
}

void dismiss(struct worker *who)
{
	pthread_mutex_lock(&mutex);
	who->dismissed = true;
	who->stops_at = NO_POINT;
	who->stopped = false; /* A test has failed meanwhile. */
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	must(pthread_join(who->thread, NULL) == 0);
	free(who);
}

struct worker *w[MAX_WORKERS];
static int hired;

void hire_so_many(int n)
{
	while (hired < n)
		w[hired++] = hire();
}

int begin_test(void **state)
{
	(void)state;
	look_at_points();
	return 0;
}

int end_test(void **state)
{
	(void)state;
	look_no_more();
	while (hired > 0)
		dismiss(w[--hired]);
	return 0;
}

void begin_job(struct worker *who, void (*job)(void *arg), void *arg)
{
	pthread_mutex_lock(&mutex);
	must(!who->job);
	who->arg = arg;
	who->job = job;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

bool is_done(struct worker *who)
{
	bool done;

	pthread_mutex_lock(&mutex);
	done = !who->job;
	pthread_mutex_unlock(&mutex);
	return done;
}

void wait_for(struct worker *who)
{
	pthread_mutex_lock(&mutex);
	while (who->job)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

void let(struct worker *who, void (*job)(void *arg), void *arg)
{
	begin_job(who, job, arg);
	wait_for(who);
}

/* ---- Test points ---- */

enum { POINTS = SHARED_CELLS_ADDED + 1 };

static struct {
	unsigned came[POINTS]; /* all under the mutex */
	void (*call[POINTS])(void);
} points;

static void stop_here(void)
{
	me->stops_at = NO_POINT;
	me->stopped = true;
	pthread_cond_broadcast(&changed);
	while (me->stopped)
		pthread_cond_wait(&changed, &mutex);
}

static void at_point(enum test_point point)
{
	void (*call)(void);

	pthread_mutex_lock(&mutex);
	points.came[point]++;
	call = points.call[point];
	points.call[point] = NULL;
	if (me && me->stops_at == (int)point)
		stop_here();
	pthread_mutex_unlock(&mutex);
	if (call)
		call();
}

void look_at_points(void)
{
	memset(&points, 0, sizeof(points));
	porter__test_point = at_point;
}

void look_no_more(void)
{
	porter__test_point = NULL;
}

unsigned came_to(enum test_point point)
{
	unsigned came;

	pthread_mutex_lock(&mutex);
	came = points.came[point];
	pthread_mutex_unlock(&mutex);
	return came;
}

void stop_at(struct worker *who, enum test_point point)
{
	pthread_mutex_lock(&mutex);
	who->stops_at = (int)point;
	pthread_mutex_unlock(&mutex);
}

void wait_until_stopped(struct worker *who)
{
	pthread_mutex_lock(&mutex);
	while (!who->stopped)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

void go_on(struct worker *who)
{
	pthread_mutex_lock(&mutex);
	must(who->stopped);
	who->stopped = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

void call_at(enum test_point point, void (*f)(void))
{
	pthread_mutex_lock(&mutex);
	points.call[point] = f;
	pthread_mutex_unlock(&mutex);
}

void give_time(void)
{
	for (int i = 0; i < 1000; i++)
		sched_yield();
}
