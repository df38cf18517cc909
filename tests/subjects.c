/* SPDX-License-Identifier: MIT */
/*
 * subjects.c: the same tests for every allocator; see subjects.h.
 */
#include "subjects.h"

#include <string.h>

static const char *const backends[] = { "system", "jemalloc", "mimalloc" };

enum { SUBJECTS = 2 * ARRAY_SIZE(backends) };

int64_t counted(const struct subject *s, int64_t expected)
{
	return s->t ? porter_bytes_used(s->t) : expected;
}

static porter_allocator *usable_backend(const char *name)
{
	/* Thread-local storage as they use it is beyond valgrind. */
	if (under_valgrind() && strcmp(name, "system") != 0)
		return NULL;
	return porter_backend(name);
}

static void make_subject(struct subject *s, const char *backend, bool tracked)
{
	s->backend = backend;
	s->is_tracked = tracked;
	s->a = usable_backend(backend);
	if (s->a && tracked) {
		s->t = porter_tracked_new(s->a);
		must(s->t);
		s->a = porter_tracked_allocator(s->t);
	}
}

static char *name_of(const char *test, const struct subject *s)
{
	char *name;

	must(asprintf(&name, "%s (%s%s)", test, s->backend,
		      s->is_tracked ? ", tracked" : "") > 0);
	return name;
}

int run_with_subjects(const char *name, const struct CMUnitTest *tests,
		      size_t n)
{
	struct CMUnitTest *all = calloc(n * SUBJECTS, sizeof(*all));
	struct subject subjects[SUBJECTS] = { 0 };
	int64_t left = 0;
	int failed;

	must(all);
	for (size_t i = 0; i < SUBJECTS; i++) {
		make_subject(&subjects[i], backends[i / 2], i % 2);
		for (size_t j = 0; j < n; j++) {
			all[i * n + j] = tests[j];
			all[i * n + j].name =
				name_of(tests[j].name, &subjects[i]);
			all[i * n + j].initial_state = &subjects[i];
		}
	}
	failed = run_group(name, all, n * SUBJECTS);
	for (size_t i = 0; i < SUBJECTS; i++)
		left += left_at_destroy(subjects[i].t);
	must(failed || left == 0);
	for (size_t i = 0; i < n * SUBJECTS; i++)
		free((void *)(uintptr_t)all[i].name);
	free(all);
	return failed;
}
