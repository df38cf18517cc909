/* SPDX-License-Identifier: MIT */
/*
 * trial.c: what every adapter is put through; see trial.h.
 */
#include "trial.h"

#include <pthread.h>
#include <signal.h>

enum { THREADS = 4 };

struct errand {
	void (*run)(void *arg);
	void *arg;
};

/* A child ends by _exit(), without what gcov has at exit. */
static void write_coverage(void)
{
#ifdef PORTER_COVERAGE
	extern void __gcov_dump(void);

	__gcov_dump();
#endif
}

/* cmocka's handlers would go on with the next test, in the child. */
static void run_without_handlers(void *arg)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	const struct errand *errand = arg;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	errand->run(errand->arg);
	write_coverage();
}

void run_apart(void (*run)(void *arg), void *arg)
{
	struct errand errand = { run, arg };

	assert_int_equal(in_child(run_without_handlers, &errand).status, 0);
}

void trial_holds(const porter_tracked *t)
{
	must(porter_bytes_used(t) > 0);
}

static struct porter_stats stats_of(const porter_tracked *t)
{
	struct porter_stats stats = { .size = sizeof(stats) };

	must(porter_tracked_stats(t, &stats) == 0);
	return stats;
}

static porter_tracked *install_new(const struct adapted *it,
				   porter_allocator *below)
{
	porter_tracked *t = porter_tracked_new(below);

	must(t);
	must(!it->install || it->install(t) == 0);
	return t;
}

/* What the library keeps for itself has come back, too. */
static void end(const struct adapted *it, porter_tracked *t)
{
	if (it->shut_down)
		it->shut_down();
	must(porter_bytes_used(t) == 0);
	must(stats_of(t).allocations == stats_of(t).frees);
	must(left_at_destroy(t) == 0);
}

/* ---- Installing ---- */

static void install_apart(void *arg)
{
	const struct adapted *it = arg;
	porter_tracked *other = porter_tracked_new(NULL);
	porter_tracked *t;

	must(other);
	errno = 0;
	must(it->install(NULL) == -1);
	must(errno == EINVAL);
	t = install_new(it, NULL);
	errno = 0;
	must(it->install(other) == -1);
	must(errno == EBUSY);
	must(it->job(t));
	must(stats_of(t).allocations > 0);
	must(stats_of(other).allocations == 0);
	end(it, t);
}

void trial_installs(void **state)
{
	struct adapted *it = *state;

	run_apart(install_apart, it);
}

/* ---- Threads ---- */

struct crew {
	const struct adapted *it;
	porter_tracked *t;
	size_t rounds;
};

static void *work(void *arg)
{
	const struct crew *crew = arg;

	for (size_t i = 0; i < crew->rounds; i++)
		must(crew->it->job(crew->t));
	return NULL;
}

static void threads_apart(void *arg)
{
	const struct adapted *it = arg;
	pthread_t threads[THREADS];
	struct crew crew = { .it = it, .rounds = scaled(it->rounds) };
	int64_t before;
	uint64_t requests;

	crew.t = install_new(it, NULL);
	must(it->job(crew.t)); /* what the library keeps is there now */
	before = porter_bytes_used(crew.t);
	requests = stats_of(crew.t).allocations;
	must(requests > 0);
	for (size_t i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, work, &crew) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	must(it->keeps || porter_bytes_used(crew.t) == before);
	must(stats_of(crew.t).allocations >= requests + THREADS * crew.rounds);
	end(it, crew.t);
}

void trial_threads(void **state)
{
	run_apart(threads_apart, *state);
}

/* ---- Without memory ---- */

struct refusals {
	size_t made, reported;
};

/* The n-th request fails, for n = 1, 2, ... until the job asks for fewer. */
static struct refusals refuse_each(const struct adapted *it, porter_tracked *t,
				   struct picky *picky)
{
	int64_t before = porter_bytes_used(t);
	struct refusals refusals = { 0, 0 };
	bool refused, done;

	for (;;) {
		picky->fail_at = picky->requests + refusals.made + 1;
		done = it->job(t);
		refused = picky->requests >= picky->fail_at;
		picky->fail_at = 0;
		must(it->keeps || porter_bytes_used(t) == before);
		if (!refused)
			break;
		refusals.made++;
		refusals.reported += !done;
	}
	must(done);
	must(refusals.made > 0);
	must(refusals.reported > 0);
	return refusals;
}

static void without_memory_apart(void *arg)
{
	const struct adapted *it = arg;
	struct picky picky;
	porter_tracked *t;

	picky_init(&picky, NULL);
	t = install_new(it, &picky.base);
	must(it->job(t)); /* what the library keeps is there now */
	for (int after = 0; after < 2; after++) {
		struct refusals refusals;

		picky.fail_after = after;
		refusals = refuse_each(it, t, &picky);
		print_message("# %s: %zu requests, %zu times reported\n",
			      after ? "from the n-th on" : "the n-th fails",
			      refusals.made, refusals.reported);
	}
	fflush(NULL);
	must(it->job(t));
	end(it, t);
	picky_fini(&picky);
}

void trial_without_memory(void **state)
{
	run_apart(without_memory_apart, *state);
}
