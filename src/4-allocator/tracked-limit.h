/* SPDX-License-Identifier: MIT */
/*
 * tracked-limit.h: a tracker comes to be bounded.
 */
#ifndef PORTER_TRACKED_LIMIT_H
#define PORTER_TRACKED_LIMIT_H

#include "4-allocator/tracked.h"

/* Gives the account's tracker the table of those that are bounded. */
void porter__bind(struct account *a);

#endif /* PORTER_TRACKED_LIMIT_H */
