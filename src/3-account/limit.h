/* SPDX-License-Identifier: MIT */
/*
 * limit.h: setting the limit of an account, looking at it exactly, its end.
 */
#ifndef PORTER_ACCOUNT_LIMIT_H
#define PORTER_ACCOUNT_LIMIT_H

#include "3-account/account.h"

struct account_options {
	struct account *parent; /* or NULL */
	int64_t limit;		/* INT64_MAX: none */
	int64_t quantum;	/* 0: chosen */
};

/* Makes an account for the cells of that id, in which nothing is charged. */
void porter__account_init(struct account *a, struct porter__id *id, void *owner,
			  const struct account_options *o);

/*
 * Sets the limit; INT64_MAX: none. The caller has made every member of the
 * subtree bounded (porter__hierarchy_bound()), so that the limit holds for calls
 * that begin from now on. Calls that are under way in unbounded tables settle
 * what they have counted before they return.
 */
void porter__account_set_limit(struct account *a, int64_t limit);

/* What is charged, exactly. Drains. */
int64_t porter__account_charged(struct account *a);

/* A new period of the peak begins; the bounds of the one that ends. */
struct porter_interval porter__peak_reset(struct account *a);

/*
 * The account ends; it is out of the structure already. Its ancestors have that
 * room again. No other thread may be using it.
 */
void porter__account_fini(struct account *a);

#endif /* PORTER_ACCOUNT_LIMIT_H */
