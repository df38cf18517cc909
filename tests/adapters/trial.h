/* SPDX-License-Identifier: MIT */
/*
 * trial.h: what every adapter is put through.
 *
 * A test of an adapter has a real job for its library, which begins and ends
 * with nothing held, and says how the adapter is installed. What is here does
 * the rest, each in a process of its own, since most libraries have one
 * allocator for good:
 *
 *	trial_installs		NULL is refused, a second time is refused
 *	trial_threads		the job in threads: it is counted, 0 at the end
 *	trial_without_memory	the n-th request fails, for each n: the library
 *				lives on and leaks nothing; then also all
 *				requests from the n-th on
 */
#ifndef TESTS_ADAPTERS_TRIAL_H
#define TESTS_ADAPTERS_TRIAL_H

#include <portermem/portermem.h>

#include "picky.h"
#include "support.h"

struct adapted {
	/* porter_X_install(); NULL where the tracker goes to each object. */
	int (*install)(porter_tracked *t);
	/*
	 * A job that ends with nothing held. False when the library says that
	 * there is no memory; ends the program when a result is wrong. Calls
	 * trial_holds() amid.
	 */
	bool (*job)(porter_tracked *t);
	/* Ends what the library keeps for itself; may be NULL. */
	void (*shut_down)(void);
	/*
	 * The library keeps more and more, up to some bound: only after
	 * shut_down() can be told that nothing is lost.
	 */
	bool keeps;
	/* Rounds of the job in each thread. */
	size_t rounds;
};

#define TRIALS(adapted)                                    \
	cmocka_unit_test_prestate(trial_threads, adapted), \
		cmocka_unit_test_prestate(trial_without_memory, adapted)
#define TRIALS_WITH_INSTALL(adapted) \
	cmocka_unit_test_prestate(trial_installs, adapted), TRIALS(adapted)

void trial_installs(void **state);
void trial_threads(void **state);
void trial_without_memory(void **state);

/* Amid a job: something must be counted. */
void trial_holds(const porter_tracked *t);

/* A test in a process of its own; what it checks, it checks with must(). */
#define TEST_APART(name)                         \
	static void name##_apart(void *nothing); \
	static void name(void **state)           \
	{                                        \
		(void)state;                     \
		run_apart(name##_apart, NULL);   \
	}                                        \
	static void name##_apart(__attribute__((__unused__)) void *nothing)

void run_apart(void (*run)(void *arg), void *arg);

#endif /* TESTS_ADAPTERS_TRIAL_H */
