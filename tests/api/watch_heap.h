/* SPDX-License-Identifier: MIT */
/*
 * watch_heap.h: a tracker that is filled to any level, and what its watches say.
 */
#ifndef TESTS_WATCH_HEAP_H
#define TESTS_WATCH_HEAP_H

#include "life/life.h"

#include <portermem/portermem.h>

#include <poll.h>

enum { HIGH = 100000, LOW = 40000, STEP = 1000 };

/* ---- A tracker that is filled to any level ---- */

enum { MOST_BLOCKS = 4096 };

struct heap {
	porter_tracked *t;
	porter_allocator *a;
	void *blocks[MOST_BLOCKS];
	size_t count, step;
};

static inline void heap_over(struct heap *h, porter_tracked *t)
{
	must(t);
	h->t = t;
	h->a = porter_tracked_allocator(t);
	h->count = 0;
	h->step = STEP;
}

/* To so many bytes, in steps. */
static inline void fill_to(struct heap *h, size_t bytes)
{
	while (h->count * h->step < bytes) {
		h->blocks[h->count] = porter_allocate(h->a, h->step);
		must(h->blocks[h->count++]);
	}
	while (h->count * h->step > bytes)
		porter_free(h->a, h->blocks[--h->count], h->step);
}

static inline void begin(struct heap *h)
{
	heap_over(h, porter_tracked_new(NULL));
}

static inline void end(struct heap *h)
{
	fill_to(h, 0);
	assert_int_equal(left_at_destroy(h->t), 0);
}

static inline int add(porter_tracked *t, int64_t high, int64_t low)
{
	struct porter_watch w = { .size = sizeof(w), .high = high, .low = low };
	int watch = porter_watch_add(t, &w);

	must(watch >= 0);
	return watch;
}

static inline bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

static inline void expect(porter_tracked *t, int watch, uint64_t crossing,
			  uint64_t suppressed, int64_t bytes)
{
	struct porter_watch_event e = { .size = sizeof(e) };

	assert_int_equal(porter_watch_read(t, watch, &e), 0);
	assert_int_equal(e.size, sizeof(e));
	assert_int_equal(e.crossing, crossing);
	assert_int_equal(e.suppressed, suppressed);
	assert_int_equal(e.mark,
			 crossing % 2 ? PORTER_WATCH_HIGH : PORTER_WATCH_LOW);
	assert_int_equal(e.bytes, bytes);
}

static inline void expect_nothing(porter_tracked *t, int watch)
{
	struct porter_watch_event e = { .size = sizeof(e) };

	errno = 0;
	assert_int_equal(porter_watch_read(t, watch, &e), -1);
	assert_int_equal(errno, EAGAIN);
}

#endif /* TESTS_WATCH_HEAP_H */
