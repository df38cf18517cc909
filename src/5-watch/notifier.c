/* SPDX-License-Identifier: MIT */
/*
 * notifier.c: one thread, which runs callbacks and waits for intervals to end.
 *
 * It is there while a watch wants it. Nothing is held while a callback runs, so
 * that it may do anything; what it does to its own watch or tracker is seen
 * when it has returned, as `running` is NULL then.
 *
 * A child of fork() has no notifier, unless the fork was a callback's. Nothing
 * says in the child that a thread is needed until something is to be told, and
 * most children never come to that; so the first operation there looks whether
 * something is, whatever the watermarks are, and starts the thread then.
 */
#include "5-watch/notifier.h"

#include "0-machine/fork.h"
#include "0-machine/lock-order.h"
#include "5-watch/crossing.h"

#include <time.h>

static const uint64_t SECOND = 1000000000;
static const uint64_t RETRY = 10000000; /* 10 ms */

#define d porter__delivery

/* ---- Time ---- */

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static uint64_t later(uint64_t time, uint64_t interval)
{
	return interval < UINT64_MAX - time ? time + interval : UINT64_MAX;
}

/* An hour at most, since time_t may be short: then it looks again. */
static void wait_until(uint64_t due, uint64_t time)
{
	uint64_t hour = later(time, 3600 * SECOND);
	struct timespec until;

	if (due > hour)
		due = hour;
	until.tv_sec = (time_t)(due / SECOND);
	until.tv_nsec = (long)(due % SECOND);
	pthread_cond_timedwait(&d.bell, &d.lock.mutex, &until);
}

/* ---- Telling ---- */

static void call(struct watch *w, struct watching_saved *saved)
{
	struct porter_watch_event event = last_crossing(w);
	porter_on_crossing callback = w->callback;
	porter_tracked *t = w->account->owner;
	int number = w->number;
	void *context = w->context;

	event.suppressed = event.crossing - w->called - 1;
	d.called_before = w->called;
	w->called = event.crossing;
	d.running = w;
	d.running_for = t;
	porter__watching_unlock(saved);
	if (porter__locks_held() != 0)
		porter__panic("watch", "a lock is held in a callback");
	callback(t, number, &event, context);
	porter__watching_lock(saved);
	d.running = NULL;
	d.running_for = NULL;
	pthread_cond_broadcast(&d.over);
}

static void tell(struct watch *w, uint64_t time, struct watching_saved *saved)
{
	bool fresh = w->callback && w->called != load_relaxed(&w->crossings);

	porter__watch_unwait(w);
	if (w->ending)
		return;
	if (w->min_interval)
		fresh |= porter__watch_signal(w);
	if (!fresh)
		return;
	w->due = later(time, w->min_interval);
	if (w->callback && w->called != load_relaxed(&w->crossings))
		call(w, saved);
}

/* The oldest that is due; or NULL, and when the next one will be. */
static struct watch *who_is_due(uint64_t time, uint64_t *next)
{
	*next = UINT64_MAX;
	for (struct watch *w = d.waiting; w; w = w->next_waiting) {
		if (w->due <= time)
			return w;
		if (w->due < *next)
			*next = w->due;
	}
	return NULL;
}

static void *serve(void *unused)
{
	struct watching_saved saved;

	(void)unused;
	pthread_setname_np(pthread_self(), "porter-watch");
	porter__unblock_faults();
	porter__watching_lock(&saved);
	d.thread = pthread_self();
	d.serving = true;
	porter__crossing_served(true);
	while (d.users) {
		uint64_t time = now(), next;
		struct watch *w;

		porter__deliver_crossed();
		w = who_is_due(time, &next);
		if (w)
			tell(w, time, &saved);
		else
			wait_until(next, time);
	}
	d.started = d.serving = false;
	porter__crossing_served(false);
	porter__watching_unlock(&saved);
	return NULL;
}

/* ---- Starting and ending ---- */

/* With signals blocked, which it inherits. */
static bool start(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t saved;
	int error;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	porter__block_signals(&saved);
	error = pthread_create(&thread, &attributes, serve, NULL);
	porter__restore_signals(&saved);
	pthread_attr_destroy(&attributes);
	return !error;
}

/* pthread_create() may call malloc, and so the program: not with the lock. */
static bool start_unless_started(void)
{
	struct watching_saved saved;
	bool mine, good;

	porter__watching_lock(&saved);
	mine = d.users && !d.started;
	d.started |= mine;
	porter__watching_unlock(&saved);
	good = !mine || start();
	if (good)
		return true;
	porter__watching_lock(&saved);
	d.started = false;
	d.not_before = later(now(), RETRY);
	porter__watching_unlock(&saved);
	return false;
}

/* With the lock, while nobody waits. */
static void make_bell(void)
{
	pthread_condattr_t monotonic;

	d.has_bell = true;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&d.bell, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int porter__notifier_join(void)
{
	struct watching_saved saved;

	porter__watching_lock(&saved);
	if (!d.has_bell)
		make_bell();
	d.users++;
	porter__watching_unlock(&saved);
	if (start_unless_started())
		return 0;
	porter__watching_lock(&saved);
	d.users--;
	porter__watching_unlock(&saved);
	errno = EAGAIN;
	return -1;
}

void porter__notifier_leave(void)
{
	if (--d.users == 0)
		pthread_cond_signal(&d.bell);
}

bool porter__is_notifier(void)
{
	return d.serving && pthread_equal(d.thread, pthread_self());
}

bool porter__notifier_is_missing(void)
{
	return d.waiting && !d.started && now() >= d.not_before;
}

/* When it fails, an operation tries again, a while later: see crossing.c. */
void porter__notifier_revive(void)
{
	start_unless_started();
}

/* ---- Forking ---- */

/*
 * What the child does to an eventfd must not be seen by the parent. Where none is
 * to be had, porter_watch_fd() tries again.
 */
static void make_own_fd(struct watch *w)
{
	unsigned now_readable = w->noted != w->crossings && !w->is_waiting;

	porter__own_file_replace(&w->file, now_readable);
}

/*
 * All locks are free again, and there is one thread. What was about to be told
 * may never be; so the next operation is made to look.
 */
static void in_child(void)
{
	struct watching_saved saved;

	porter__watching_lock(&saved);
	if (d.has_bell)
		make_bell();
	pthread_cond_init(&d.over, NULL);
	if (!porter__is_notifier()) {
		if (d.running) { /* Its callback has ended with its thread. */
			d.running->called = d.called_before;
			porter__watch_wait(d.running);
		}
		d.started = d.serving = false;
		d.not_before = 0;
		porter__crossing_served(false);
		d.running = NULL;
		d.running_for = NULL;
	}
	for (size_t i = 0; i < porter__pool_count(&porter__watches); i++) {
		struct watch *w = porter__pool_at(&porter__watches, i);

		if (!w->account)
			continue;
		make_own_fd(w);
		porter__crossing_after_fork(w);
	}
	porter__watching_unlock(&saved);
}

FORK_HOLD(hold_watching, .lock = &d.lock);
FORK_HOLD(hold_watches, .lock = &porter__watches.lock);
FORK_HOLD(when_all_are_free, .rank = RANK_LAST, .child = in_child);
