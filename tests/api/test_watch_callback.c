/* SPDX-License-Identifier: MIT */
/*
 * Callbacks of watches: what they are told, what they may do, when they end.
 */
#include "life/life.h"

#include <portermem/portermem.h>

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HIGH = 100000, LOW = 40000 };

static const uint64_t MS = 1000000;

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

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static void write_down(porter_tracked *t, int watch,
		       const struct porter_watch_event *event, void *context)
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

static void add_to(struct log *log, uint64_t interval)
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

static void begin(struct log *log, void (*then)(struct log *log),
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

static bool waits(sem_t *sem)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	while (sem_timedwait(sem, &until) != 0)
		if (errno != EINTR)
			return false;
	return true;
}

static void wait_told(struct log *log)
{
	if (!waits(&log->told))
		fail_msg("nothing was told for a minute");
}

static void *up(struct log *log)
{
	return porter_allocate(porter_tracked_allocator(log->t), HIGH);
}

static void down(struct log *log, void *block)
{
	porter_free(porter_tracked_allocator(log->t), block, HIGH);
}

static int threads_of_the_library(void)
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
static void wait_for_threads(int n)
{
	for (int i = 0; i < 60000 && threads_of_the_library() != n; i++)
		pause_for(1000);
	assert_int_equal(threads_of_the_library(), n);
}

static void end(struct log *log)
{
	assert_int_equal(porter_tracked_destroy(log->t), 0);
	wait_for_threads(0);
}

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
	void *block;

	(void)state;
	begin(&log, NULL, interval);
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
		assert_true(log.times[i] - log.times[i - 1] >=
			    interval - 1 * MS);
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
		if (round == 0)
			block = up(&log);
		assert_int_equal(
			pselect(fd + 1, &set, NULL, NULL, &a_minute, NULL), 1);
		assert_int_equal(porter_watch_read(log.t, watch, &e), 0);
		if (round == 0) {
			first = now();
			assert_int_equal(e.crossing, 1);
			down(&log, block);
			block = up(&log);
			down(&log, block);
		}
	}
	assert_int_equal(e.crossing, 4);
	assert_int_equal(e.suppressed, 2);
	assert_true(now() - first >= 150 * MS);
	assert_int_equal(porter_tracked_destroy(log.t), 0);
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

/* ---- What a callback may do ---- */

static void ignore(porter_tracked *t, int watch,
		   const struct porter_watch_event *event, void *context)
{
	(void)t;
	(void)watch;
	(void)event;
	(void)context;
}

static void do_everything(struct log *log)
{
	struct porter_watch w = { .size = sizeof(w),
				  .high = 10 * HIGH,
				  .low = LOW,
				  .callback = ignore };
	porter_allocator *a = porter_tracked_allocator(log->t);
	struct porter_watch_event e = { .size = sizeof(e) };
	void *block = porter_allocate(a, 100);
	int added;

	must(block);
	block = porter_reallocate(a, block, 100, 5000);
	must(porter_bytes_used(log->t) >= 5000);
	porter_free(a, block, 5000);
	added = porter_watch_add(log->t, &w);
	must(added >= 0 && porter_watch_fd(log->t, added) >= 0);
	must(porter_watch_read(log->t, added, &e) == -1);
	must(porter_watch_remove(log->t, added) == 0);
	must(porter_tracked_set_limit(log->t, 100 * HIGH) == 0);
	must(porter_tracked_set_limit(log->t, 0) == 0);
	must(porter_tracked_destroy(porter_tracked_new(NULL)) == 0);
}

static void a_callback_may_do_everything(void **state)
{
	struct log log;
	void *block;

	(void)state;
	begin(&log, do_everything, 0);
	block = up(&log);
	wait_told(&log);
	down(&log, block);
	wait_told(&log);
	assert_int_equal(log.count, 2);
	end(&log);
}

/* It frees what made it come, and is told of that as well. */
static void *shed_block;

static void shed(struct log *log)
{
	if (log->events[log->count - 1].mark == PORTER_WATCH_HIGH)
		down(log, shed_block);
}

static void it_is_told_of_what_it_does(void **state)
{
	struct log log;

	(void)state;
	begin(&log, shed, 0);
	/* Told when it is added that it is above. */
	assert_int_equal(porter_watch_remove(log.t, log.watch), 0);
	shed_block = up(&log);
	add_to(&log, 0);
	wait_told(&log);
	wait_told(&log);
	assert_int_equal(log.count, 2);
	assert_int_equal(log.events[1].mark, PORTER_WATCH_LOW);
	end(&log);
}

static void remove_itself(struct log *log)
{
	must(porter_watch_remove(log->t, log->watch) == 0);
	must(porter_watch_remove(log->t, log->watch) == -1);
	must(errno == ENOENT);
}

static void a_callback_may_remove_its_watch(void **state)
{
	struct log log;

	(void)state;
	begin(&log, remove_itself, 0);
	down(&log, up(&log));
	wait_told(&log);
	down(&log, up(&log));
	end(&log);
	assert_int_equal(log.count, 1);
}

static void destroy_tracker(struct log *log)
{
	porter_tracked *t = log->t;

	down(log, shed_block);
	must(porter_tracked_destroy(t) == 0);
	/* Its place may be taken by another. */
	log->t = porter_tracked_new(NULL);
	must(log->t);
}

static void a_callback_may_destroy_its_tracker(void **state)
{
	struct log log;

	(void)state;
	begin(&log, destroy_tracker, 0);
	assert_int_equal(porter_watch_remove(log.t, log.watch), 0);
	shed_block = up(&log);
	add_to(&log, 0);
	wait_told(&log);
	down(&log, up(&log)); /* of the new tracker */
	end(&log);
	assert_int_equal(log.count, 1);
}

/* ---- Who waits for whom ---- */

static void stay_a_while(struct log *log)
{
	sem_post(&log->go);
	pause_for(100000);
	/* The tracker and the watch are still there. */
	must(porter_bytes_used(log->t) >= 0);
	must(porter_watch_fd(log->t, log->watch) >= 0);
}

static void removal_waits_for_a_callback(void **state)
{
	struct log log;
	void *block;

	(void)state;
	begin(&log, stay_a_while, 0);
	block = up(&log);
	assert_true(waits(&log.go));
	down(&log, block); /* One more is to be told. */
	assert_int_equal(porter_watch_remove(log.t, log.watch), 0);
	assert_true(atomic_load(&log.over));
	assert_int_equal(log.count, 1);
	end(&log);
	assert_int_equal(log.count, 1);
}

static void destruction_waits_for_a_callback(void **state)
{
	struct log log;
	void *block;

	(void)state;
	begin(&log, stay_a_while, 0);
	block = up(&log);
	assert_true(waits(&log.go));
	down(&log, block);
	assert_int_equal(porter_tracked_destroy(log.t), 0);
	assert_true(atomic_load(&log.over));
	assert_int_equal(log.count, 1);
	wait_for_threads(0);
	assert_int_equal(log.count, 1);
}

static void remove_and_stay(struct log *log)
{
	must(porter_watch_remove(log->t, log->watch) == 0);
	sem_post(&log->go);
	pause_for(100000);
	must(porter_bytes_used(log->t) >= 0);
}

static void so_does_it_for_one_that_removed_its_watch(void **state)
{
	struct log log;

	(void)state;
	begin(&log, remove_and_stay, 0);
	down(&log, up(&log));
	assert_true(waits(&log.go));
	assert_int_equal(porter_tracked_destroy(log.t), 0);
	assert_true(atomic_load(&log.over));
	wait_for_threads(0);
}

static void remove_and_wait(struct log *log)
{
	must(porter_watch_remove(log->t, log->watch) == 0);
	sem_post(&log->told);
	must(waits(&log->go));
}

static void the_next_with_its_number_does_not_wait(void **state)
{
	struct porter_watch w = { .size = sizeof(w), .high = 2, .low = 1 };
	porter_tracked *other = porter_tracked_new(NULL);
	struct log log;
	int watch;

	(void)state;
	begin(&log, remove_and_wait, 0);
	down(&log, up(&log));
	wait_told(&log); /* It is in the callback, until it may go. */
	watch = porter_watch_add(other, &w);
	assert_int_equal(watch, log.watch);
	assert_int_equal(porter_watch_remove(other, watch), 0);
	assert_int_equal(porter_tracked_destroy(other), 0);
	sem_post(&log.go);
	end(&log);
}

/* ---- fork ---- */

static void told_in_child(void *arg)
{
	struct log *log = arg;

	must(threads_of_the_library() == 0);
	must(log->count == 1);
	down(log, shed_block);
	must(waits(&log->told));
	must(log->count == 2);
	must(log->events[1].mark == PORTER_WATCH_LOW);
	must(threads_of_the_library() == 1);
	must(porter_tracked_destroy(log->t) == 0);
}

static void a_child_starts_the_thread_when_it_is_needed(void **state)
{
	struct log log;

	(void)state;
	if (!children_start_threads())
		skip_because("no threads in children here");
	begin(&log, NULL, 0);
	shed_block = up(&log);
	wait_told(&log);
	assert_true(child_does(told_in_child, &log));
	assert_int_equal(log.count, 1);
	down(&log, shed_block);
	wait_told(&log);
	assert_int_equal(log.count, 2);
	end(&log);
}

static void told_again_in_child(void *arg)
{
	struct log *log = arg;

	log->then = NULL;
	log->count = 0;
	/* Any operation, far from all marks. */
	porter_free(porter_tracked_allocator(log->t),
		    porter_allocate(porter_tracked_allocator(log->t), 1), 1);
	must(waits(&log->told));
	must(log->count == 1 && log->events[0].crossing == 1);
	down(log, shed_block);
	must(porter_tracked_destroy(log->t) == 0);
}

static void wait_for_go(struct log *log)
{
	sem_post(&log->told);
	must(waits(&log->go));
}

static void a_callback_that_a_fork_cut_off_comes_again(void **state)
{
	struct log log;

	(void)state;
	if (!children_start_threads())
		skip_because("no threads in children here");
	begin(&log, wait_for_go, 0);
	shed_block = up(&log);
	wait_told(&log); /* It is in the callback. */
	assert_true(child_does(told_again_in_child, &log));
	sem_post(&log.go);
	wait_told(&log);
	down(&log, shed_block);
	sem_post(&log.go);
	wait_told(&log);
	end(&log);
}

/* In the child the callback goes on, in the thread that is the notifier. */
static void work_in_child(void *arg)
{
	struct log *log = arg;
	porter_allocator *a = porter_tracked_allocator(log->t);

	porter_free(a, porter_allocate(a, 1), 1);
	must(porter_watch_remove(log->t, log->watch) == 0);
	down(log, shed_block);
	must(porter_tracked_destroy(log->t) == 0);
}

static void fork_a_child(struct log *log)
{
	if (log->count == 1)
		must(child_does(work_in_child, log));
}

static void a_callback_may_fork(void **state)
{
	struct log log;

	(void)state;
	if (!children_start_threads())
		skip_because("the tool does not know the library then");
	begin(&log, NULL, 0);
	assert_int_equal(porter_watch_remove(log.t, log.watch), 0);
	shed_block = up(&log);
	log.then = fork_a_child;
	add_to(&log, 0);
	wait_told(&log);
	down(&log, shed_block);
	wait_told(&log);
	end(&log);
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
		cmocka_unit_test(a_callback_may_do_everything),
		cmocka_unit_test(it_is_told_of_what_it_does),
		cmocka_unit_test(a_callback_may_remove_its_watch),
		cmocka_unit_test(a_callback_may_destroy_its_tracker),
		cmocka_unit_test(removal_waits_for_a_callback),
		cmocka_unit_test(destruction_waits_for_a_callback),
		cmocka_unit_test(so_does_it_for_one_that_removed_its_watch),
		cmocka_unit_test(the_next_with_its_number_does_not_wait),
		cmocka_unit_test(a_child_starts_the_thread_when_it_is_needed),
		cmocka_unit_test(a_callback_that_a_fork_cut_off_comes_again),
		cmocka_unit_test(a_callback_may_fork),
	};

	return run_all("watch_callback", tests);
}
