/* SPDX-License-Identifier: MIT */
/*
 * fork(): what holds in the child.
 *
 *	its sums are never below what the forking thread holds, never negative
 *	its own updates are exact from then on
 *	no lock of the library is held, none of liburcu either
 *	the slots of the threads that are gone are free
 *
 * Here under full load, with whatever comes of it, and at odd moments;
 * test_fork_points.c makes the rare ones happen.
 */
#include "life.h"

#include "1-slots/slots.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- Under full load ---- */

/* A sanitizer's own allocator may be locked in a child: do without. */
static porter_tracked *new_tracker(void)
{
	porter_tracked *t =
		porter_tracked_new(under_a_tool() ? &nothing : NULL);

	must(t);
	return t;
}

enum { HELD = 12345, LOADERS = 2, FORKERS = 2, CROSSING = 64 };

static struct {
	porter_tracked *tracker; /* everybody's */
	_Atomic(void *) crossing[CROSSING];
	atomic_bool stop;
	atomic_size_t forks;
} load;

/* Blocks cross over: half are freed by another thread than got them. */
static void *allocate_and_free(void *seed)
{
	porter_allocator *a = porter_tracked_allocator(load.tracker);
	uint64_t random = (uintptr_t)seed;

	while (!atomic_load(&load.stop)) {
		size_t place = random_below(&random, CROSSING);
		void *block = porter_allocate(a, 100 + place);

		block = atomic_exchange(&load.crossing[place], block);
		porter_free(a, block, 100 + place);
	}
	return NULL;
}

static void *create_and_destroy(void *unused)
{
	(void)unused;
	while (!atomic_load(&load.stop)) {
		porter_tracked *t = new_tracker();
		porter_allocator *a = porter_tracked_allocator(t);

		porter_free(a, porter_allocate(a, 10), 10);
		must(left_at_destroy(t) == 0);
	}
	return NULL;
}

static void *come_and_go(void *unused)
{
	porter_allocator *a = porter_tracked_allocator(load.tracker);

	(void)unused;
	porter_free(a, porter_allocate(a, 30), 30);
	return NULL;
}

static void *start_threads(void *unused)
{
	pthread_t thread;

	(void)unused;
	while (!atomic_load(&load.stop)) {
		/* A sanitizer's list of threads may be locked in a child. */
		if (under_a_tool())
			pause_for(10000);
		else if (pthread_create(&thread, NULL, come_and_go, NULL) == 0)
			pthread_join(thread, NULL);
	}
	return NULL;
}

struct forker {
	porter_tracked *own; /* used by this thread alone */
	void *block, *own_block;
	bool again;
};

static void *count_in_child(void *tracker)
{
	porter_allocator *a = porter_tracked_allocator(tracker);
	int64_t before = porter_bytes_used(tracker);
	void *block = porter_allocate(a, 500);

	must(porter_bytes_used(tracker) == before + 500);
	porter_free(a, block, 500);
	return NULL;
}

static void threads_in_child(porter_tracked *tracker)
{
	size_t slots = porter__slots_count();
	pthread_t thread;

	if (!children_start_threads())
		return;
	for (int i = 0; i < 3; i++) {
		must(!pthread_create(&thread, NULL, count_in_child, tracker));
		pthread_join(thread, NULL);
	}
	must(porter__slots_count() == slots);
}

static void check_child(void *arg)
{
	struct forker *f = arg;
	porter_allocator *a = porter_tracked_allocator(load.tracker);
	int64_t before = porter_bytes_used(load.tracker);
	struct porter_interval seen = porter_bytes_used_interval(load.tracker);
	struct porter_stats stats = { .size = sizeof(stats) };
	void *block;

	must(before >= FORKERS * HELD); /* The other one's are there as well. */
	must(seen.lower == before && seen.upper == before);
	must(porter_tracked_stats(load.tracker, &stats) == 0);
	must(stats.bytes_used == before && stats.allocations >= stats.frees);
	must(porter_bytes_used(f->own) == HELD);

	block = porter_allocate(a, 777);
	must(porter_bytes_used(load.tracker) == before + 777);
	threads_in_child(load.tracker);
	porter_free(a, block, 777);
	porter_free(a, f->block, HELD);
	must(porter_bytes_used(load.tracker) == before - HELD);
	porter_free(porter_tracked_allocator(f->own), f->own_block, HELD);
	must(left_at_destroy(f->own) == 0);

	f->own = new_tracker();
	f->own_block = porter_allocate(porter_tracked_allocator(f->own), HELD);
	f->block = porter_allocate(a, HELD);
	if (f->again) {
		f->again = false;
		must(child_does(check_child, f));
	}
}

static void *fork_often(void *wish)
{
	size_t times = *(size_t *)wish;
	struct forker f = { .own = new_tracker() };

	f.own_block = porter_allocate(porter_tracked_allocator(f.own), HELD);
	f.block = porter_allocate(porter_tracked_allocator(load.tracker), HELD);
	atomic_fetch_add(&load.forks, 1); /* Here, for "both are ready". */
	while (atomic_load(&load.forks) < FORKERS)
		pause_for(1000);
	for (size_t i = 0; i < times; i++) {
		f.again = i % 8 == 0;
		must(child_does(check_child, &f));
	}
	/* The other forker still looks for it. */
	atomic_fetch_add(&load.forks, 1);
	while (atomic_load(&load.forks) < 2 * FORKERS)
		pause_for(1000);
	porter_free(porter_tracked_allocator(load.tracker), f.block, HELD);
	porter_free(porter_tracked_allocator(f.own), f.own_block, HELD);
	must(left_at_destroy(f.own) == 0);
	return NULL;
}

static void children_forked_under_full_load_are_right(void **state)
{
	size_t times = scaled(1000 / FORKERS);
	pthread_t loaders[LOADERS], others[2], forkers[FORKERS];

	(void)state;
	if (WITH_TSAN)
		skip_because("a child of several threads stops under TSan");
	load.tracker = new_tracker();
	for (uintptr_t i = 0; i < LOADERS; i++)
		must(!pthread_create(&loaders[i], NULL, allocate_and_free,
				     (void *)(i + 1)));
	must(!pthread_create(&others[0], NULL, create_and_destroy, NULL));
	must(!pthread_create(&others[1], NULL, start_threads, NULL));
	for (int i = 0; i < FORKERS; i++)
		must(!pthread_create(&forkers[i], NULL, fork_often, &times));
	for (int i = 0; i < FORKERS; i++)
		pthread_join(forkers[i], NULL);
	atomic_store(&load.stop, true);
	for (int i = 0; i < LOADERS; i++)
		pthread_join(loaders[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(others[i], NULL);
	for (size_t i = 0; i < CROSSING; i++)
		porter_free(porter_tracked_allocator(load.tracker),
			    load.crossing[i], 100 + i);
	/* In the parent everything is exact. */
	assert_int_equal(porter_bytes_used(load.tracker), 0);
}

/* ---- Slots ---- */

enum { GONE = 40 };

static struct {
	porter_counter *counter;
	atomic_int here;
	atomic_bool go;
} crowd;

static void *count_and_stay(void *unused)
{
	(void)unused;
	porter_counter_add(crowd.counter, 10);
	atomic_fetch_add(&crowd.here, 1);
	while (!atomic_load(&crowd.go))
		pause_for(1000);
	return NULL;
}

static void gather(pthread_t threads[GONE])
{
	atomic_store(&crowd.here, 0);
	for (int i = 0; i < GONE; i++)
		must(!pthread_create(&threads[i], NULL, count_and_stay, NULL));
	while (atomic_load(&crowd.here) < GONE)
		pause_for(1000);
}

static void gather_again(void *unused)
{
	size_t slots = porter__slots_count();
	pthread_t threads[GONE];

	(void)unused;
	must(porter_counter_sum(crowd.counter) == 10 * GONE);
	gather(threads);
	must(porter__slots_count() == slots);
	must(porter_counter_sum(crowd.counter) == 2 * 10 * GONE);
}

static void slots_of_threads_that_are_gone_are_free_in_the_child(void **state)
{
	pthread_t threads[GONE];

	(void)state;
	if (!children_start_threads())
		skip_because("children start no threads here");
	crowd.counter = porter_counter_new();
	must(porter_counter_sum(crowd.counter) == 0); /* Takes a slot, too. */
	gather(threads);
	assert_true(child_does(gather_again, NULL));
	atomic_store(&crowd.go, true);
	for (int i = 0; i < GONE; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(porter_counter_sum(crowd.counter), 10 * GONE);
	porter_counter_destroy(crowd.counter);
}

/* ---- Odd moments ---- */

struct lineage {
	porter_counter *counter;
	int generation;
};

static void beget(void *arg)
{
	struct lineage *l = arg;

	must(porter_counter_sum(l->counter) == l->generation);
	porter_counter_add(l->counter, 3);
	porter_counter_sub(l->counter, 2);
	if (++l->generation < 10)
		must(child_does(beget, l));
	must(porter_counter_sum(l->counter) == l->generation);
}

static void children_have_children(void **state)
{
	struct lineage l = { .counter = porter_counter_new() };

	(void)state;
	assert_true(child_does(beget, &l));
	assert_int_equal(porter_counter_sum(l.counter), 0);
	porter_counter_destroy(l.counter);
}

static porter_counter *at_the_end;

static void count_on(void *unused)
{
	size_t slots = porter__slots_count();
	pthread_t thread;

	(void)unused;
	must(porter_counter_sum(at_the_end) == 110);
	porter_counter_add(at_the_end, 1);
	must(porter_counter_sum(at_the_end) == 111);
	crowd.counter = at_the_end;
	atomic_store(&crowd.go, true);
	must(!pthread_create(&thread, NULL, count_and_stay, NULL));
	pthread_join(thread, NULL);
	must(porter_counter_sum(at_the_end) == 121);
	must(porter__slots_count() == slots);
}

static void fork_in_destructor(void *unused)
{
	(void)unused;
	porter_counter_add(at_the_end, 10);
	must(child_does(count_on, NULL));
}

static void *end_forking(void *key)
{
	porter_counter_add(at_the_end, 100);
	pthread_setspecific(*(pthread_key_t *)key, key);
	return NULL;
}

static void a_thread_may_fork_when_it_has_left_its_slot(void **state)
{
	pthread_key_t key;
	pthread_t thread;

	(void)state;
	if (!children_start_threads())
		skip_because("children start no threads here");
	at_the_end = porter_counter_new();
	must(!pthread_key_create(&key, fork_in_destructor));
	must(!pthread_create(&thread, NULL, end_forking, &key));
	pthread_join(thread, NULL);
	pthread_key_delete(key);
	assert_int_equal(porter_counter_sum(at_the_end), 110);
	porter_counter_destroy(at_the_end);
}

static void *count_a_while(void *go_on)
{
	uintptr_t times = 0;

	for (; atomic_load((atomic_bool *)go_on); times++)
		porter_counter_add(at_the_end, 1);
	return (void *)times;
}

static pid_t run_true(bool by_vfork)
{
	static char *arguments[] = { "true", NULL };
	pid_t child;

	if (!by_vfork) {
		must(!posix_spawnp(&child, "true", NULL, NULL, arguments,
				   environ));
		return child;
	}
	child = vfork();
	if (child == 0) {
		execvp("true", arguments);
		_exit(1);
	}
	return child;
}

static void posix_spawn_and_vfork_do_no_harm(void **state)
{
	atomic_bool go_on = true;
	size_t children = scaled(100);
	pthread_t thread;
	void *times;

	(void)state;
	at_the_end = porter_counter_new();
	must(!pthread_create(&thread, NULL, count_a_while, &go_on));
	for (size_t i = 0; i < children; i++) {
		int status = -1;
		pid_t child;

		porter_counter_add(at_the_end, 2);
		child = run_true(i % 2 && !WITH_TSAN);
		must(child > 0);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		assert_int_equal(status, 0);
	}
	atomic_store(&go_on, false);
	pthread_join(thread, &times);
	assert_int_equal(porter_counter_sum(at_the_end),
			 2 * children + (uintptr_t)times);
	porter_counter_destroy(at_the_end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			slots_of_threads_that_are_gone_are_free_in_the_child),
		cmocka_unit_test(children_have_children),
		cmocka_unit_test(a_thread_may_fork_when_it_has_left_its_slot),
		cmocka_unit_test(posix_spawn_and_vfork_do_no_harm),
		cmocka_unit_test(children_forked_under_full_load_are_right),
	};

	return run_all("fork", tests);
}
