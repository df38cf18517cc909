/* SPDX-License-Identifier: MIT */
/*
 * limit.c: limits that are always nearly reached, against an exact oracle.
 *
 * Eight threads hold as much as they get, free at random when they are refused,
 * and go on. Under the trackers stand allocators that add up, with one atomic a
 * tracker and for its ancestors, what they have out: an oracle that counts a
 * block from before malloc until after free.
 *
 *	1 no overshoot		the oracle's highest value is within the limit
 *	2 no false refusal	at each refusal, while the lock is held, all
 *				cells are looked through: none has room, none
 *				has a free that its call has left unsettled, and
 *				what they use does not leave enough
 *	3 nothing lost		when all have freed, one thread can have all
 *	4 the peak		lies within its bounds
 *
 * Once with one tracker, once with a family of three levels, each with a limit
 * of its own. PORTER_STRESS is the number of seconds for each.
 */
#include "0-machine/test-point.h"
#include "3-centre/family.h"
#include "4-allocator/tracked.h"

#include <portermem/portermem.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 8, LIVE = 64, TRACKERS = 7, LARGEST = 4096 };

/* ---- The oracle ---- */

struct oracle {
	porter_allocator base;
	struct oracle *parent;
	atomic_llong sum, highest;
};

static void raise_highest(struct oracle *o, long long sum)
{
	long long seen = atomic_load(&o->highest);

	while (sum > seen &&
	       !atomic_compare_exchange_weak(&o->highest, &seen, sum))
		;
}

static void *oracle_allocate(porter_allocator *self, size_t size,
			     size_t alignment)
{
	for (struct oracle *o = (struct oracle *)self; o; o = o->parent)
		raise_highest(o, atomic_fetch_add(&o->sum, (long long)size) +
					 (long long)size);
	(void)alignment;
	return malloc(size);
}

static void oracle_free(porter_allocator *self, void *ptr, size_t size,
			size_t alignment)
{
	(void)alignment;
	free(ptr);
	for (struct oracle *o = (struct oracle *)self; o; o = o->parent)
		atomic_fetch_sub(&o->sum, (long long)size);
}

static void *oracle_reallocate(porter_allocator *self, void *ptr,
			       size_t old_size, size_t new_size,
			       size_t alignment)
{
	long long more = (long long)new_size - (long long)old_size;
	void *block;

	(void)alignment;
	for (struct oracle *o = (struct oracle *)self; o && more > 0;
	     o = o->parent)
		raise_highest(o, atomic_fetch_add(&o->sum, more) + more);
	block = realloc(ptr, new_size);
	for (struct oracle *o = (struct oracle *)self; o && more < 0;
	     o = o->parent)
		atomic_fetch_add(&o->sum, more);
	return block;
}

static const struct porter_allocator_vtable oracle_table = {
	.size = sizeof(oracle_table),
	.name = "oracle",
	.allocate = oracle_allocate,
	.reallocate = oracle_reallocate,
	.free = oracle_free,
};

/* ---- What is tested ---- */

static struct oracle oracles[TRACKERS];
static porter_tracked *trackers[TRACKERS];
static int count; /* of trackers */
static atomic_bool stop;
static atomic_ullong refusals, grants, faults;

static void fault(const char *format, ...)
{
	va_list arguments;

	if (atomic_fetch_add(&faults, 1) >= 10)
		return;
	printf("# ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

/* ---- Each refusal is looked into ---- */

static _Thread_local porter_tracked *asked;
static _Thread_local size_t asked_size;

/*
 * An operation in the calm may be between its parts, and goes on; so what does
 * not fit is looked at again for a while.
 */
static uint64_t used_by_cell(const struct cell *cell, size_t slot)
{
	uint64_t flight, word, quota, net;

	for (int looks = 0;; looks++) {
		net = word_read(&cell->word[ALLOCATED]) -
		      word_read(&cell->word[FREED]);
		word = word_read(&cell->word[QUOTA]);
		quota = quota_of(word);
		flight = word_read(&cell->word[FLIGHT]);
		if (!is_lent(word) && (net == quota || flight))
			break;
		if (looks == 1000) {
			fault("refused while slot %zu has room, or %lld bytes "
			      "unsettled",
			      slot, (long long)(quota - net));
			break;
		}
		sched_yield();
	}
	/* Taken in the calm, and not in the quota yet, perhaps. */
	if (slot != porter__self->element.index && net == quota &&
	    flight_state(flight) == TAKEN)
		return quota + flight_bytes(flight);
	return quota;
}

/* What its cells use, in the order in which operations settle. */
static int64_t used_by(struct centre *c)
{
	uint64_t used = porter__id_beside_cells(c->id, ALLOCATED) -
			porter__id_beside_cells(c->id, FREED);

	for (size_t slot = 0; slot < porter__slots_count(); slot++) {
		const struct cell *cell = porter__slot_cell(slot, c->at);

		if (cell)
			used += used_by_cell(cell, slot);
	}
	return (int64_t)used;
}

static bool is_legal(struct centre *x)
{
	int64_t used = 0;

	family_for_each(x, member)
		used += used_by(member);
	return used + (int64_t)asked_size > x->limit;
}

static void look(enum test_point point)
{
	struct centre *x;

	if (point != REFUSING)
		return;
	for (x = centre_of(asked); x; x = x->parent)
		if (x->limit != INT64_MAX &&
		    x->reserved + (int64_t)asked_size > x->limit)
			break;
	if (!x || !is_legal(x))
		fault("refused %zu bytes while there was room", asked_size);
}

/* ---- Work ---- */

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

struct block {
	void *ptr;
	size_t size;
	porter_allocator *a;
};

static void drop(struct block *b)
{
	porter_free(b->a, b->ptr, b->size);
	*b = (struct block){ NULL, 0, b->a };
}

static void get(struct block *b, unsigned *seed)
{
	asked = trackers[next(seed) % (unsigned)count];
	asked_size = 1 + next(seed) % LARGEST;
	b->a = porter_tracked_allocator(asked);
	b->ptr = porter_allocate(b->a, asked_size);
	b->size = b->ptr ? asked_size : 0;
	atomic_fetch_add(b->ptr ? &grants : &refusals, 1);
}

static void resize(struct block *b, unsigned *seed)
{
	size_t size = 1 + next(seed) % LARGEST;
	void *ptr;

	asked = porter_tracked_cast(b->a);
	asked_size = size > b->size ? size - b->size : 0;
	ptr = porter_reallocate(b->a, b->ptr, b->size, size);
	if (ptr) {
		b->ptr = ptr;
		b->size = size;
	}
}

static void *work(void *number)
{
	unsigned seed = 1 + (unsigned)(size_t)number;
	struct block live[LIVE] = { { NULL, 0, NULL } };

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		struct block *b = &live[next(&seed) % LIVE];

		if (!b->ptr)
			get(b, &seed);
		else if (next(&seed) % 4 == 0)
			resize(b, &seed);
		else
			drop(b);
		if (next(&seed) % 10000 == 0)
			for (int i = 0; i < LIVE; i++)
				if (live[i].ptr)
					drop(&live[i]);
	}
	for (int i = 0; i < LIVE; i++)
		if (live[i].ptr)
			drop(&live[i]);
	return NULL;
}

static void run(double seconds)
{
	struct timespec length = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9),
	};
	pthread_t threads[THREADS];

	atomic_store(&stop, false);
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			abort();
	nanosleep(&length, NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- What must hold ---- */

static int points;

static void result(bool good, const char *family, const char *what)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++points, family,
	       what);
	fflush(stdout);
}

static void make(int i, int parent, int64_t limit)
{
	struct porter_tracked_options o = {
		.size = sizeof(o),
		.parent = parent < 0 ? NULL : trackers[parent],
		.limit = limit,
	};

	oracles[i].base.vtable = &oracle_table;
	oracles[i].parent = parent < 0 ? NULL : &oracles[parent];
	atomic_store(&oracles[i].sum, 0);
	atomic_store(&oracles[i].highest, 0);
	trackers[i] = porter_tracked_new_with(&oracles[i].base, &o);
	if (!trackers[i])
		abort();
}

/* All of it, in one allocation. */
static bool takes_all(int i)
{
	porter_allocator *a = porter_tracked_allocator(trackers[i]);
	size_t size = (size_t)porter_tracked_limit(trackers[i]);
	void *all;

	for (int k = i; k >= 0; k = k ? (k - 1) / 2 : -1) {
		size_t limit = (size_t)porter_tracked_limit(trackers[k]);

		size = limit < size ? limit : size;
	}
	asked = trackers[i];
	asked_size = size;
	all = porter_allocate(a, size);
	porter_free(a, all, all ? size : 0);
	return all;
}

static void check(const char *name, double seconds)
{
	bool over = false, bracketed = true, all = true, clean = true;

	atomic_store(&refusals, 0);
	atomic_store(&grants, 0);
	atomic_store(&faults, 0);
	run(seconds);
	for (int i = 0; i < count; i++) {
		struct porter_interval peak = porter_peak(trackers[i]);
		long long highest = atomic_load(&oracles[i].highest);
		long long limit = porter_tracked_limit(trackers[i]);

		printf("# tracker %d: highest %lld of %lld, peak %lld..%lld\n",
		       i, highest, limit, (long long)peak.lower,
		       (long long)peak.upper);
		over |= highest > limit;
		bracketed &= peak.lower <= highest && highest <= peak.upper;
		clean &= porter_bytes_used(trackers[i]) == 0;
	}
	for (int i = count - 1; i >= 0; i--)
		all &= takes_all(i);
	printf("# %llu granted, %llu refused\n", atomic_load(&grants),
	       atomic_load(&refusals));
	result(!over, name, "never above the limit");
	result(atomic_load(&faults) == 0 && atomic_load(&refusals) > 0, name,
	       "each refusal was right");
	result(all, name, "one thread can have all that was freed");
	result(bracketed, name, "the peak is within its bounds");
	for (int i = count - 1; i >= 0; i--)
		clean &= porter_tracked_destroy(trackers[i]) == 0;
	result(clean, name, "all is back in the end");
}

int main(void)
{
	const char *stress = getenv("PORTER_STRESS");
	double seconds = stress ? atof(stress) : 1;
	/* About three quarters of what the threads would hold. */
	int64_t wanted = (int64_t)THREADS * LIVE / 2 * LARGEST / 2;

	printf("1..10\n");
	porter__test_point = look;
	count = 1;
	make(0, -1, wanted * 3 / 4);
	check("one tracker", seconds);
	/* 0 above 1 and 2; 1 above 3 and 4; 2 above 5 and 6 */
	count = TRACKERS;
	make(0, -1, wanted * 3 / 4);
	make(1, 0, wanted / 2);
	make(2, 0, wanted / 3);
	make(3, 1, wanted / 4);
	make(4, 1, wanted / 8);
	make(5, 2, wanted / 8);
	make(6, 2, wanted);
	check("three levels", seconds);
	return 0;
}
