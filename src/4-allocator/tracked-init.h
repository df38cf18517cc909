/* SPDX-License-Identifier: MIT */
/*
 * tracked-init.h: making a tracker in memory that is there already.
 */
#ifndef PORTER_TRACKED_INIT_H
#define PORTER_TRACKED_INIT_H

#include "3-account/limit.h"
#include "4-allocator/tracked.h"

void porter__tracked_init(porter_tracked *t, porter_allocator *underlying,
			  struct porter__id *id,
			  const struct account_options *o);

#endif /* PORTER_TRACKED_INIT_H */
