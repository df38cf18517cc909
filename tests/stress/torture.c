/* SPDX-License-Identifier: MIT */
/*
 * torture.c: everything at once, against an oracle that is exact.
 *
 *	workers		allocate, resize and free; blocks cross over to other
 *			workers through a shared table, so most are freed by
 *			another thread than allocated them
 *	churn		threads that live for a few updates each, and free in a
 *			destructor that runs when their slot was handed on
 *	signals		a timer fires into the workers; each handler counts
 *	forks		children check what they hold, allocate, fork again
 *	reader		certified intervals, sums, exact reads
 *
 * The oracle is one atomic sum. A worker holds a read-write lock for reading
 * while it does one operation and tells the oracle; at the test point between
 * the two scans of an interval, the reader takes the lock for writing. At
 * that instant no operation is half done, so the oracle's sum is what is in
 * use, and must lie within the interval, whose scans ran while workers ran:
 * before each second read, and between its scans, the reader lets them get
 * up to speed, so that the bounds are apart and something is shown.
 *
 * PORTER_STRESS is the number of seconds. With PORTER_STRESS_FORKS=0 nothing is
 * forked: emulators of processors hang in children of several threads.
 */
#include "0-machine/test-point.h"
#include "leak.h"

#include <portermem/portermem.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORKERS = 4,
	SHARED_BLOCKS = 512,
	OWN_BYTES = 1000, /* what the forking thread holds all the time */
};

static porter_tracked *tracker;
static porter_counter *signals_counted;
static atomic_llong oracle;
static atomic_ullong operations; /* told to the oracle */
static atomic_ullong signals_raised;
static atomic_bool stop;
static atomic_uint failures, bad_children;
static pthread_rwlock_t operation; /* see above */

/* ---- Telling ---- */

static void fail(const char *format, ...)
{
	va_list arguments;

	if (atomic_fetch_add(&failures, 1) >= 10)
		return;
	printf("# ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

static void result(int number, bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, what);
	fflush(stdout);
}

/* ---- Operations, each told to the oracle ---- */

struct block {
	char *memory;
	size_t size;
};

static _Atomic(struct block *) shared[SHARED_BLOCKS];

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Under the lock, as the operation itself. */
static void tell_oracle(long long bytes)
{
	atomic_fetch_add(&oracle, bytes);
	atomic_fetch_add(&operations, 1);
}

static struct block *allocate_block(unsigned *state)
{
	porter_allocator *a = porter_tracked_allocator(tracker);
	struct block *block = malloc(sizeof(*block));

	block->size = next_random(state) % 2000;
	pthread_rwlock_rdlock(&operation);
	block->memory = porter_allocate(a, block->size);
	if (!block->memory)
		fail("allocation failed");
	tell_oracle((long long)block->size);
	pthread_rwlock_unlock(&operation);
	return block;
}

static void resize_block(struct block *block, unsigned *state)
{
	porter_allocator *a = porter_tracked_allocator(tracker);
	size_t size = 1 + next_random(state) % 2000;

	pthread_rwlock_rdlock(&operation);
	block->memory = porter_reallocate(a, block->memory, block->size, size);
	tell_oracle((long long)size - (long long)block->size);
	pthread_rwlock_unlock(&operation);
	block->size = size;
}

static void free_block(struct block *block)
{
	porter_allocator *a = porter_tracked_allocator(tracker);

	if (!block)
		return;
	pthread_rwlock_rdlock(&operation);
	porter_free(a, block->memory, block->size);
	tell_oracle(-(long long)block->size);
	pthread_rwlock_unlock(&operation);
	free(block);
}

static void work(unsigned *state, unsigned times)
{
	while (times-- > 0) {
		unsigned place = next_random(state) % SHARED_BLOCKS;
		struct block *mine = allocate_block(state);

		if (mine->size && next_random(state) % 4 == 0)
			resize_block(mine, state);
		free_block(atomic_exchange(&shared[place], mine));
	}
}

/* ---- Workers, churn, signals ---- */

static void on_signal(int number)
{
	(void)number;
	porter_counter_add(signals_counted, 3);
	porter_counter_sub(signals_counted, 2);
	atomic_fetch_add(&signals_raised, 1);
}

static void *worker(void *seed)
{
	unsigned state = (unsigned)(uintptr_t)seed;

	while (!atomic_load(&stop))
		work(&state, 100);
	return NULL;
}

/*
 * Made after the library's key, so this runs when the slot was handed on: what
 * it counts goes into the cell that threads share.
 */
static pthread_key_t late_key;

static void in_late_destructor(void *block)
{
	unsigned state = 77;

	if (porter_thread_register() == 0)
		fail("the slot is still there");
	free_block(block);
	work(&state, 1);
}

static void *short_lived(void *seed)
{
	unsigned state = (unsigned)(uintptr_t)seed;

	pthread_setspecific(late_key, allocate_block(&state));
	work(&state, 1 + state % 5);
	return NULL;
}

static void *churn(void *unused)
{
	uintptr_t threads = 0;
	pthread_t thread;

	(void)unused;
	for (; !atomic_load(&stop); threads++) {
		if (pthread_create(&thread, NULL, short_lived,
				   (void *)(threads * 7 + 1)) == 0)
			pthread_join(thread, NULL);
	}
	return (void *)threads;
}

/* ---- Forks ---- */

/* In the child: what the forking thread holds is there, and all counts. */
static int check_child(long long exact, bool fork_again)
{
	porter_allocator *a = porter_tracked_allocator(tracker);
	int64_t before = porter_bytes_used(tracker);
	struct porter_interval seen;
	unsigned state = 5;
	pthread_t thread;
	void *block;

	/* fork() left the lock as it was: this thread held it, or nobody. */
	pthread_rwlock_init(&operation, NULL);
	if (before < OWN_BYTES)
		return 2;
	if (exact >= 0 && before != exact)
		return 3;
	block = porter_allocate(a, 12345);
	if (porter_bytes_used(tracker) != before + 12345)
		return 4;
	if (pthread_create(&thread, NULL, short_lived, (void *)3) == 0)
		pthread_join(thread, NULL);
	porter_free(a, block, 12345);
	seen = porter_bytes_used_interval(tracker);
	if (seen.lower != seen.upper || seen.lower < 0)
		return 5;
	work(&state, 3);
	if (fork_again) {
		long long now = porter_bytes_used(tracker);
		int status = 1;
		pid_t child = fork();

		if (child == 0)
			_exit(check_child(now, false));
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			return 6;
	}
	return 0;
}

/*
 * The children allocate, and a sanitizer does not keep its own allocator from
 * being locked in a child.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FORKS "0"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FORKS "0"
#endif
#endif
#ifndef FORKS
#define FORKS "1"
#endif

static void *forks(void *unused)
{
	porter_allocator *a = porter_tracked_allocator(tracker);
	struct timespec pause = { .tv_nsec = 2000000 };
	const char *wish = getenv("PORTER_STRESS_FORKS");
	uintptr_t times = 0;
	char *own;

	(void)unused;
	if (atoi(wish ? wish : FORKS) == 0)
		return NULL;
	pthread_rwlock_rdlock(&operation);
	own = porter_allocate(a, OWN_BYTES);
	tell_oracle(OWN_BYTES);
	pthread_rwlock_unlock(&operation);
	for (; !atomic_load(&stop); times++) {
		bool still = times % 2;
		long long exact = -1;
		int status = 1;
		pid_t child;

		if (still) { /* No operation under way: the child is exact. */
			pthread_rwlock_wrlock(&operation);
			exact = atomic_load(&oracle);
		}
		fflush(stdout);
		child = fork();
		if (child == 0) {
			alarm(60);
			_exit(check_child(exact, times % 8 == 0));
		}
		if (still)
			pthread_rwlock_unlock(&operation);
		if (child < 0)
			continue;
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (status != 0) {
			atomic_fetch_add(&bad_children, 1);
			fail("child of fork %lu: status %d",
			     (unsigned long)times, status);
		}
		nanosleep(&pause, NULL);
	}
	pthread_rwlock_rdlock(&operation);
	porter_free(a, own, OWN_BYTES);
	tell_oracle(-OWN_BYTES);
	pthread_rwlock_unlock(&operation);
	return (void *)times;
}

/* ---- The reader ---- */

static _Thread_local long long told; /* by the oracle, between the scans */
static _Thread_local bool reading, at_speed;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until the workers have done so much more, but not for long. */
static void let_workers_run(unsigned long long more)
{
	unsigned long long goal = atomic_load(&operations) + more;
	double end = seconds() + 50e-6;

	while (atomic_load(&operations) < goal && seconds() < end)
		;
}

static void ask_oracle(enum test_point point)
{
	if (point != BETWEEN_SCANS || !reading)
		return;
	pthread_rwlock_wrlock(&operation);
	told = atomic_load(&oracle);
	pthread_rwlock_unlock(&operation);
	if (at_speed)
		let_workers_run(2);
}

struct readings {
	unsigned long intervals, exact, exact_tries, equal;
	unsigned long outside, negative;
	long long widest;
};

static void read_once(struct readings *r)
{
	struct porter_interval seen;
	int64_t used;

	at_speed = r->intervals % 2;
	if (at_speed)
		let_workers_run(10);
	reading = true;
	seen = porter_bytes_used_interval(tracker);
	reading = false;
	r->intervals++;
	if (told < seen.lower || told > seen.upper) {
		r->outside++;
		fail("oracle %lld outside [%lld, %lld]", told,
		     (long long)seen.lower, (long long)seen.upper);
	}
	if (seen.upper - seen.lower > r->widest)
		r->widest = seen.upper - seen.lower;
	r->equal += seen.lower == seen.upper;
	used = porter_bytes_used(tracker);
	if (used < 0 || seen.lower < 0) {
		r->negative++;
		fail("negative: %lld", (long long)used);
	}
	r->exact_tries++;
	r->exact += porter_bytes_used_exact(tracker, &used, 1000) == 0;
}

int main(void)
{
	const char *wish = getenv("PORTER_STRESS");
	double length = wish ? atof(wish) : 3, end, next_word = 1;
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };
	pthread_t workers[WORKERS], churning, forking;
	pthread_rwlockattr_t prefer_writer;
	struct readings r = { 0 };
	struct porter_stats stats = { .size = sizeof(stats) };
	void *churned, *forked;
	unsigned long rounds = 0;

	pthread_rwlockattr_init(&prefer_writer);
#ifdef __GLIBC__
	pthread_rwlockattr_setkind_np(
		&prefer_writer, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(&operation, &prefer_writer);
	pthread_key_create(&late_key, in_late_destructor);
	tracker = porter_tracked_new(NULL);
	signals_counted = porter_counter_new();
	porter__test_point = ask_oracle;
	sigaction(SIGUSR1, &action, NULL);
	printf("1..6\n# %g seconds\n", length);
	fflush(stdout);
	for (uintptr_t i = 0; i < WORKERS; i++)
		pthread_create(&workers[i], NULL, worker, (void *)(i + 1));
	pthread_create(&churning, NULL, churn, NULL);
	pthread_create(&forking, NULL, forks, NULL);
	for (end = seconds() + length; seconds() < end; rounds++) {
		read_once(&r);
		pthread_kill(workers[rounds % WORKERS], SIGUSR1);
		if (seconds() > end - length + next_word) {
			printf("# %.0f s: %lu intervals\n", next_word,
			       r.intervals);
			fflush(stdout);
			next_word *= 2;
		}
	}
	atomic_store(&stop, true);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	pthread_join(churning, &churned);
	pthread_join(forking, &forked);
	for (int i = 0; i < SHARED_BLOCKS; i++)
		free_block(atomic_exchange(&shared[i], NULL));

	porter_tracked_stats(tracker, &stats);
	printf("# %lu intervals, %lu exact at once, widest %lld bytes\n",
	       r.intervals, r.equal, r.widest);
	printf("# %lu of %lu exact reads of at most 1000 tries\n", r.exact,
	       r.exact_tries);
	printf("# %llu allocations, %llu signals, %lu short threads, %lu forks\n",
	       (unsigned long long)stats.allocations,
	       (unsigned long long)atomic_load(&signals_raised),
	       (unsigned long)(uintptr_t)churned,
	       (unsigned long)(uintptr_t)forked);
	result(1, r.outside == 0, "the oracle is in every interval");
	result(2, r.negative == 0, "no read is negative");
	result(3,
	       stats.bytes_used == 0 && atomic_load(&oracle) == 0 &&
		       stats.allocations == stats.frees,
	       "all bytes came back");
	result(4,
	       porter_counter_sum(signals_counted) ==
		       (int64_t)atomic_load(&signals_raised),
	       "what signal handlers counted is there");
	result(5, atomic_load(&bad_children) == 0, "children of forks agree");
	result(6, atomic_load(&failures) == 0, "nothing else went wrong");
	porter_counter_destroy(signals_counted);
	return left_at_destroy(tracker) != 0 || atomic_load(&failures);
}
