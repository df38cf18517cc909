/* SPDX-License-Identifier: MIT */
/*
 * default.c: the allocator of the process.
 *
 * One pointer, read with acquire and exchanged atomically. It starts as NULL;
 * the first call builds a tracked allocator over the backend that the
 * environment names, in static memory and with an id that is kept for it, so
 * that it cannot fail.
 */
#include "4-allocator/default.h"

#include "0-machine/utf8.h"
#include "4-allocator/backend.h"
#include "4-allocator/early.h"
#include "4-allocator/found.h"
#include "4-allocator/tracked-init.h"
#include "4-allocator/vtable.h"

#include <stdio.h>
#include <stdlib.h>

static porter_tracked built_in;
static porter_allocator *current; /* NULL: the built-in one, not built yet */

static porter_allocator *backend_from_environment(void)
{
	const char *name = secure_getenv("PORTER_ALLOCATOR");
	porter_allocator *a;

	if (!name || !*name)
		return &porter__system;
	a = porter_backend(name);
	if (a)
		return a;
	fprintf(stderr,
		"portermem: PORTER_ALLOCATOR=%.*s: no such allocator on this "
		"machine (system, jemalloc, mimalloc); using system\n",
		(int)utf8_fit(name, 64), name);
	return &porter__system;
}

static struct search search = SEARCH_INIT;

static void build_over(porter_allocator *underlying)
{
	const struct account_options unlimited = { .limit = INT64_MAX };

	porter__tracked_init(&built_in, underlying, porter__id_reserved(),
			     &unlimited);
}

/*
 * To look for the backend may call malloc, and that may be the program's and come
 * here again. It then finds a tracker that works.
 */
static void build(void)
{
	porter_allocator *found;

	build_over(&porter__early);
	search_begin(&search);
	found = backend_from_environment();
	porter__malloc_aligns_small_blocks(); /* asks malloc */
	search_end(&search);
	if (porter__early_was_asked())
		porter__early_goes_on_with(found);
	else
		build_over(found);
}

/* Becomes the default, unless the program has set one. */
static porter_allocator *build_default(void)
{
	porter_allocator *expected = NULL;

	if (is_searching(&search))
		return &built_in.allocator;
	pthread_once(&search.once, build);
	return compare_exchange(&current, &expected, &built_in.allocator) ?
		       &built_in.allocator :
		       expected;
}

porter_allocator *porter_get_allocator(void)
{
	porter_allocator *a = load_acquire(&current);

	return likely(a) ? a : build_default();
}

porter_allocator *porter_set_allocator(porter_allocator *a)
{
	if (!a || !porter__is_allocator(a)) {
		errno = EINVAL;
		return NULL;
	}
	build_default(); /* So that there is one before. */
	return exchange(&current, a);
}

bool porter__is_default(const porter_allocator *a)
{
	return a == &built_in.allocator || a == load_acquire(&current);
}
