/* SPDX-License-Identifier: MIT */
/*
 * fork() in a signal handler, in the middle of whatever the library does: at a
 * limit, far from one, in a hierarchy, while trackers come and go.
 *
 *	thread ----- operation ------|            |----- goes on ----->
 *	                          handler: fork(), and waits for the child
 *	child	                     |-- ends at once
 *	                             |-- looks, ends
 *	                             `-- goes on with the operation, and finds all
 *	                                 that it holds, and the whole limit
 *
 * The blocks are addresses without memory, from an allocator that has no lock:
 * malloc does not bear a fork in the middle of it in a process with threads.
 */
#define WITHOUT_KINDS
#include "watched.h"
#include "ways.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

enum { LIMIT = 1 << 20, HELD = LIMIT / 2, BLOCK = 4000, DEPTH = 3 };

/* ---- What is at work ---- */

/* 0 is the root. What is held, all the time, is held at the last one. */
static porter_tracked *chain[DEPTH];
static int depth;
static int64_t held; /* by the thread of main(), but for what is in flight */

static porter_tracked *last(void)
{
	return chain[depth - 1];
}

static void make_chain(int levels, int64_t limit)
{
	depth = levels;
	for (int i = 0; i < depth; i++)
		chain[i] = make_tracker(&nothing, i ? chain[i - 1] : NULL,
					i == 0 ? limit : 0);
	must(porter_charge(last(), HELD) == 0);
	held = HELD;
}

static void one_at_the_limit(void)
{
	make_chain(1, HELD + BLOCK + 96);
}

static void one_far_from_it(void)
{
	make_chain(1, FAR_LIMIT);
}

static void one_without(void)
{
	make_chain(1, 0);
}

static void levels_at_the_limit(void)
{
	make_chain(DEPTH, HELD + BLOCK + 96);
}

static void levels_far_from_it(void)
{
	make_chain(DEPTH, FAR_LIMIT);
}

static void levels_without(void)
{
	make_chain(DEPTH, 0);
}

static void plain(void)
{
	depth = 1;
	chain[0] = porter_tracked_new(&nothing);
	must(porter_charge(chain[0], HELD) == 0);
	held = HELD;
}

/* ---- What it does, again and again ---- */

static void allocates(void)
{
	porter_allocator *a = porter_tracked_allocator(last());
	void *block = porter_allocate(a, BLOCK);

	must(block);
	porter_free(a, block, BLOCK);
	block = porter_allocate_aligned(a, BLOCK, 64);
	must(block);
	porter_free_aligned(a, block, BLOCK, 64);
	must(porter_charge(last(), BLOCK) == 0);
	porter_refund(last(), BLOCK);
}

static void is_refused(void)
{
	int64_t limit = porter_tracked_limit(chain[0]);

	if (!limit)
		return;
	errno = 0;
	must(porter_charge(last(), (size_t)limit) == -1 && errno == ENOMEM);
}

static void resizes(void)
{
	porter_allocator *a = porter_tracked_allocator(last());
	void *block = porter_allocate(a, 1);

	must(block);
	for (size_t size = 1; size < BLOCK / 2; size *= 2)
		block = porter_reallocate(a, block, size, 2 * size);
	porter_free(a, block, 2048);
}

/* Each more than ever before. */
static void makes_peaks(void)
{
	for (int i = 0; i < 64; i++)
		must(porter_charge(last(), BLOCK / 64) == 0);
	for (int i = 0; i < 64; i++)
		porter_refund(last(), BLOCK / 64);
	porter_peak_reset(chain[0]);
}

static void moves_limits(void)
{
	int64_t limit = porter_tracked_limit(chain[0]);

	if (!limit)
		return;
	must(porter_tracked_set_limit(chain[0], limit + 1000) == 0);
	must(porter_charge(last(), BLOCK) == 0);
	must(porter_tracked_set_limit(chain[0], limit) == 0);
	porter_refund(last(), BLOCK);
}

static void makes_and_destroys(void)
{
	porter_tracked *child = make_tracker(&nothing, last(), 0);
	porter_tracked *other = make_tracker(&nothing, NULL, LIMIT);

	must(porter_charge(child, BLOCK) == 0);
	must(porter_charge(other, BLOCK) == 0);
	porter_refund(child, BLOCK);
	must(destroy(child) == 0);
	must(destroy(other) == BLOCK); /* It leaves them. */
}

static void leaves_its_slot(void)
{
	porter_thread_unregister();
	must(porter_charge(last(), BLOCK) == 0);
	porter_refund(last(), BLOCK);
}

static void reads(void)
{
	int64_t exact;

	must(porter_bytes_used(chain[0]) == held);
	must(porter_bytes_used_exact(chain[0], &exact, 1) == 0);
	must(porter_peak(chain[0]).upper >= held);
}

static const struct work {
	const char *name;
	void (*does)(void);
} works[] = {
	{ "allocates", allocates },
	{ "is refused", is_refused },
	{ "resizes", resizes },
	{ "makes peaks", makes_peaks },
	{ "moves limits", moves_limits },
	{ "makes trackers", makes_and_destroys },
	{ "leaves its slot", leaves_its_slot },
	{ "reads", reads },
};

/* ---- Forks ---- */

enum then { ENDS, LOOKS, GOES_ON };

static volatile sig_atomic_t forks, is_child;
static enum then then;

/*
 * Something may be in flight, and the operation is only half done. So the handler
 * reads; it must not operate on what it has interrupted.
 */
static void look(void)
{
	int64_t limit = porter_tracked_limit(chain[0]);

	for (int i = 0; i < depth; i++) {
		int64_t used = porter_bytes_used(chain[i]);
		struct porter_interval peak = porter_peak(chain[i]);

		must(used >= held);
		must(!limit || used <= limit + 1000);
		must(peak.upper >= held && peak.lower <= peak.upper);
	}
}

/*
 * Once, some time after now: a timer that goes on by itself might strike in
 * every instruction, where a fork takes longer than that.
 */
static void strike(void)
{
	static unsigned long times;
	struct itimerval soon = {
		.it_value = { .tv_usec = 10 + (long)(times++ * 37 % 200) },
	};

	setitimer(ITIMER_REAL, &soon, NULL);
}

static void fork_here(int number)
{
	int before = errno;
	pid_t child = fork_watched();

	(void)number;
	if (child != 0) {
		must(child_ended_well(child));
		forks++;
		strike();
	} else if (then == GOES_ON) {
		is_child = 1;
	} else {
		if (then == LOOKS)
			look();
		_exit(0);
	}
	errno = before;
}

/* In a child, when the operation is over: as if nothing had been. */
static void all_is_right(void)
{
	int64_t limit = porter_tracked_limit(chain[0]);
	struct porter_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < depth; i++)
		must(porter_bytes_used(chain[i]) == held);
	if (limit) {
		must(porter_charge(last(), (size_t)(limit - held)) == 0);
		must(porter_charge(last(), 1) == -1);
		porter_refund(last(), (size_t)(limit - held));
	}
	porter_refund(last(), (size_t)held);
	must(porter_tracked_stats(chain[0], &stats) == 0);
	must(stats.total_allocated == stats.total_freed);
	for (int i = depth - 1; i >= 0; i--)
		must(destroy(chain[i]) == 0);
}

static void (*make)(void);
static const struct work *work;

static void work_and_fork(void *unused)
{
	struct sigaction action = { .sa_handler = fork_here,
				    .sa_flags = SA_RESTART };
	int wanted = (int)scaled(100);

	(void)unused;
	for (then = ENDS; then <= GOES_ON; then++) {
		make();
		sigaction(SIGALRM, &action, NULL);
		forks = 0;
		strike();
		while (forks < wanted && !is_child)
			work->does();
		signal(SIGALRM, SIG_IGN);
		all_is_right();
		if (is_child)
			_exit(0);
	}
}

static const struct {
	const char *name;
	void (*make)(void);
} places[] = {
	{ "a plain tracker", plain },
	{ "one at its limit", one_at_the_limit },
	{ "one far from it", one_far_from_it },
	{ "one without", one_without },
	{ "a hierarchy at its limit", levels_at_the_limit },
	{ "one far from it", levels_far_from_it },
	{ "one without", levels_without },
};

static void a_handler_may_fork_in_the_middle_of_everything(void **state)
{
	bool good = true;

	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(places); p++)
		for (size_t w = 0; w < ARRAY_SIZE(works); w++) {
			make = places[p].make;
			work = &works[w];
			if (ends_well(work_and_fork, NULL))
				continue;
			print_message("# %s, %s\n", places[p].name, work->name);
			good = false;
		}
	assert_true(good);
}

/* ---- Several threads at work, and the signal comes to any of them ---- */

enum { THREADS = 4 };

static atomic_bool stop;
static atomic_int done;

static void fork_in_a_thread(int number)
{
	int before = errno;
	pid_t child = fork_watched();

	(void)number;
	if (child == 0) {
		look();
		_exit(0);
	}
	must(child_ended_well(child));
	atomic_fetch_add(&done, 1);
	errno = before;
}

static void block(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(how, &set, NULL);
}

static void *work_in_a_thread(void *unused)
{
	porter_tracked *own = make_tracker(&nothing, last(), 0);

	block(SIG_UNBLOCK);
	while (!atomic_load(&stop)) {
		if (porter_charge(own, 50) == 0)
			porter_refund(own, 50);
		if (porter_charge(last(), 51) == 0)
			porter_refund(last(), 51);
		if (porter_charge(own, 1000) == 0)
			porter_refund(own, 1000);
	}
	block(SIG_BLOCK);
	must(destroy(own) == 0);
	return unused;
}

static void threads_and_forks(void *unused)
{
	struct sigaction action = { .sa_handler = fork_in_a_thread,
				    .sa_flags = SA_RESTART };
	pthread_t threads[THREADS];
	int wanted = (int)scaled(300);

	make();
	/* The threads want 1,000 each and some. */
	porter_refund(last(), HELD / 2);
	held -= HELD / 2;
	block(SIG_BLOCK);
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, work_in_a_thread,
				     NULL));
	while (atomic_load(&done) < wanted) {
		int before = atomic_load(&done);

		kill(getpid(), SIGUSR1);
		while (atomic_load(&done) == before)
			pause_for(20);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	all_is_right();
	(void)unused;
}

static void and_in_one_of_several_threads(void **state)
{
	bool good = true;

	(void)state;
	if (!children_start_threads())
		skip_because("a child of several threads does not live here");
	for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
		make = places[p].make;
		if (ends_well(threads_and_forks, NULL))
			continue;
		print_message("# %s\n", places[p].name);
		good = false;
	}
	assert_true(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_handler_may_fork_in_the_middle_of_everything),
		cmocka_unit_test(and_in_one_of_several_threads),
	};

	return run_all("fork in handlers", tests);
}
