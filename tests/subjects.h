/* SPDX-License-Identifier: MIT */
/*
 * subjects.h: the same tests for every allocator that there is.
 *
 *	{system, jemalloc, mimalloc} x {direct, tracked}
 *
 * A test takes its subject from *state. One that is not on this machine is
 * skipped by SUBJECT(), with the reason.
 */
#ifndef TESTS_SUBJECTS_H
#define TESTS_SUBJECTS_H

#include "support.h"

#include <portermem/portermem.h>

struct subject {
	const char *backend;
	bool is_tracked;
	porter_allocator *a; /* NULL: not on this machine */
	porter_tracked *t;   /* NULL: direct */
};

/*
 * The subject, in a test: skips where there is none; and where a tool puts
 * its own malloc in place of the one that the backend is about to find.
 */
#define SUBJECT(s, state)                                             \
	struct subject *s = *(state);                                 \
	if (!(s)->a)                                                  \
	skip_because("%s is not to be found on this machine, or not " \
		     "usable under this tool",                        \
		     (s)->backend)

/* Bytes counted as in use, or expected where the subject counts nothing. */
int64_t counted(const struct subject *s, int64_t expected);

/* Runs each test with each subject, as one group. */
int run_with_subjects(const char *name, const struct CMUnitTest *tests,
		      size_t n);
#define run_all_with_subjects(name, tests) \
	run_with_subjects(name, tests, ARRAY_SIZE(tests))

#endif /* TESTS_SUBJECTS_H */
