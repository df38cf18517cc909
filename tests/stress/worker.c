/* SPDX-License-Identifier: MIT */
/*
 * worker.c: threads that allocate, resize and free; see worker.h.
 */
#include "worker.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct job job;
atomic_size_t shelf_width;
atomic_ulong *steps;

static atomic_bool stop;
static atomic_int seated;

/* ---- Trackers ---- */

_Thread_local bool may_be_refused;

int worker_refused(porter_tracked *t, size_t size, void *context)
{
	(void)context;
	if (!may_be_refused)
		fault("%zu bytes are about to be refused, %lld in use", size,
		      (long long)porter_bytes_used(t));
	return 0;
}

porter_tracked *make_tracker(struct level *l)
{
	struct porter_tracked_options o = {
		.size = sizeof(o),
		.parent = l->parent ? l->parent->t : NULL,
		.limit = l->bound == INT64_MAX ? 0 : l->bound,
		.on_refused = l->parent ? NULL : worker_refused,
	};

	l->t = porter_tracked_new_with(l->over_malloc ? NULL : &l->base, &o);
	if (!l->t)
		abort();
	return l->t;
}

int64_t destroy(porter_tracked *t)
{
#ifdef PORTER_TRACKED_OPTIONS_INIT
	int64_t leaked = 0;

	return porter_tracked_destroy(t, &leaked) == 0 ? leaked : -1;
#else
	return porter_tracked_destroy(t);
#endif
}

/* ---- Blocks ---- */

enum way { ALLOCATED, ALIGNED, MALLOCED, CHARGED };

struct block {
	atomic_flag taken; /* by who works on it */
	struct level *l;
	void *ptr;
	size_t size;
	enum way way;
	bool full; /* there is one */
};

static struct block careful_shelf[SHELF], greedy_shelf[SHELF];

static void add(atomic_ullong *counter, unsigned long long n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#define COUNT(first, what, n)                                             \
	do {                                                              \
		for (struct level *at_ = (first); at_; at_ = at_->parent) \
			add(&at_->what, (n));                             \
	} while (0)

static void *call_get(porter_tracked *t, size_t size, enum way way)
{
	porter_allocator *a = porter_tracked_allocator(t);

	switch (way) {
	case ALLOCATED:
		return porter_allocate(a, size);
	case ALIGNED:
		return porter_allocate_aligned(a, size, 64);
	case MALLOCED:
		return porter_malloc(t, size);
	case CHARGED:
		break;
	}
	return porter_charge(t, size) == 0 ? &job : NULL;
}

static void call_put(const struct block *b)
{
	porter_allocator *a = porter_tracked_allocator(b->l->t);

	switch (b->way) {
	case ALLOCATED:
		porter_free(a, b->ptr, b->size);
		break;
	case ALIGNED:
		porter_free_aligned(a, b->ptr, b->size, 64);
		break;
	case MALLOCED:
		porter_mfree(b->l->t, b->ptr);
		break;
	case CHARGED:
		porter_refund(b->l->t, b->size);
		break;
	}
}

static void *call_resize(const struct block *b, size_t size)
{
	porter_allocator *a = porter_tracked_allocator(b->l->t);

	if (b->way == MALLOCED)
		return porter_realloc(b->l->t, b->ptr, size);
	if (b->way == ALIGNED)
		return porter_reallocate_aligned(a, b->ptr, b->size, size, 64);
	return porter_reallocate(a, b->ptr, b->size, size);
}

/* Who asks, how. */
struct worker {
	int seat;
	bool greedy;
	unsigned seed;
};

static void was_refused(struct worker *w, struct level *l, size_t size)
{
	if (table_failed) {
		COUNT(l, failures, 1);
		return;
	}
	COUNT(l, refusals, 1);
	if (!w->greedy)
		fault("%s: refused %zu bytes, and had credit for them", l->name,
		      size);
	else if (!ledger_was_full(l, w->seat))
		fault("%s: refused %zu bytes while there was room", l->name,
		      size);
}

static size_t random_size(struct worker *w)
{
	return next_random(&w->seed) % (job.largest + 1);
}

/* A header would not count, and the table would count it. */
static enum way random_way(struct worker *w, struct level *l)
{
	static const enum way ways[] = { ALLOCATED, ALLOCATED, ALLOCATED,
					 ALIGNED,   CHARGED,   MALLOCED };

	return ways[next_random(&w->seed) % (l->over_malloc ? 6 : 5)];
}

/* False: it is to free something instead. */
static bool get(struct worker *w, struct block *b, struct level *l)
{
	size_t size = random_size(w);
	enum way way = random_way(w, l);
	void *ptr;

	if (!w->greedy && !credits_take(l, size))
		return false;
	ledger_asks(l, size, w->seat);
	table_failed = false;
	may_be_refused = w->greedy;
	ptr = call_get(l->t, size, way);
	if (!ptr) {
		was_refused(w, l, size);
		ledger_is_without(l, size);
		if (!w->greedy)
			credits_give(l, size);
		return false;
	}
	ledger_has(l, size, way != CHARGED);
	COUNT(l, allocations, 1);
	COUNT(l, allocated, size);
	b->l = l;
	b->ptr = ptr;
	b->size = size;
	b->way = way;
	b->full = true;
	return true;
}

static void put(struct worker *w, struct block *b)
{
	struct level *l = b->l;

	ledger_gives(l, b->size, b->way != CHARGED);
	call_put(b);
	ledger_is_without(l, b->size);
	if (!w->greedy)
		credits_give(l, b->size);
	COUNT(l, frees, 1);
	COUNT(l, freed, b->size);
	b->full = false;
}

static void grow(struct worker *w, struct block *b, size_t more)
{
	struct level *l = b->l;
	void *ptr;

	if (!w->greedy && !credits_take(l, more))
		return;
	ledger_asks(l, more, w->seat);
	ptr = call_resize(b, b->size + more);
	if (!ptr) {
		was_refused(w, l, more);
		ledger_is_without(l, more);
		if (!w->greedy)
			credits_give(l, more);
		return;
	}
	ledger_has(l, more, true);
	COUNT(l, reallocations, 1);
	COUNT(l, allocated, more);
	b->ptr = ptr;
	b->size += more;
}

/* It cannot be refused, but the table may have no memory. */
static void shrink(struct worker *w, struct block *b, size_t less)
{
	struct level *l = b->l;
	void *ptr;

	ledger_gives(l, less, true);
	ptr = call_resize(b, b->size - less);
	if (!ptr) {
		if (!table_failed)
			fault("%s: refused to make a block smaller", l->name);
		COUNT(l, failures, 1);
		ledger_has(l, less, true);
		return;
	}
	ledger_is_without(l, less);
	if (!w->greedy)
		credits_give(l, less);
	COUNT(l, reallocations, 1);
	COUNT(l, freed, less);
	b->ptr = ptr;
	b->size -= less;
}

static void resize(struct worker *w, struct block *b)
{
	size_t size = 1 + random_size(w);

	table_failed = false;
	may_be_refused = w->greedy;
	if (b->way == CHARGED || size == b->size || b->size == 0)
		put(w, b);
	else if (size > b->size)
		grow(w, b, size - b->size);
	else
		shrink(w, b, b->size - size);
}

/* ---- Trackers that come and go ---- */

enum { OWN = 16 };

static struct level owned[SEATS][2];

static void work_in(struct worker *w, struct level *l, int rounds)
{
	struct block own[OWN] = { { .l = NULL } };

	for (int i = 0; i < rounds; i++) {
		struct block *b = &own[next_random(&w->seed) % OWN];

		if (!b->full)
			get(w, b, l);
		else if (next_random(&w->seed) % 4 == 0)
			resize(w, b);
		else
			put(w, b);
	}
	for (int i = 0; i < OWN; i++)
		if (own[i].full)
			put(w, &own[i]);
}

/* Some end with bytes that are still in use, which leave with them. */
static void end_own(struct worker *w, struct level *l)
{
	size_t left = next_random(&w->seed) % 4 ? 0 : 100;

	if (left && credits_take(l, left)) {
		ledger_asks(l, left, w->seat);
		may_be_refused = false;
		if (porter_charge(l->t, left) != 0)
			fault("%s: refused to charge what there was credit for",
			      l->name);
		COUNT(l, allocations, 1);
		COUNT(l, allocated, left);
		if (destroy(l->t) != (int64_t)left)
			fault("a child did not tell what it had left");
		COUNT(l, frees, 1);
		COUNT(l, freed, left);
		ledger_is_without(l, left);
		credits_give(l, left);
	} else if (destroy(l->t) != 0) {
		fault("a child that is done has something left");
	}
}

static void have_own(struct worker *w)
{
	struct level *mine = owned[w->seat];
	struct level *above = job.careful[next_random(&w->seed) %
					  (unsigned)job.careful_targets];
	int64_t bound = next_random(&w->seed) % 2 ? INT64_MAX : 20000;
	int levels = 1 + (int)(next_random(&w->seed) % 2);

	for (int i = 0; i < levels; i++) {
		level_init(&mine[i], i ? &mine[0] : above, "a passing one",
			   bound);
		mine[i].over_malloc = above->over_malloc;
		mine[i].table_is_sure = above->table_is_sure;
		make_tracker(&mine[i]);
	}
	work_in(w, &mine[levels - 1], (int)(next_random(&w->seed) % 200));
	for (int i = levels - 1; i >= 0; i--)
		end_own(w, &mine[i]);
}

/* ---- One thread ---- */

/* With what is held all the time, one more than the limit of one level. */
static void ask_for_too_much(struct worker *w, struct level *l)
{
	const struct level *full = l;
	size_t size;

	while (full->parent &&
	       (full->bound == INT64_MAX || next_random(&w->seed) % 2))
		full = full->parent;
	if (full->bound == INT64_MAX)
		return;
	size = (size_t)(full->bound - full->held) + 1;
	table_failed = false;
	may_be_refused = true;
	if (call_get(l->t, size, random_way(w, l)))
		fault("%s: granted %zu bytes", l->name, size);
	COUNT(l, refusals, 1);
}

static void work_once(struct worker *w)
{
	struct block *shelf = w->greedy ? greedy_shelf : careful_shelf;
	size_t width = w->greedy ? SHELF : atomic_load(&shelf_width);
	struct block *b = &shelf[next_random(&w->seed) % SHELF];
	struct level *const *targets = w->greedy ? job.greedy : job.careful;
	int count = w->greedy ? job.greedy_targets : job.careful_targets;
	struct level *l = targets[next_random(&w->seed) % (unsigned)count];

	if (!w->greedy && next_random(&w->seed) % 500 == 0)
		ask_for_too_much(w, l);
	if (!w->greedy && job.trackers_come_and_go &&
	    next_random(&w->seed) % 300 == 0)
		have_own(w);
	if (atomic_flag_test_and_set(&b->taken))
		return;
	if (b->full &&
	    (next_random(&w->seed) % 4 || (size_t)(b - shelf) >= width))
		put(w, b);
	else if (b->full)
		resize(w, b);
	else if ((size_t)(b - shelf) < width)
		get(w, b, l);
	atomic_flag_clear(&b->taken);
}

static void block_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(how, &set, NULL);
}

static void seat(struct worker *w);

static void *work(void *argument)
{
	struct worker *w = argument;
	unsigned life = 200 + next_random(&w->seed) % 3000;

	/* So that a child which a handler forks can read without a lock. */
	porter_thread_register();
	block_signals(SIG_UNBLOCK);
	for (unsigned i = 0; i < life && !atomic_load(&stop); i++) {
		work_once(w);
		if (i % 64 == 0)
			atomic_fetch_add(steps, 1);
	}
	block_signals(SIG_BLOCK);
	if (!atomic_load(&stop))
		seat(w);
	else
		atomic_fetch_sub(&seated, 1);
	return NULL;
}

/* Where there is no thread to be had, there soon will be. */
static void seat(struct worker *w)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	while (pthread_create(&thread, &attributes, work, w) != 0)
		sched_yield();
	pthread_attr_destroy(&attributes);
}

/* ---- All of them ---- */

static struct worker workers[SEATS];

void workers_start(int careful, int greedy)
{
	block_signals(SIG_BLOCK);
	atomic_store(&stop, false);
	for (int i = 0; i < SHELF; i++) {
		atomic_flag_clear(&careful_shelf[i].taken);
		atomic_flag_clear(&greedy_shelf[i].taken);
	}
	atomic_store(&seated, careful + greedy);
	for (int i = 0; i < careful + greedy; i++) {
		workers[i] = (struct worker){
			.seat = i,
			.greedy = i >= careful,
			.seed = 1 + (unsigned)i * 7919,
		};
		seat(&workers[i]);
	}
}

void workers_stop(void)
{
	const struct timespec a_little = { .tv_nsec = 100000 };

	atomic_store(&stop, true);
	while (atomic_load(&seated) > 0)
		nanosleep(&a_little, NULL);
}

void shelves_clear(void)
{
	struct worker careful = { .seat = 0 };
	struct worker greedy = { .seat = 0, .greedy = true };

	for (int i = 0; i < SHELF; i++) {
		if (careful_shelf[i].full)
			put(&careful, &careful_shelf[i]);
		if (greedy_shelf[i].full)
			put(&greedy, &greedy_shelf[i]);
	}
}
