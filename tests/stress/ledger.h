/* SPDX-License-Identifier: MIT */
/*
 * ledger.h: what is known of a hierarchy from outside, exactly, and what the
 * library says of it must agree with.
 *
 *	      call              asks        has it              gives back  return
 *	--------|-----------------|------------|---------------------|---------|---
 *	charged      ?            xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx     ?
 *	sure			  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx	 over a table
 *	sure				       xxxxxxxxxxxxxx			 over malloc
 *	most	xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
 *
 * At every instant, sure <= charged <= most. So
 *
 *	sure above a limit	it was exceeded
 *	a refusal, and most was never above a limit during the call: it was
 *	wrong. Who takes credits first, of which there are no more than the limit
 *	has bytes, must never be refused at all.
 *	peak	its upper bound is at least the highest sure of the period, its
 *		lower bound at most the highest most
 *
 * A level has all that its children have.
 */
#ifndef TESTS_STRESS_LEDGER_H
#define TESTS_STRESS_LEDGER_H

#include <portermem/portermem.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { PERIODS = 1024, SEATS = 64 };

struct level {
	porter_allocator base; /* what stands under its tracker: a table */
	struct level *parent;
	const char *name;
	porter_tracked *t;
	bool over_malloc;
	bool table_is_sure; /* it counts, not the caller */
	int64_t bound;	    /* that is never exceeded; INT64_MAX: none */
	int64_t held;	    /* all the time, by nobody who works */

	atomic_llong credits; /* that are left */
	atomic_llong sure, most;
	atomic_int period; /* of the peak */
	atomic_llong highest_sure[PERIODS];
	atomic_llong highest_most;
	struct porter_interval last_peak; /* of this period; for one reader */

	/* Of each call that is under way: the highest most. */
	bool watched;
	atomic_llong in_call[SEATS];

	/* What its statistics must be in the end. */
	atomic_ullong allocated, freed, allocations, frees, reallocations;
	atomic_ullong refusals, failures;
};

/* One that counts in its parent, with a bound, or INT64_MAX, in all zeroes. */
void level_init(struct level *l, struct level *parent, const char *name,
		int64_t bound);

/* The smallest bound of its own and its ancestors. */
int64_t level_bound(const struct level *l);

/* ---- Credits: all along the path, or none ---- */

bool credits_take(struct level *l, size_t size);
void credits_give(struct level *l, size_t size);

/* ---- Around a call ---- */

/* seat: whose call it is, for watched levels */
void ledger_asks(struct level *l, size_t size, int seat);
/* in_table: the table is asked, and counts what is sure if it does that */
void ledger_has(struct level *l, size_t size, bool in_table);
void ledger_gives(struct level *l, size_t size, bool in_table);
void ledger_is_without(struct level *l, size_t size);

/* Whether a refusal of the call of this seat can be right. */
bool ledger_was_full(struct level *l, int seat);

/* The table had no memory, in this thread's last call of it. */
extern _Thread_local bool table_failed;

/* ---- What one reader compares ---- */

void check_reads(struct level *l);
void check_peak(struct level *l);
void check_peak_and_begin(struct level *l);
/* When nobody works; cells: that may hold stock, at the most. */
void check_width(struct level *l, int64_t cells);
void check_statistics(struct level *l);

/* ---- Faults ---- */

extern atomic_uint faults;
void fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

unsigned next_random(unsigned *seed);

#endif /* TESTS_STRESS_LEDGER_H */
