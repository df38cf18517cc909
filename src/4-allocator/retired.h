/* SPDX-License-Identifier: MIT */
/*
 * retired.h: trackers that left a hierarchy, and may still be looked at.
 */
#ifndef PORTER_RETIRED_H
#define PORTER_RETIRED_H

#include "0-machine/pool.h"

/*
 * Calls give() with the element of a tracker when no reader can be looking at it
 * any more: some time later, with those of others.
 */
void porter__retire(struct pool_element *element,
		    void (*give)(struct pool_element *element));

#endif /* PORTER_RETIRED_H */
