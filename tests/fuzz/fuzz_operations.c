/* SPDX-License-Identifier: MIT */
/*
 * fuzz_operations.c: any sequence of calls, beside a plain model of them.
 *
 * Bytes say what to do: create and destroy trackers, one over another too,
 * allocate, resize and free in every way there is, charge what came from
 * elsewhere, count, make the allocator at the bottom fail (bottom.c). After each
 * step every number of every tracker must be what the model says, and every block
 * must hold what was written into it.
 *
 *	tracker 0..7 --> tracker under it, or the bottom --> malloc
 *	                                      `-- fails when told to
 *
 * The bytes come from libFuzzer (see run), or from replay.c.
 */
#include "bottom.h"
#include "fuzz.h"
#include "input.h"
#include "leak.h"

#include <portermem/portermem.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACKERS = 8, BLOCKS = 48, CHARGES = 8, COUNTERS = 4 };
enum { MOST_FILLED = 1 << 16 }; /* bytes of a block that are written */

size_t steps;
uint64_t seed = 1;

_Noreturn void check_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "# seed %llu, step %zu, %s:%d: %s\n",
		(unsigned long long)seed, steps, file, line, condition);
	abort();
}

/* ---- The model ---- */

struct tracker {
	porter_tracked *t; /* or NULL */
	int under;	   /* index of the tracker below, -1: none */
	bool over_bottom;  /* all the way down; else over the system's own */
	struct porter_stats stats;
	int64_t peak;
	int64_t peak_max; /* with requests that were charged and got no memory */
};

struct block {
	char *memory; /* or NULL */
	size_t size, alignment;
	int tracker;
	unsigned char pattern;
	bool remembers; /* of porter_malloc() */
};

static struct tracker trackers[TRACKERS];
static struct block blocks[BLOCKS];
static struct {
	bool is_there;
	int tracker;
	size_t size;
} charges[CHARGES];
static struct {
	porter_counter *c;
	int64_t value;
} counters[COUNTERS];

static void add_up(struct tracker *t)
{
	struct porter_stats *s = &t->stats;

	s->bytes_used = (int64_t)(s->total_allocated - s->total_freed);
	if (t->peak < s->bytes_used)
		t->peak = s->bytes_used;
	if (t->peak_max < t->peak)
		t->peak_max = t->peak;
}

/* What the tracker, and those below it, are to have counted. */
enum event { ALLOCATED, FREED, FAILED };

static void expect(int tracker, enum event event, size_t size)
{
	struct porter_stats *s = &trackers[tracker].stats;

	switch (event) {
	case ALLOCATED:
		s->allocations++;
		s->total_allocated += size;
		break;
	case FREED:
		s->frees++;
		s->total_freed += size;
		break;
	case FAILED:
		s->failures++;
		break;
	}
	add_up(&trackers[tracker]);
}

/* All that lie below are asked with the same size, header and all. */
static void expect_down(int tracker, enum event event, size_t size,
			size_t header)
{
	expect(tracker, event, size);
	for (int i = trackers[tracker].under; i >= 0; i = trackers[i].under)
		expect(i, event, size + header);
}

/* Headers are the same on both sides: they drop out. */
static void expect_resize(int tracker, size_t old_size, size_t new_size)
{
	for (int i = tracker; i >= 0; i = trackers[i].under) {
		struct porter_stats *s = &trackers[i].stats;

		s->reallocations++;
		if (new_size > old_size)
			s->total_allocated += new_size - old_size;
		else
			s->total_freed += old_size - new_size;
		add_up(&trackers[i]);
	}
}

/*
 * A tracker may charge a request before the one below it fails: so may its peak. A
 * large one is charged only when it has got its memory.
 */
static void may_have_charged(int tracker, size_t size, size_t header)
{
	if (size > INT32_MAX)
		return;
	for (int i = tracker; i >= 0; i = trackers[i].under) {
		struct tracker *t = &trackers[i];
		int64_t most = t->stats.bytes_used + (int64_t)size;

		if (t->peak_max < most)
			t->peak_max = most;
		size += i == tracker ? header : 0;
	}
}

/* ---- Contents ---- */

static size_t filled(const struct block *b)
{
	return b->size < MOST_FILLED ? b->size : MOST_FILLED;
}

static void fill(struct block *b)
{
	b->pattern = (unsigned char)(take_byte() + steps);
	memset(b->memory, b->pattern, filled(b));
}

static void check_contents(const struct block *b, size_t size)
{
	for (size_t i = 0; i < size && i < MOST_FILLED; i++)
		CHECK((unsigned char)b->memory[i] == b->pattern);
}

static void check_everything(void)
{
	for (int i = 0; i < TRACKERS; i++) {
		struct porter_stats now = { .size = sizeof(now) };
		const struct porter_stats *s = &trackers[i].stats;
		struct porter_interval seen;
		int64_t exact = -1;

		if (!trackers[i].t)
			continue;
		CHECK(porter_tracked_stats(trackers[i].t, &now) == 0);
		CHECK(now.bytes_used == s->bytes_used);
		CHECK(now.total_allocated == s->total_allocated);
		CHECK(now.total_freed == s->total_freed);
		CHECK(now.allocations == s->allocations);
		CHECK(now.frees == s->frees);
		CHECK(now.reallocations == s->reallocations);
		CHECK(now.failures == s->failures);
		CHECK(porter_bytes_used(trackers[i].t) == s->bytes_used);
		seen = porter_bytes_used_interval(trackers[i].t);
		CHECK(seen.lower == s->bytes_used);
		CHECK(seen.upper == s->bytes_used);
		CHECK(!porter_bytes_used_exact(trackers[i].t, &exact, 1));
		CHECK(exact == s->bytes_used);
		seen = porter_peak(trackers[i].t);
		CHECK(seen.lower <= trackers[i].peak_max);
		CHECK(seen.upper >= trackers[i].peak);
	}
	for (int i = 0; i < COUNTERS; i++) {
		if (counters[i].c)
			CHECK(porter_counter_sum(counters[i].c) ==
			      counters[i].value);
	}
}

/* ---- Steps ---- */

static int some_tracker(void)
{
	int start = (int)take_byte() % TRACKERS;

	for (int i = 0; i < TRACKERS; i++) {
		if (trackers[(start + i) % TRACKERS].t)
			return (start + i) % TRACKERS;
	}
	return -1;
}

static void create_tracker(void)
{
	int place = (int)take_byte() % TRACKERS, under = -1;
	unsigned kind = take_byte() % 3;
	struct tracker *new = &trackers[place];
	porter_allocator *below = NULL;

	if (new->t)
		return;
	*new = (struct tracker){ .under = -1 };
	if (kind == 1) {
		below = &bottom;
		new->over_bottom = true;
	} else if (kind == 2 && (under = some_tracker()) >= 0) {
		below = porter_tracked_allocator(trackers[under].t);
		new->under = under;
		new->over_bottom = trackers[under].over_bottom;
	}
	new->t = porter_tracked_new(below);
	CHECK(new->t);
	CHECK(porter_tracked_cast(porter_tracked_allocator(new->t)) == new->t);
}

static bool in_use(int tracker)
{
	for (int i = 0; i < TRACKERS; i++) {
		if (trackers[i].t && trackers[i].under == tracker)
			return true;
	}
	for (int i = 0; i < BLOCKS; i++) {
		if (blocks[i].memory && blocks[i].tracker == tracker)
			return true;
	}
	for (int i = 0; i < CHARGES; i++) {
		if (charges[i].is_there && charges[i].tracker == tracker)
			return true;
	}
	return false;
}

static void destroy_tracker(int tracker)
{
	if (tracker < 0 || in_use(tracker))
		return;
	CHECK(left_at_destroy(trackers[tracker].t) ==
	      trackers[tracker].stats.bytes_used);
	trackers[tracker].t = NULL;
}

static porter_allocator *allocator_of(int tracker)
{
	return porter_tracked_allocator(trackers[tracker].t);
}

/*
 * A request that came to nothing counts where it failed: in the tracker that
 * refused it, or in all that had passed it on.
 */
static void expect_failure(int tracker, size_t size, size_t alignment,
			   size_t header)
{
	bool refused;

	if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
		CHECK(errno == EINVAL);
		refused = true;
	} else {
		CHECK(errno == ENOMEM);
		refused = size > (size_t)PTRDIFF_MAX - header;
	}
	if (refused) {
		expect(tracker, FAILED, 0);
	} else {
		expect_down(tracker, FAILED, 0, 0);
		may_have_charged(tracker, size, header);
	}
}

/* Where it may fail, and where it must. */
static bool may_fail(int tracker, size_t size, size_t alignment)
{
	return alignment == 0 || (alignment & (alignment - 1)) != 0 ||
	       size > PTRDIFF_MAX / 2 ||
	       (bottom_fails && trackers[tracker].over_bottom);
}

static void allocated(struct block *b, size_t header)
{
	if (!b->memory) {
		CHECK(may_fail(b->tracker, b->size, b->alignment));
		expect_failure(b->tracker, b->size, b->alignment, header);
		return;
	}
	CHECK(b->alignment && (b->alignment & (b->alignment - 1)) == 0);
	CHECK(((uintptr_t)b->memory & (b->alignment - 1)) == 0);
	CHECK(b->size <= PTRDIFF_MAX);
	expect_down(b->tracker, ALLOCATED, b->size, header);
	fill(b);
}

static void allocate_block(struct block *b)
{
	int tracker = some_tracker();

	if (b->memory || tracker < 0)
		return;
	*b = (struct block){ .tracker = tracker,
			     .alignment = take_alignment(),
			     .size = take_size() };
	errno = 0;
	if (b->alignment == 1) {
		b->alignment = PORTER_ALIGNMENT;
		b->memory = porter_allocate(allocator_of(tracker), b->size);
	} else {
		b->memory = porter_allocate_aligned(allocator_of(tracker),
						    b->size, b->alignment);
	}
	allocated(b, 0);
}

static void malloc_block(struct block *b)
{
	int tracker = some_tracker();
	unsigned how = take_byte();

	if (b->memory || tracker < 0)
		return;
	*b = (struct block){ .tracker = tracker,
			     .alignment = PORTER_ALIGNMENT,
			     .size = take_size(),
			     .remembers = true };
	errno = 0;
	if (how % 3 == 0) {
		size_t count = 1 + how / 3;

		b->memory = porter_calloc(trackers[tracker].t, count, b->size);
		if (__builtin_mul_overflow(count, b->size, &b->size))
			b->size = SIZE_MAX;
		for (size_t i = 0; b->memory && i < filled(b); i++)
			CHECK(b->memory[i] == 0);
	} else if (how % 3 == 1) {
		b->memory = porter_realloc(trackers[tracker].t, NULL, b->size);
	} else {
		b->memory = porter_malloc(trackers[tracker].t, b->size);
	}
	allocated(b, PORTER_ALIGNMENT);
	if (b->memory)
		CHECK(porter_msize(trackers[tracker].t, b->memory) == b->size);
}

static void resize(struct block *b)
{
	size_t size = take_size(), header = 0;
	porter_tracked *t = trackers[b->tracker].t;
	char *memory;

	if (!b->memory)
		return;
	check_contents(b, b->size);
	errno = 0;
	if (b->remembers) {
		header = PORTER_ALIGNMENT;
		memory = porter_realloc(t, b->memory, size);
	} else {
		memory = porter_reallocate_aligned(allocator_of(b->tracker),
						   b->memory, b->size, size,
						   b->alignment);
	}
	if (!memory) {
		CHECK(may_fail(b->tracker, size, b->alignment));
		expect_failure(b->tracker, size, b->alignment, header);
		check_contents(b, b->size);
		return;
	}
	CHECK(((uintptr_t)memory & (b->alignment - 1)) == 0);
	b->memory = memory;
	if (size == 0) {
		expect_down(b->tracker, ALLOCATED, 0, header);
		expect_down(b->tracker, FREED, b->size, header);
	} else {
		check_contents(b, b->size < size ? b->size : size);
		expect_resize(b->tracker, b->size, size);
	}
	b->size = size;
	fill(b);
}

static void free_block(struct block *b)
{
	if (!b->memory)
		return;
	check_contents(b, b->size);
	if (b->remembers) {
		CHECK(porter_msize(trackers[b->tracker].t, b->memory) ==
		      b->size);
		if (b->pattern % 2)
			porter_mfree(trackers[b->tracker].t, b->memory);
		else
			porter_mfree_sized(trackers[b->tracker].t, b->memory,
					   b->size);
		expect_down(b->tracker, FREED, b->size, PORTER_ALIGNMENT);
	} else {
		porter_free_aligned(allocator_of(b->tracker), b->memory,
				    b->size, b->alignment);
		expect_down(b->tracker, FREED, b->size, 0);
	}
	b->memory = NULL;
}

/* The bottom is not asked. */
static void charge_or_refund(int i)
{
	int tracker = charges[i].is_there ? charges[i].tracker : some_tracker();
	size_t size = take_size() % (1 << 30);

	if (tracker < 0)
		return;
	if (!charges[i].is_there) {
		CHECK(porter_charge(trackers[tracker].t, size) == 0);
		expect_down(tracker, ALLOCATED, size, 0);
		charges[i].is_there = true;
	} else if (take_byte() % 4 != 0) {
		CHECK(porter_charge_resize(trackers[tracker].t, charges[i].size,
					   size) == 0);
		expect_resize(tracker, charges[i].size, size);
	} else {
		porter_refund(trackers[tracker].t, charges[i].size);
		expect_down(tracker, FREED, charges[i].size, 0);
		charges[i].is_there = false;
	}
	charges[i].tracker = tracker;
	charges[i].size = size;
}

static void begin_period(void)
{
	int tracker = some_tracker();
	struct porter_interval seen;

	if (tracker < 0)
		return;
	seen = porter_peak_reset(trackers[tracker].t);
	CHECK(seen.lower <= trackers[tracker].peak_max);
	CHECK(seen.upper >= trackers[tracker].peak);
	trackers[tracker].peak = trackers[tracker].stats.bytes_used;
	trackers[tracker].peak_max = trackers[tracker].peak;
}

static void count(void)
{
	int i = (int)take_byte() % COUNTERS;
	unsigned what = take_byte();
	uint64_t n = (uint64_t)take_byte() << take_byte() % 40;

	if (!counters[i].c) {
		counters[i].c = porter_counter_new();
		counters[i].value = 0;
		CHECK(counters[i].c);
	} else if (what % 16 == 0) {
		porter_counter_destroy(counters[i].c);
		counters[i].c = NULL;
	} else if (what % 2) {
		porter_counter_add(counters[i].c, n);
		counters[i].value += (int64_t)n;
	} else {
		porter_counter_sub(counters[i].c, n);
		counters[i].value -= (int64_t)n;
	}
}

static void do_nothing(void)
{
	int tracker = some_tracker();

	if (tracker < 0)
		return;
	porter_free(allocator_of(tracker), NULL, 0);
	porter_mfree(trackers[tracker].t, NULL);
	porter_mfree_sized(trackers[tracker].t, NULL, 7);
	CHECK(porter_msize(trackers[tracker].t, NULL) == 0);
	if (take_byte() % 32 == 0) /* It takes its time. */
		porter_release_unused(allocator_of(tracker));
}

static void step(void)
{
	unsigned what = take_byte();
	struct block *b = &blocks[take_byte() % BLOCKS];

	switch (what % 16) {
	case 0:
		create_tracker();
		break;
	case 1:
		destroy_tracker(some_tracker());
		break;
	case 2:
		bottom_fails = take_byte() % 4 == 0;
		break;
	case 3:
		if (take_byte() % 8 == 0)
			begin_period();
		else
			count();
		break;
	case 4: /* Its slot goes, and another comes, values intact. */
		porter_thread_unregister();
		break;
	case 5:
		do_nothing();
		break;
	case 6:
	case 7:
	case 8:
		allocate_block(b);
		break;
	case 9:
	case 10:
		malloc_block(b);
		break;
	case 11:
	case 12:
		resize(b);
		break;
	case 13:
		charge_or_refund(take_byte() % CHARGES);
		break;
	default:
		free_block(b);
		break;
	}
}

static void end(void)
{
	bool again = true;

	for (int i = 0; i < BLOCKS; i++)
		free_block(&blocks[i]);
	for (int i = 0; i < CHARGES; i++) {
		if (charges[i].is_there)
			porter_refund(trackers[charges[i].tracker].t,
				      charges[i].size);
		if (charges[i].is_there)
			expect_down(charges[i].tracker, FREED, charges[i].size,
				    0);
		charges[i].is_there = false;
	}
	check_everything();
	while (again) { /* Those on top first. */
		again = false;
		for (int i = 0; i < TRACKERS; i++) {
			if (trackers[i].t && !in_use(i)) {
				CHECK(trackers[i].stats.bytes_used == 0);
				destroy_tracker(i);
				again = true;
			}
		}
	}
	for (int i = 0; i < COUNTERS; i++) {
		porter_counter_destroy(counters[i].c);
		counters[i].c = NULL;
	}
	CHECK(bottom_blocks == 0);
	bottom_fails = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_begin(data, size);
	for (steps = 0; input_goes_on(); steps++) {
		step();
		check_everything();
	}
	end();
	return 0;
}
