/* SPDX-License-Identifier: MIT */
/*
 * support.h: what the tests share.
 *
 *	scaled(), threads_allowed()	how much to do: less where a tool that
 *					looks on makes everything slow
 *	skip_because()			leave a test out, and say why
 *	must()				assert for threads and children, which
 *					cmocka's assertions are not made for
 *	in_threads()			many threads, let go at one instant
 *	in_child()			a process apart, and how it ended
 *	tracker_of_kind()		the same tests for all kinds of trackers
 *	next_random()			numbers that come again with the seed
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "leak.h"

#include <portermem/portermem.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* A limit that is far away, and still a size that can be asked for. */
#define FAR_LIMIT \
	(PTRDIFF_MAX > INT32_MAX ? (int64_t)1 << 40 : (int64_t)3 << 29)

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifndef WITH_TSAN
#define WITH_TSAN 0
#endif

/* What a tool has put itself between the program and the machine. */
bool under_valgrind(void);
/* One of the tools has its own malloc and mmap, and a large address space. */
bool under_a_tool(void);

/*
 * n, or as much less as the tool that looks on makes sensible, at least 1.
 * The environment variable PORTER_TEST_SCALE, a percentage, overrides it.
 */
size_t scaled(size_t n);

/* n, or as many threads as the tool that looks on can bear. */
size_t threads_allowed(size_t n);

/* Skips the test that runs. The reason ends up in the SKIP line. */
/* Where addresses have 32 bits, half of all of them may be had in one block. */
#define skip_where_half_may_be_had()                                       \
	do {                                                               \
		if (sizeof(size_t) < 8)                                    \
			skip_because("PTRDIFF_MAX bytes may be had here"); \
	} while (0)

#define skip_because(...)                     \
	do {                                  \
		print_message("# because: "); \
		print_message(__VA_ARGS__);   \
		print_message("\n");          \
		skip();                       \
	} while (0)

/* Ends the program with a message when the condition does not hold. */
#define must(condition) \
	((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))
void must_failed(const char *condition, const char *file, int line)
	__attribute__((noreturn));

/* A generator of numbers (splitmix64), started from PORTER_TEST_SEED. */
uint64_t random_seed(void);
uint64_t next_random(uint64_t *state);
/* Evenly from 0 to below - 1. */
size_t random_below(uint64_t *state, size_t below);

/*
 * Runs n threads with small stacks, each as run(arg, number), from one
 * instant on, and waits for their end. Returns false, having ended those that
 * had started, when the machine gives no more threads.
 */
bool in_threads(size_t n, void (*run)(void *arg, size_t number), void *arg);

/* One thread, from start to end. */
void in_a_thread(void (*run)(void *arg), void *arg);

/* How a child process ended, and what it wrote to standard error. */
struct child_end {
	int status;
	char text[4096];
};

struct child_end in_child(void (*run)(void *arg), void *arg);

/* Runs the tests as one group, in TAP; for the end of main(). */
int run_group(const char *name, const struct CMUnitTest *tests, size_t n);
#define run_all(name, tests) run_group(name, tests, ARRAY_SIZE(tests))

/*
 * A tracker as porter_tracked_new() makes one; or, where the environment
 * variable PORTER_TEST_KIND says so, one of another kind, which must behave no
 * differently: "bounded" by a limit far away, a "child" of others.
 * (check-kinds.sh)
 */
porter_tracked *tracker_of_kind(porter_allocator *underlying);
#ifndef WITHOUT_KINDS
#define porter_tracked_new tracker_of_kind
#endif

#endif /* TESTS_SUPPORT_H */
