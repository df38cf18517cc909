/* SPDX-License-Identifier: MIT */
/*
 * gate.h: an allocator that stops, once, where it is told: before it gets a
 * block, or after it has got one back. The thread that came to it is in the
 * middle of an operation then; others come, or look, until it goes on.
 */
#ifndef TESTS_API_GATE_H
#define TESTS_API_GATE_H

#include "support.h"

#include <portermem/portermem.h>

#include <pthread.h>

static inline porter_allocator *of(porter_tracked *t)
{
	return porter_tracked_allocator(t);
}

static inline void end(porter_tracked *t)
{
	assert_int_equal(left_at_destroy(t), 0);
}

static inline void assert_between(int64_t value, int64_t min, int64_t max)
{
	if (value < min || value > max)
		fail_msg("%lld, not %lld to %lld", (long long)value,
			 (long long)min, (long long)max);
}

enum where { NOWHERE, BEFORE_ALLOCATE, AFTER_FREE };

struct gate {
	porter_allocator base;
	pthread_barrier_t inside, go_on;
	enum where closed;
	bool fail;
	porter_tracked *inner; /* before it stops: an operation there */
};

static inline bool stopped(struct gate *g, enum where here)
{
	void *block;

	if (g->closed != here)
		return false;
	g->closed = NOWHERE;
	if (g->inner) {
		block = porter_allocate(of(g->inner), 1);
		porter_free(of(g->inner), block, 1);
	}
	pthread_barrier_wait(&g->inside);
	pthread_barrier_wait(&g->go_on);
	return true;
}

static inline void *gate_allocate(porter_allocator *self, size_t size,
				  size_t alignment)
{
	struct gate *g = (struct gate *)self;

	(void)alignment;
	return stopped(g, BEFORE_ALLOCATE) && g->fail ? NULL : malloc(size);
}

static inline void gate_free(porter_allocator *self, void *ptr, size_t size,
			     size_t alignment)
{
	(void)size;
	(void)alignment;
	free(ptr);
	stopped((struct gate *)self, AFTER_FREE);
}

static inline void *gate_reallocate(porter_allocator *self, void *ptr,
				    size_t old_size, size_t new_size,
				    size_t alignment)
{
	(void)self;
	(void)old_size;
	(void)alignment;
	return realloc(ptr, new_size);
}

static const struct porter_allocator_vtable gate_table = {
	.size = sizeof(gate_table),
	.name = "gate",
	.allocate = gate_allocate,
	.reallocate = gate_reallocate,
	.free = gate_free,
};

static struct gate gate;

static inline porter_tracked *behind_gate(porter_tracked *parent, int64_t limit)
{
	struct porter_tracked_options o = { .size = sizeof(o),
					    .parent = parent,
					    .limit = limit,
					    .quantum = 65536 };
	porter_tracked *t = porter_tracked_new_with(&gate.base, &o);

	assert_non_null(t);
	return t;
}

static inline void gate_init(void)
{
	gate = (struct gate){ .base.vtable = &gate_table };
	pthread_barrier_init(&gate.inside, NULL, 2);
	pthread_barrier_init(&gate.go_on, NULL, 2);
}

static pthread_t thread;

/* Returns when the thread has come to where it stops. */
static inline void start(void *(*work)(void *), void *context)
{
	assert_int_equal(pthread_create(&thread, NULL, work, context), 0);
	pthread_barrier_wait(&gate.inside);
}

static inline void finish(void)
{
	pthread_barrier_wait(&gate.go_on);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&gate.inside);
	pthread_barrier_destroy(&gate.go_on);
}

struct block {
	porter_tracked *t;
	void *ptr;
	size_t size;
};

static inline void *get(void *context)
{
	struct block *b = context;

	b->ptr = porter_allocate(of(b->t), b->size);
	return NULL;
}

static inline void *give(void *context)
{
	struct block *b = context;

	porter_free(of(b->t), b->ptr, b->size);
	return NULL;
}

/* Two at work at once, as a tracker sees it from then on. */
static inline void share(porter_tracked *t)
{
	struct block one = { .t = t, .size = 100 };
	struct block two = one;

	get(&one);
	gate.closed = AFTER_FREE;
	start(give, &one);
	get(&two);
	pthread_barrier_wait(&gate.go_on);
	assert_int_equal(pthread_join(thread, NULL), 0);
	give(&two);
}

#endif /* TESTS_API_GATE_H */
