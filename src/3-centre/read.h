/* SPDX-License-Identifier: MIT */
/*
 * read.h: what a tracker with a centre uses, its descendants included.
 */
#ifndef PORTER_CENTRE_READ_H
#define PORTER_CENTRE_READ_H

#include "3-centre/centre.h"

#include <portermem/counter.h>

/* As porter_counter_sum(), ..._interval(), porter__counter_narrow(). */
int64_t porter__centre_sum(const struct centre *c);
struct porter_interval porter__centre_interval(const struct centre *c);
struct porter_interval porter__centre_narrow(const struct centre *c,
					     unsigned tries);

/* What ids count seldom: see ids.h. */
struct rare_counts {
	uint64_t failures, refusals, undone;
};

static inline struct rare_counts rare_counts(const struct porter__id *id)
{
	return (struct rare_counts){
		.failures = word_read(&id->failures),
		.refusals = word_read(&id->refusals),
		.undone = word_read(&id->undone),
	};
}

struct rare_counts porter__centre_rare(const struct centre *c);

#endif /* PORTER_CENTRE_READ_H */
