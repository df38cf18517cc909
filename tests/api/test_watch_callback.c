/* SPDX-License-Identifier: MIT */
/*
 * Callbacks of watches: what they may do, who waits for them, and forks.
 */
#include "api/watch_log.h"

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
	must(left_at_destroy(porter_tracked_new(NULL)) == 0);
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
	must(left_at_destroy(t) == 0);
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
	assert_int_equal(left_at_destroy(log.t), 0);
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
	assert_int_equal(left_at_destroy(log.t), 0);
	assert_true(atomic_load(&log.over));
	wait_for_threads(0);
}

static void remove_and_wait(struct log *log)
{
	must(porter_watch_remove(log->t, log->watch) == 0);
	sem_post(&log->told);
	must(waits(&log->go));
}

static void the_next_in_its_place_does_not_wait(void **state)
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
	assert_int_equal(porter_watch_remove(other, watch), 0);
	assert_int_equal(left_at_destroy(other), 0);
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
	must(left_at_destroy(log->t) == 0);
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
	must(left_at_destroy(log->t) == 0);
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
	must(left_at_destroy(log->t) == 0);
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
		cmocka_unit_test(a_callback_may_do_everything),
		cmocka_unit_test(it_is_told_of_what_it_does),
		cmocka_unit_test(a_callback_may_remove_its_watch),
		cmocka_unit_test(a_callback_may_destroy_its_tracker),
		cmocka_unit_test(removal_waits_for_a_callback),
		cmocka_unit_test(destruction_waits_for_a_callback),
		cmocka_unit_test(so_does_it_for_one_that_removed_its_watch),
		cmocka_unit_test(the_next_in_its_place_does_not_wait),
		cmocka_unit_test(a_child_starts_the_thread_when_it_is_needed),
		cmocka_unit_test(a_callback_that_a_fork_cut_off_comes_again),
		cmocka_unit_test(a_callback_may_fork),
	};

	return run_all("watch_callback", tests);
}
