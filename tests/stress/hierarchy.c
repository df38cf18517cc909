/* SPDX-License-Identifier: MIT */
/*
 * hierarchy.c: trackers, alone and in three levels, at their limits and far from
 * them, against an exact ledger (ledger.h).
 *
 *	root
 *	 |-- m1, limit	|-- a, limit	careful workers (worker.h), who are never
 *	 |		`-- b		refused, and make children of their own
 *	 |-- m2		|-- c
 *	 |		`-- d, limit
 *	 |-- m3		`-- e		its limit moves, all the time
 *	 |-- g, limit	|-- g1, limit	greedy ones, whose refusals must be right
 *	 |		`-- g2
 *	 `-- spare			for children of forks
 *
 *	signals		stop workers for a while, wherever they are; or make
 *			them fork there: the child reads and ends
 *	a reader	compares what is in use, and peaks, with the ledger
 *
 * In the end all has come back, the statistics are those of the ledger, and the
 * whole limit can be had at each level.
 *
 * PORTER_STRESS is the number of seconds, for all scenes together. With
 * PORTER_STRESS_FORKS=0 nothing is forked but the process that is looked on.
 */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * KIB, SPARE = 1000, HELD = 700 };

/* A sanitizer's own locks may be held in a child. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool may_fork(void)
{
	const char *wish = getenv("PORTER_STRESS_FORKS");

	return wish ? atoi(wish) != 0 : !SANITIZED;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_for(long microseconds)
{
	const struct timespec t = { .tv_nsec = microseconds * 1000 };

	nanosleep(&t, NULL);
}

/* ---- Scenes ---- */

enum shape { ONE, ONE_GREEDY, LEVELS };

static const struct scene {
	const char *name;
	enum shape shape;
	bool over_malloc;
	int64_t bound;	    /* of the root; 0: none */
	int64_t late_bound; /* its first limit, which comes in the middle */
	size_t largest;
} scenes[] = {
	{ "one at its limit", ONE, false, MIB, 0, 4000 },
	{ "one at its limit, over malloc", ONE, true, MIB, 0, 4000 },
	{ "one, near and far", ONE, false, 16 * MIB, 0, 12000 },
	{ "one without a limit", ONE, false, 0, 0, 4000 },
	{ "one that gets a limit, over malloc", ONE, true, 0, 2 * MIB, 4000 },
	{ "one that refuses", ONE_GREEDY, false, MIB, 0, 4000 },
	{ "one that refuses, over malloc", ONE_GREEDY, true, MIB, 0, 4000 },
	{ "levels at their limits", LEVELS, false, 4 * MIB, 0, 4000 },
	{ "levels at their limits, over malloc", LEVELS, true, 4 * MIB, 0,
	  4000 },
	{ "levels, near and far", LEVELS, false, 64 * MIB, 0, 12000 },
	{ "levels without limits", LEVELS, false, 0, 0, 4000 },
	{ "levels that get a limit, over malloc", LEVELS, true, 0, 3 * MIB,
	  4000 },
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]), MOST_LEVELS = 13 };

static const struct scene *scene;
static struct level levels[MOST_LEVELS];
static int count;
static struct level *moving, *spare; /* or NULL */

static struct level *new_level(struct level *parent, const char *name,
			       int64_t bound)
{
	struct level *l = &levels[count++];

	level_init(l, parent, name, bound ? bound : INT64_MAX);
	l->over_malloc = scene->over_malloc;
	l->table_is_sure = !scene->over_malloc && level_bound(l) != INT64_MAX;
	make_tracker(l);
	return l;
}

static void careful_at(struct level *l)
{
	job.careful[job.careful_targets++] = l;
}

static void greedy_at(struct level *l)
{
	l->watched = true;
	job.greedy[job.greedy_targets++] = l;
}

/* All the time, by nobody who works. */
static void hold(struct level *l)
{
	ledger_asks(l, HELD, 0);
	if (porter_charge(l->t, HELD) != 0)
		abort();
	ledger_has(l, HELD, false);
	for (; l; l = l->parent) {
		l->held += HELD;
		atomic_fetch_sub(&l->credits, HELD);
		atomic_fetch_add(&l->allocated, HELD);
		atomic_fetch_add(&l->allocations, 1);
	}
}

static void let_go(struct level *l)
{
	ledger_gives(l, HELD, false);
	porter_refund(l->t, HELD);
	ledger_is_without(l, HELD);
	for (; l; l = l->parent) {
		atomic_fetch_add(&l->freed, HELD);
		atomic_fetch_add(&l->frees, 1);
	}
}

static void make_levels(int64_t bound)
{
	struct level *root = &levels[0];
	struct level *m1 = new_level(root, "m1", bound / 4);
	struct level *m2 = new_level(root, "m2", 0);
	struct level *m3 = new_level(root, "m3", 0), *g;

	careful_at(root);
	careful_at(m2);
	careful_at(new_level(m1, "a", bound / 16));
	careful_at(new_level(m1, "b", 0));
	careful_at(new_level(m2, "c", 0));
	careful_at(new_level(m2, "d", bound / 8));
	careful_at(new_level(m3, "e", 0));
	hold(&levels[count - 1]);
	job.trackers_come_and_go = true;
	if (!bound)
		return;
	g = new_level(root, "g", bound / 4);
	atomic_fetch_sub(&root->credits, bound / 4);
	g->watched = true;
	greedy_at(new_level(g, "g1", bound / 16));
	greedy_at(new_level(g, "g2", 0));
	spare = new_level(root, "spare", 0);
	moving = m3;
	atomic_store(&m3->credits, bound / 8 - HELD);
	porter_tracked_set_limit(m3->t, bound / 8);
}

static void set_scene(const struct scene *s)
{
	struct level *root;

	scene = s;
	count = 0;
	moving = spare = NULL;
	memset(&job, 0, sizeof(job));
	job.largest = s->largest;
	job.root = root = new_level(NULL, s->name, s->bound);
	if (s->late_bound)
		atomic_store(&root->credits, s->late_bound);
	if (s->shape != ONE_GREEDY)
		atomic_fetch_sub(&root->credits, SPARE);
	if (s->shape == LEVELS) {
		make_levels(s->bound);
		return;
	}
	if (s->shape == ONE)
		careful_at(root);
	else
		greedy_at(root);
	spare = s->shape == ONE ? root : NULL;
	hold(root);
}

/* ---- Forks ---- */

static atomic_ulong forks, stops;

/*
 * What is wrong in a child. In a handler the operation of its thread is half done,
 * so the child reads, and operates on nothing.
 */
static int check_child(bool in_handler)
{
	int64_t one;

	for (int i = 0; i < count; i++) {
		struct level *l = &levels[i];
		struct porter_interval peak;

		one = porter_bytes_used(l->t);
		if (one < l->held)
			return 2;
		if (one > level_bound(l))
			return 3;
		peak = porter_peak(l->t);
		if (peak.lower > peak.upper || peak.upper < l->held)
			return 4;
	}
	if (!spare || in_handler)
		return 0;
	one = porter_bytes_used(spare->t);
	for (int i = 0; i < SPARE / 100; i++)
		if (porter_charge(spare->t, 100) != 0)
			return 5;
	if (porter_bytes_used(spare->t) < SPARE)
		return 6;
	porter_refund(spare->t, SPARE);
	return porter_bytes_used(spare->t) == one ? 0 : 7;
}

static void fork_and_check(bool in_handler)
{
	int status = -1, looks = 0;
	pid_t child = fork(), ended;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(check_child(in_handler));
	}
	if (child < 0)
		return;
	while ((ended = waitpid(child, &status, WNOHANG)) != child) {
		if (ended < 0 && errno != EINTR)
			return;
		pause_for(200);
		/* It hangs: with all its signals blocked, perhaps. */
		if (++looks == 100000)
			kill(child, SIGKILL);
	}
	if (status != 0)
		fault("%s: a child ended with status %#x", scene->name, status);
	atomic_fetch_add(&forks, 1);
	atomic_fetch_add(steps, 1);
}

/* ---- Signals, to any of the workers ---- */

static void stop_here(int number)
{
	int before = errno;

	(void)number;
	pause_for(100 + (long)(atomic_fetch_add(&stops, 1) * 137 % 3000));
	errno = before;
}

static void fork_here(int number)
{
	int before = errno;

	(void)number;
	fork_and_check(true);
	errno = before;
}

static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = stop_here,
				    .sa_flags = SA_RESTART };

	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = fork_here;
	sigaction(SIGUSR2, &action, NULL);
}

/* ---- Others that look on, or move limits ---- */

static atomic_bool stop;

static void *read_all(void *unused)
{
	unsigned seed = 99;

	while (!atomic_load(&stop)) {
		for (int i = 0; i < count; i++) {
			check_reads(&levels[i]);
			check_peak(&levels[i]);
			if (next_random(&seed) % 64 == 0)
				check_peak_and_begin(&levels[i]);
		}
		atomic_fetch_add(steps, 1);
		pause_for(50);
	}
	return unused;
}

/* To no less than there are credits for. */
static void *move_limit(void *unused)
{
	int64_t least = scene->bound / 8;
	const int64_t limits[] = { least, 2 * least, least + 100, 0 };
	unsigned seed = 77;

	while (moving && !atomic_load(&stop)) {
		if (porter_tracked_set_limit(
			    moving->t, limits[next_random(&seed) % 4]) != 0)
			fault("%s: no limit can be set", moving->name);
		pause_for(100 + (long)(next_random(&seed) % 400));
	}
	if (moving)
		porter_tracked_set_limit(moving->t, least);
	return unused;
}

/* ---- Until time is up ---- */

static void disturb(double seconds)
{
	double begin = now(), end = begin + seconds;
	bool late = scene->late_bound != 0, forking = may_fork();
	unsigned seed = 55;

	for (unsigned i = 1; now() < end; i++) {
		unsigned tide = (unsigned)((now() - begin) * 20) % 4;

		atomic_store(&shelf_width, tide ? SHELF : SHELF / 16);
		pause_for(100 + (long)(next_random(&seed) % 400));
		kill(getpid(), SIGUSR1);
		if (forking && i % 16 == 0) {
			/* In the middle of malloc, fork() may wait for it. */
			if (scene->over_malloc)
				fork_and_check(false);
			else
				kill(getpid(), SIGUSR2);
		}
		if (late && now() > begin + seconds / 2) {
			late = false;
			if (porter_tracked_set_limit(levels[0].t,
						     scene->late_bound) != 0)
				fault("no first limit can be set");
		}
	}
}

static void run(double seconds)
{
	int threads = SANITIZED ? SEATS / 4 : SEATS, greedy = 0;
	pthread_t reader, mover;

	if (job.greedy_targets)
		greedy = job.careful_targets ? threads / 8 : threads;
	atomic_store(&stop, false);
	atomic_store(&shelf_width, SHELF);
	workers_start(threads - greedy, greedy);
	pthread_create(&reader, NULL, read_all, NULL);
	pthread_create(&mover, NULL, move_limit, NULL);
	disturb(seconds);
	workers_stop();
	atomic_store(&stop, true);
	pthread_join(reader, NULL);
	pthread_join(mover, NULL);
}

/* ---- What must hold in the end ---- */

static int64_t least_limit(const struct level *l)
{
	int64_t least = INT64_MAX;

	for (; l; l = l->parent) {
		int64_t limit = porter_tracked_limit(l->t);

		least = limit && limit < least ? limit : least;
	}
	return least;
}

static void take_all(struct level *l)
{
	int64_t all = least_limit(l);

	if (all == INT64_MAX)
		return;
	if (porter_charge(l->t, (size_t)all) != 0) {
		fault("%s: %lld bytes are not to be had", l->name,
		      (long long)all);
		return;
	}
	may_be_refused = true;
	if (porter_charge(l->t, 1) != -1)
		fault("%s: more than %lld bytes are", l->name, (long long)all);
	may_be_refused = false;
	porter_refund(l->t, (size_t)all);
}

static void check_end(void)
{
	for (int i = 0; i < count; i++) {
		check_peak(&levels[i]);
		check_width(&levels[i], (SEATS + 8) * (int64_t)count);
	}
	shelves_clear();
	let_go(scene->shape == LEVELS ? job.careful[6] : job.root);
	for (int i = 0; i < count; i++) {
		struct level *l = &levels[i];

		if (porter_bytes_used(l->t) != 0 || l->sure || l->most)
			fault("%s: %lld bytes are left", l->name,
			      (long long)porter_bytes_used(l->t));
		check_statistics(l);
	}
	for (int i = 0; i < count; i++)
		take_all(&levels[i]);
	printf("# %s: %llu allocations, %llu refusals, %lu stops, %lu forks\n",
	       scene->name, atomic_load(&levels[0].allocations),
	       atomic_load(&levels[0].refusals), atomic_load(&stops),
	       atomic_load(&forks));
	for (int i = count - 1; i >= 0; i--)
		if (destroy(levels[i].t) != 0)
			fault("%s: it is not empty", levels[i].name);
}

static void play_all(double seconds)
{
	printf("1..%d\n", SCENES);
	fflush(stdout);
	handle_signals();
	for (int i = 0; i < SCENES; i++) {
		atomic_store(&faults, 0);
		atomic_store(&stops, 0);
		atomic_store(&forks, 0);
		set_scene(&scenes[i]);
		run(seconds / SCENES);
		check_end();
		printf("%sok %d - %s\n", atomic_load(&faults) ? "not " : "",
		       i + 1, scenes[i].name);
		fflush(stdout);
	}
}

/* ---- In a process of its own, which is ended when it hangs ---- */

static int look_on(pid_t child)
{
	unsigned long before = 0;
	double last = now();
	int status = -1;
	pid_t ended;

	while ((ended = waitpid(child, &status, WNOHANG)) != child) {
		unsigned long steps_now = atomic_load(steps);

		if (ended < 0 && errno != EINTR)
			return -1;
		if (steps_now != before) {
			before = steps_now;
			last = now();
		} else if (now() - last > 30) {
			printf("Bail out! It hangs.\n");
			kill(child, SIGKILL);
			last = now();
		}
		pause_for(10000);
	}
	return status;
}

int main(void)
{
	const char *stress = getenv("PORTER_STRESS");
	void *page = mmap(NULL, sizeof(*steps), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (page == MAP_FAILED)
		return 99;
	steps = page;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		play_all(stress ? atof(stress) : 6);
		return 0;
	}
	return child > 0 && look_on(child) == 0 ? 0 : 1;
}
