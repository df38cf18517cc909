/* SPDX-License-Identifier: MIT */
/*
 * counter.c: updates by their owners, reads by scans.
 *
 * Why a sum is never low (G2). Let a read scan all freed words between the
 * instants t0 and t1, and all allocated words between t1 and t2. The words
 * only grow, so
 *
 *	freed, as scanned      <= freed at t1
 *	allocated, as scanned  >= allocated at t1
 *	sum = their difference >= what was in use at t1  >= 0
 *
 * Slots and blocks that appear during the read are no exception: one that the
 * first scan misses makes the freed sum smaller; the second scan counts the
 * slots anew. The loads are acquire loads, so the second scan's come after
 * the first's; see counter_add() for the other half.
 *
 * Why an interval holds the true value (G3). Scan twice, (A1, F1) and then
 * (A2, F2), in any order within each. At every instant t between the two
 *
 *	A1 <= allocated at t <= A2	since the words only grow, and what a
 *	F1 <= freed at t     <= F2	scan misses was 0 when it began
 *
 * so usage at t lies in [A1 - F2, A2 - F1]. When both scans agree nothing
 * was counted from the end of the first to the beginning of the second: the
 * value is exact, at every instant between them.
 */
#include "2-counter/counter.h"

#include "0-machine/fork.h"
#include "0-machine/test-point.h"

#include <errno.h>

enum {
	COUNTER_MAGIC = 0x706f7274,
	COUNTER_ENDED = 0x656e6465,
	FIRST_COUNTERS = 64,
};

/* A counter of porter_counter_new(), in its place in the pool: one line. */
struct place {
	struct pool_element element;
	struct porter_counter counter;
} __attribute__((aligned(CACHE_LINE)));

static struct pool counters =
	POOL_INIT(struct place, FIRST_COUNTERS, RANK_COUNTERS);

/* ---- Its life ---- */

void porter__counter_init(struct porter_counter *c, struct porter__id *id)
{
	c->id = id;
	c->at = cell_address(id->element.index);
	c->magic = COUNTER_MAGIC;
}

void porter__counter_fini(struct porter_counter *c)
{
	c->magic = COUNTER_ENDED;
	porter__id_give(c->id);
}

porter_counter *porter_counter_new(void)
{
	struct porter__id *id = porter__id_take();
	struct place *place = id ? porter__pool_take(&counters) : NULL;

	if (!place) {
		if (id)
			porter__id_give(id);
		errno = ENOMEM;
		return NULL;
	}
	porter__counter_init(&place->counter, id);
	return &place->counter;
}

void porter_counter_destroy(porter_counter *c)
{
	if (!c)
		return;
	if (c->magic != COUNTER_MAGIC)
		porter__panic(__func__, c->magic == COUNTER_ENDED ?
						"destroyed already" :
						"this is no counter");
	porter__counter_fini(c);
	porter__pool_give(&counters,
			  (char *)c - offsetof(struct place, counter));
}

FORK_HOLD(hold_counters, .lock = &counters.lock);

/* ---- Updates ---- */

void porter__counter_add_slow(struct porter_counter *c, enum word word,
			      uint64_t n)
{
	struct cell *cell = porter__this_cell(c->at);

	if (cell)
		word_add_release(&cell->word[word], n);
	else
		shared_add(&c->id->shared.word[word], n);
}

void porter_counter_add(porter_counter *c, uint64_t n)
{
	counter_add(c, ALLOCATED, n);
}

void porter_counter_sub(porter_counter *c, uint64_t n)
{
	counter_add(c, FREED, n);
}

/* ---- Reads ---- */

int64_t porter_counter_sum(const porter_counter *c)
{
	bool locked = porter__slots_enter();
	uint64_t freed = porter__id_word(c->id, FREED), allocated;

	TEST_POINT(SUM_HALFWAY);
	allocated = porter__id_word(c->id, ALLOCATED);
	porter__slots_leave(locked);
	return (int64_t)(allocated - freed);
}

struct scan {
	uint64_t allocated, freed;
};

static struct scan scan(const porter_counter *c)
{
	return (struct scan){
		.allocated = porter__id_word(c->id, ALLOCATED),
		.freed = porter__id_word(c->id, FREED),
	};
}

static struct porter_interval between(struct scan one, struct scan two)
{
	return (struct porter_interval){
		.lower = (int64_t)(one.allocated - two.freed),
		.upper = (int64_t)(two.allocated - one.freed),
	};
}

struct porter_interval porter_counter_interval(const porter_counter *c)
{
	bool locked = porter__slots_enter();
	struct scan one = scan(c), two;

	TEST_POINT(BETWEEN_SCANS);
	two = scan(c);
	porter__slots_leave(locked);
	return between(one, two);
}
