/* SPDX-License-Identifier: MIT */
/*
 * A thread that is stopped in the few instructions between the look at its room
 * and the count, which who calls room back has to wait for:
 *
 *	root, with a limit
 *	 |-- a		a thread stands in the middle of an allocation
 *	 `-- b		another is refused: it waits, and may
 *	others		nobody there may wait: not in other trackers, not for a
 *			fork, a first read, a new thread, a new tracker
 *
 * Not even in the hierarchy does a read wait; and who waits there can itself be
 * stopped by a signal. At the test point, with watched.h for what hangs.
 */
#define WITHOUT_KINDS
#include "watched.h"
#include "ways.h"

#include "0-machine/test-point.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define LIMIT ((int64_t)1 << 30)

enum { HELD = 5000, BLOCKS = 2000, SIZE = 100 };

static porter_tracked *root, *a, *b, *leaving; /* of one hierarchy */
static porter_tracked *top, *bottom;	       /* of another */
static porter_tracked *other;

static void make_trackers(void)
{
	root = make_tracker(NULL, NULL, LIMIT);
	a = make_tracker(NULL, root, 0);
	b = make_tracker(NULL, root, 0);
	leaving = make_tracker(NULL, root, 0);
	top = make_tracker(NULL, NULL, LIMIT);
	bottom = make_tracker(NULL, top, 0);
	other = make_tracker(NULL, NULL, 10000);
	must(porter_charge(b, HELD) == 0);
}

/* ---- Who is stopped ---- */

static const struct way *way;
static _Thread_local bool is_victim;
static atomic_bool stopped, passed, released;

static void stop_here(enum test_point point)
{
	if (point != ATTEMPTING || !is_victim)
		return;
	is_victim = false;
	atomic_store(&stopped, true);
	while (!atomic_load(&released))
		pause_for(100);
}

static void *be_stopped(void *unused)
{
	static void *blocks[BLOCKS];
	void *block;

	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = way->get(a, SIZE);
	for (int i = 0; i < BLOCKS; i++)
		way->put(a, blocks[i], SIZE);
	is_victim = true;
	block = way->get(a, SIZE);
	must(block);
	is_victim = false;
	atomic_store(&passed, true);
	way->put(a, block, SIZE);
	return unused;
}

/* ---- Who may wait: in the same hierarchy ---- */

static void nobody(void)
{
}

static void is_refused(void)
{
	must(porter_charge(b, (size_t)LIMIT) == -1);
}

static void is_refused_in_the_same(void)
{
	must(porter_charge(a, (size_t)LIMIT) == -1);
}

static void is_refused_above(void)
{
	must(porter_charge(root, (size_t)LIMIT) == -1);
}

static void sets_a_limit(void)
{
	must(porter_tracked_set_limit(b, LIMIT / 2) == 0);
}

static void lowers_the_limit(void)
{
	must(porter_tracked_set_limit(root, 2 * HELD) == 0);
}

static void begins_a_period(void)
{
	porter_peak_reset(root);
}

static void makes_a_child(void)
{
	porter_tracked *child = make_tracker(NULL, root, 0);

	must(porter_charge(child, 100) == 0);
	porter_refund(child, 100);
	must(destroy(child) == 0);
}

static void destroys_a_child(void)
{
	must(destroy(leaving) == 0);
	leaving = NULL;
}

static const struct waiter {
	const char *name;
	void (*does)(void);
} waiters[] = {
	{ "nobody is", nobody },
	{ "one is refused", is_refused },
	{ "one is refused in the same", is_refused_in_the_same },
	{ "one is refused above", is_refused_above },
	{ "one sets a limit", sets_a_limit },
	{ "one lowers the limit", lowers_the_limit },
	{ "one begins a period", begins_a_period },
	{ "one makes a child", makes_a_child },
	{ "one destroys a child", destroys_a_child },
};

static const struct waiter *waiter;
static sem_t arrived;

static void say_so(int number)
{
	int before = errno;

	(void)number;
	sem_post(&arrived);
	errno = before;
}

/* It stays, for the signal that comes when it has long been done, perhaps. */
static void *wait_perhaps(void *unused)
{
	waiter->does();
	while (!atomic_load(&released))
		pause_for(100);
	return unused;
}

/* ---- Who must not ---- */

static void use(porter_tracked *t)
{
	porter_allocator *allocator = porter_tracked_allocator(t);
	void *block = porter_allocate(allocator, SIZE);

	must(block);
	block = porter_reallocate(allocator, block, SIZE, 2 * SIZE);
	must(block);
	porter_free(allocator, block, 2 * SIZE);
}

static void read_all_of(porter_tracked *t, int64_t least)
{
	struct porter_stats stats = { .size = sizeof(stats) };
	int64_t exact;

	must(porter_bytes_used(t) >= least);
	must(porter_bytes_used_interval(t).upper >= least);
	porter_bytes_used_exact(t, &exact, 1);
	must(porter_peak(t).upper >= least);
	must(porter_tracked_stats(t, &stats) == 0);
}

static void use_everything_else(void)
{
	porter_tracked *made = make_tracker(NULL, NULL, 1000);
	porter_tracked *child = make_tracker(NULL, bottom, 0);
	porter_counter *counter = porter_counter_new();

	use(made);
	use(child);
	use(other);
	use(bottom);
	use(top);
	porter_counter_add(counter, 1);
	must(porter_charge(bottom, (size_t)LIMIT + 1) == -1);
	must(porter_charge(other, 10001) == -1);
	must(porter_tracked_set_limit(bottom, LIMIT / 2) == 0);
	must(porter_tracked_set_limit(bottom, 0) == 0);
	porter_peak_reset(top);
	porter_peak_reset(other);
	must(destroy(child) == 0);
	must(destroy(made) == 0);
	porter_counter_destroy(counter);
	progress();
}

static void read_everything(void)
{
	read_all_of(root, HELD);
	read_all_of(a, 0);
	read_all_of(b, HELD);
	read_all_of(top, 0);
	read_all_of(bottom, 0);
	read_all_of(other, 0);
	progress();
}

/* New threads: a first read, a first update, a slot that is handed on. */
static void *read_first(void *unused)
{
	read_everything();
	use_everything_else();
	return unused;
}

static void *use_first(void *unused)
{
	use_everything_else();
	porter_thread_unregister();
	use(other);
	read_everything();
	return unused;
}

static void in_a_new_thread(void *(*run)(void *unused))
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, run, NULL) == 0);
	must(pthread_join(thread, NULL) == 0);
}

/* Who was stopped, and who waited, is not there: nobody waits at all. */
static void use_the_child(void)
{
	read_everything();
	use_everything_else();
	use(a);
	use(b);
	use(root);
	must(porter_charge(b, (size_t)LIMIT) == -1);
	must(porter_tracked_set_limit(root, LIMIT) == 0);
	must(porter_tracked_set_limit(b, 0) == 0);
	porter_peak_reset(root);
	makes_a_child();
	/* But for what others had in flight: not much. */
	must(porter_charge(a, (size_t)LIMIT - 2 * HELD) == 0);
	_exit(0);
}

static void fork_meanwhile(void)
{
	pid_t child;

	if (!children_start_threads())
		return;
	child = fork_watched();
	if (child == 0)
		use_the_child();
	must(child_ended_well(child));
}

/* ---- Each way to be stopped, each to wait for it ---- */

static void all_is_right(void)
{
	must(porter_tracked_set_limit(root, LIMIT) == 0);
	must(porter_tracked_set_limit(b, 0) == 0);
	must(porter_bytes_used(root) == HELD);
	porter_refund(b, HELD);
	must(porter_charge(b, (size_t)LIMIT) == 0);
	must(porter_charge(a, 1) == -1);
	porter_refund(b, (size_t)LIMIT);
	if (leaving)
		must(destroy(leaving) == 0);
	must(destroy(a) == 0 && destroy(b) == 0 && destroy(root) == 0);
}

static void stand_and_wait(void *unused)
{
	struct sigaction action = { .sa_handler = say_so,
				    .sa_flags = SA_RESTART };
	pthread_t victim, thread;

	(void)unused;
	must(sem_init(&arrived, 0, 0) == 0);
	must(sigaction(SIGUSR1, &action, NULL) == 0);
	make_trackers();
	porter__test_point = stop_here;
	must(!pthread_create(&victim, NULL, be_stopped, NULL));
	while (!atomic_load(&stopped) && !atomic_load(&passed))
		pause_for(100);
	must(atomic_load(&stopped) || way != &ways[0]);
	must(!pthread_create(&thread, NULL, wait_perhaps, NULL));
	pause_for(20000); /* Now it waits, if it does. */
	read_everything();
	use_everything_else();
	in_a_new_thread(read_first);
	in_a_new_thread(use_first);
	fork_meanwhile();
	pthread_kill(thread, SIGUSR1);
	while (sem_wait(&arrived) != 0)
		must(errno == EINTR);
	progress();
	atomic_store(&released, true);
	pthread_join(victim, NULL);
	pthread_join(thread, NULL);
	porter__test_point = NULL;
	all_is_right();
}

static void only_its_hierarchy_waits_for_a_stopped_thread(void **state)
{
	bool good = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++)
		for (size_t w = 0; w < ways_count; w++) {
			waiter = &waiters[i];
			way = &ways[w];
			if (ends_well(stand_and_wait, NULL))
				continue;
			print_message("# stopped: %s; meanwhile %s\n",
				      way->name, waiter->name);
			good = false;
		}
	assert_true(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_its_hierarchy_waits_for_a_stopped_thread),
	};

	return run_all("stopped in an attempt", tests);
}
