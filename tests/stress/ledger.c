/* SPDX-License-Identifier: MIT */
/*
 * ledger.c: what is known of a hierarchy from outside; see ledger.h.
 */
#include "ledger.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Faults ---- */

atomic_uint faults;

void fault(const char *format, ...)
{
	char line[256];
	va_list arguments;

	if (atomic_fetch_add(&faults, 1) >= 10)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	printf("# %s\n", line);
	fflush(stdout);
}

unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* ---- Sums ---- */

static void raise_to(atomic_llong *highest, long long value)
{
	long long seen = atomic_load(highest);

	while (value > seen &&
	       !atomic_compare_exchange_weak(highest, &seen, value))
		;
}

/*
 * The period is read first: where it has ended meanwhile, what is noted under
 * its number comes too late to be looked at.
 */
static void add_sure(struct level *l, size_t size)
{
	for (; l; l = l->parent) {
		int period = atomic_load(&l->period);
		long long sum = atomic_fetch_add(&l->sure, (long long)size) +
				(long long)size;

		raise_to(&l->highest_sure[period], sum);
		if (sum > l->bound)
			fault("%s: %lld bytes are out, of at most %lld",
			      l->name, sum, (long long)l->bound);
	}
}

static void sub_sure(struct level *l, size_t size)
{
	for (; l; l = l->parent)
		atomic_fetch_sub(&l->sure, (long long)size);
}

/*
 * Before the library can know of it: so each call that it has an effect on finds
 * it here.
 */
void ledger_asks(struct level *l, size_t size, int seat)
{
	for (; l; l = l->parent) {
		long long sum;

		if (l->watched)
			atomic_store(&l->in_call[seat], 0);
		sum = atomic_fetch_add(&l->most, (long long)size) +
		      (long long)size;
		raise_to(&l->highest_most, sum);
		for (int i = 0; l->watched && i < SEATS; i++)
			raise_to(&l->in_call[i], sum);
	}
}

void ledger_has(struct level *l, size_t size, bool in_table)
{
	if (!in_table || !l->table_is_sure)
		add_sure(l, size);
}

void ledger_gives(struct level *l, size_t size, bool in_table)
{
	if (!in_table || !l->table_is_sure)
		sub_sure(l, size);
}

void ledger_is_without(struct level *l, size_t size)
{
	for (; l; l = l->parent)
		atomic_fetch_sub(&l->most, (long long)size);
}

bool ledger_was_full(struct level *l, int seat)
{
	for (; l; l = l->parent)
		if (l->watched && atomic_load(&l->in_call[seat]) > l->bound)
			return true;
	return false;
}

/* ---- Credits ---- */

bool credits_take(struct level *first, size_t size)
{
	for (struct level *l = first; l; l = l->parent) {
		long long left = atomic_load(&l->credits);

		while (left >= (long long)size &&
		       !atomic_compare_exchange_weak(&l->credits, &left,
						     left - (long long)size))
			;
		if (left >= (long long)size)
			continue;
		for (struct level *k = first; k != l; k = k->parent)
			atomic_fetch_add(&k->credits, (long long)size);
		return false;
	}
	return true;
}

void credits_give(struct level *l, size_t size)
{
	for (; l; l = l->parent)
		atomic_fetch_add(&l->credits, (long long)size);
}

/* ---- The table under a tracker: addresses, and no memory ---- */

_Thread_local bool table_failed;

static char somewhere[64];

/* Out of memory, now and then. */
static bool has_memory(void)
{
	static _Thread_local unsigned seed = 12345;

	table_failed = next_random(&seed) % 512 == 0;
	if (table_failed)
		errno = ENOMEM;
	return !table_failed;
}

static void *allocate(porter_allocator *self, size_t size, size_t alignment)
{
	struct level *l = (struct level *)self;

	(void)alignment;
	if (l->table_is_sure)
		add_sure(l, size);
	if (has_memory())
		return somewhere;
	if (l->table_is_sure)
		sub_sure(l, size);
	return NULL;
}

static void release(porter_allocator *self, void *ptr, size_t size,
		    size_t alignment)
{
	struct level *l = (struct level *)self;

	(void)ptr;
	(void)alignment;
	if (l->table_is_sure)
		sub_sure(l, size);
}

static void *reallocate(porter_allocator *self, void *ptr, size_t old_size,
			size_t new_size, size_t alignment)
{
	struct level *l = (struct level *)self;

	(void)alignment;
	if (l->table_is_sure && new_size > old_size)
		add_sure(l, new_size - old_size);
	if (!has_memory()) {
		if (l->table_is_sure && new_size > old_size)
			sub_sure(l, new_size - old_size);
		return NULL;
	}
	if (l->table_is_sure && new_size < old_size)
		sub_sure(l, old_size - new_size);
	return ptr;
}

static const struct porter_allocator_vtable table = {
	.size = sizeof(table),
	.name = "ledger",
	.allocate = allocate,
	.reallocate = reallocate,
	.free = release,
};

void level_init(struct level *l, struct level *parent, const char *name,
		int64_t bound)
{
	memset(l, 0, sizeof(*l));
	l->base.vtable = &table;
	l->parent = parent;
	l->name = name;
	l->bound = bound;
	atomic_store(&l->credits, bound);
}

int64_t level_bound(const struct level *l)
{
	int64_t least = INT64_MAX;

	for (; l; l = l->parent)
		least = l->bound < least ? l->bound : least;
	return least;
}

/* ---- Comparing ---- */

void check_reads(struct level *l)
{
	int64_t bound = level_bound(l), used = porter_bytes_used(l->t);
	struct porter_interval i = porter_bytes_used_interval(l->t);
	struct porter_stats s = { .size = sizeof(s) };

	if (used < l->held || used > bound)
		fault("%s: %lld in use, of %lld to %lld", l->name,
		      (long long)used, (long long)l->held, (long long)bound);
	if (i.lower < 0 || i.lower > i.upper || i.lower > bound ||
	    i.upper < l->held)
		fault("%s: between %lld and %lld in use, of %lld to %lld",
		      l->name, (long long)i.lower, (long long)i.upper,
		      (long long)l->held, (long long)bound);
	if (porter_tracked_stats(l->t, &s) != 0 || s.frees > s.allocations ||
	    s.total_freed > s.total_allocated)
		fault("%s: more was given back than handed out", l->name);
}

/* The bounds of a period only rise. */
static void compare_peak(struct level *l, struct porter_interval p,
			 long long sure, long long most)
{
	if (p.lower > p.upper || p.upper < sure || p.lower > most)
		fault("%s: the peak was between %lld and %lld, and is said to "
		      "be between %lld and %lld",
		      l->name, sure, most, (long long)p.lower,
		      (long long)p.upper);
	if (p.lower < l->last_peak.lower || p.upper < l->last_peak.upper)
		fault("%s: the peak was said to be between %lld and %lld, and "
		      "then between %lld and %lld",
		      l->name, (long long)l->last_peak.lower,
		      (long long)l->last_peak.upper, (long long)p.lower,
		      (long long)p.upper);
	l->last_peak = p;
}

static long long highest_sure(struct level *l)
{
	return atomic_load(&l->highest_sure[atomic_load(&l->period)]);
}

void check_peak(struct level *l)
{
	long long sure = highest_sure(l);
	struct porter_interval p = porter_peak(l->t);

	compare_peak(l, p, sure, atomic_load(&l->highest_most));
}

/*
 * The new period begins somewhere in the call. So what is at most charged in it
 * is added up from before the call, and what is surely, from after it.
 */
void check_peak_and_begin(struct level *l)
{
	long long sure = highest_sure(l), before, most;
	int period = atomic_load(&l->period);
	struct porter_interval p;

	if (period + 1 == PERIODS) {
		check_peak(l);
		return;
	}
	before = atomic_exchange(&l->highest_most, 0);
	raise_to(&l->highest_most, atomic_load(&l->most));
	p = porter_peak_reset(l->t);
	most = atomic_load(&l->highest_most);
	compare_peak(l, p, sure, most > before ? most : before);
	l->last_peak = (struct porter_interval){ .lower = 0 };
	atomic_store(&l->period, period + 1);
	raise_to(&l->highest_sure[period + 1], atomic_load(&l->sure));
}

void check_width(struct level *l, int64_t cells)
{
	struct porter_interval p = porter_peak(l->t);
	int64_t width = 64 * 1024;

	if (width < p.upper / 256)
		width = p.upper / 256;
	if (width < 4096 * cells)
		width = 4096 * cells;
	if (p.upper - p.lower > width)
		fault("%s: the peak is between %lld and %lld: too wide",
		      l->name, (long long)p.lower, (long long)p.upper);
}

static void compare(struct level *l, const char *what, uint64_t is,
		    unsigned long long should)
{
	if (is != should)
		fault("%s: %s: %llu, not %llu", l->name, what,
		      (unsigned long long)is, should);
}

void check_statistics(struct level *l)
{
	struct porter_stats s = { .size = sizeof(s) };

	porter_tracked_stats(l->t, &s);
	compare(l, "bytes allocated", s.total_allocated, l->allocated);
	compare(l, "bytes freed", s.total_freed, l->freed);
	compare(l, "allocations", s.allocations, l->allocations);
	compare(l, "frees", s.frees, l->frees);
	compare(l, "reallocations", s.reallocations, l->reallocations);
	compare(l, "refusals", s.refusals, l->refusals);
	compare(l, "failures", s.failures, l->failures);
}
