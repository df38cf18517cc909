/* SPDX-License-Identifier: MIT */
/*
 * Callbacks of watches: what they are told, by whom, and after which interval.
 */
#include "api/watch_log.h"

#include <signal.h>
#include <sys/select.h>

/* ---- What is told ---- */

static void each_crossing_is_told_once(void **state)
{
	struct log log;

	(void)state;
	begin(&log, NULL, 0);
	for (int i = 0; i < 20; i++) {
		void *block = up(&log);

		wait_told(&log);
		assert_int_equal(log.count, 2 * i + 1);
		assert_int_equal(log.events[2 * i].mark, PORTER_WATCH_HIGH);
		assert_int_equal(log.events[2 * i].bytes, HIGH);
		down(&log, block);
		wait_told(&log);
		assert_int_equal(log.count, 2 * i + 2);
		assert_int_equal(log.events[2 * i + 1].mark, PORTER_WATCH_LOW);
		assert_int_equal(log.events[2 * i + 1].bytes, 0);
		assert_int_equal(log.events[2 * i + 1].crossing, 2 * i + 2);
		assert_int_equal(log.events[2 * i + 1].suppressed, 0);
	}
	end(&log);
	assert_int_equal(log.count, 40);
}

static void signals_are_blocked(struct log *log)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	must(sigismember(&set, SIGINT) && sigismember(&set, SIGTERM) &&
	     sigismember(&set, SIGUSR1) && sigismember(&set, SIGCHLD));
	log->other = threads_of_the_library();
}

static void a_thread_is_there_while_it_is_wanted(void **state)
{
	struct porter_watch quiet = { .size = sizeof(quiet),
				      .high = HIGH,
				      .low = LOW };
	struct log log;
	void *block;

	(void)state;
	wait_for_threads(0);
	begin(&log, signals_are_blocked, 0);
	block = up(&log);
	wait_told(&log);
	assert_int_equal(log.other, 1);
	must(porter_watch_add(log.t, &quiet) >= 0);
	assert_int_equal(porter_watch_remove(log.t, log.watch), 0);
	wait_for_threads(0);
	down(&log, block);
	end(&log);
}

static void an_event_loop_is_told_beside(void **state)
{
	struct porter_watch_event e = { .size = sizeof(e) };
	struct log log;
	void *block;

	(void)state;
	begin(&log, NULL, 0);
	block = up(&log);
	wait_told(&log);
	assert_int_equal(porter_watch_read(log.t, log.watch, &e), 0);
	assert_int_equal(e.crossing, 1);
	down(&log, block);
	wait_told(&log);
	assert_int_equal(porter_watch_read(log.t, log.watch, &e), 0);
	assert_int_equal(e.crossing, 2);
	end(&log);
}

/* ---- Intervals ---- */

static void what_comes_too_soon_is_suppressed_and_the_last_told(void **state)
{
	const uint64_t interval = 200 * MS;
	struct log log;
	uint64_t first;
	void *block;

	(void)state;
	begin(&log, NULL, interval);
	first = now();
	block = up(&log);
	wait_told(&log);
	for (int i = 0; i < 5; i++) { /* All in a moment, as a rule. */
		down(&log, block);
		block = up(&log);
	}
	wait_told(&log);
	while (log.events[log.count - 1].crossing < 11)
		wait_told(&log);
	for (int i = 1; i < log.count; i++) {
		assert_int_equal(log.events[i].crossing,
				 log.events[i - 1].crossing + 1 +
					 log.events[i].suppressed);
		/* However late the one before was written down. */
		assert_true(log.times[i] >= first + (uint64_t)i * interval);
	}
	assert_int_equal(log.events[log.count - 1].mark, PORTER_WATCH_HIGH);
	down(&log, block);
	wait_told(&log);
	assert_int_equal(log.events[log.count - 1].crossing, 12);
	end(&log);
}

static void so_it_is_for_an_event_loop(void **state)
{
	struct porter_watch w = { .size = sizeof(w),
				  .high = HIGH,
				  .low = LOW,
				  .min_interval = 200 * MS };
	struct porter_watch_event e = { .size = sizeof(e) };
	struct log log = { .t = porter_tracked_new(NULL) };
	int watch = porter_watch_add(log.t, &w);
	int fd = porter_watch_fd(log.t, watch);
	struct timespec a_minute = { .tv_sec = 60 };
	fd_set set;
	uint64_t first = 0;
	void *block = NULL;

	(void)state;
	for (int round = 0; round < 2; round++) {
		FD_ZERO(&set);
		FD_SET(fd, &set);
		if (round == 0) {
			/* It is told after this, and again an interval later. */
			first = now();
			block = up(&log);
		}
		assert_int_equal(
			pselect(fd + 1, &set, NULL, NULL, &a_minute, NULL), 1);
		assert_int_equal(porter_watch_read(log.t, watch, &e), 0);
		if (round == 0) {
			assert_int_equal(e.crossing, 1);
			down(&log, block);
			block = up(&log);
			down(&log, block);
		}
	}
	assert_int_equal(e.crossing, 4);
	assert_int_equal(e.suppressed, 2);
	assert_true(now() - first >= 199 * MS);
	assert_int_equal(left_at_destroy(log.t), 0);
	wait_for_threads(0);
}

static void an_endless_interval_tells_once(void **state)
{
	struct log log;
	void *block;

	(void)state;
	begin(&log, NULL, UINT64_MAX);
	block = up(&log);
	wait_told(&log);
	down(&log, block);
	down(&log, up(&log));
	end(&log);
	assert_int_equal(log.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_crossing_is_told_once),
		cmocka_unit_test(a_thread_is_there_while_it_is_wanted),
		cmocka_unit_test(an_event_loop_is_told_beside),
		cmocka_unit_test(
			what_comes_too_soon_is_suppressed_and_the_last_told),
		cmocka_unit_test(so_it_is_for_an_event_loop),
		cmocka_unit_test(an_endless_interval_tells_once),
	};

	return run_all("watch_told", tests);
}
