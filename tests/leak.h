/* SPDX-License-Identifier: MIT */
/*
 * leak.h: a tracker is ended, and what it had still in use is compared.
 */
#ifndef TESTS_LEAK_H
#define TESTS_LEAK_H

#include <portermem/tracked.h>

#include <stdio.h>
#include <stdlib.h>

/* The bytes still in use. A tracker that cannot be ended ends the test. */
static inline int64_t left_at_destroy(porter_tracked *t)
{
	int64_t leaked = 0;

	if (porter_tracked_destroy(t, &leaked) != 0) {
		perror("porter_tracked_destroy");
		abort();
	}
	return leaked;
}

#endif /* TESTS_LEAK_H */
