/* SPDX-License-Identifier: MIT */
/*
 * crossing.h: which watches are crossed.
 */
#ifndef PORTER_CROSSING_H
#define PORTER_CROSSING_H

#include "5-watch/state.h"

/* With the hierarchy's lock: where the watermarks are, in bytes. */
void porter__watch_resolve(struct watch *w);

/*
 * With the hierarchy's lock, all stock drained: notes what is crossed, and sets
 * both watermarks of the account anew. Whether something is to be delivered.
 */
bool porter__watches_look(struct account *a);

/*
 * Whether a notifier is there. While none is, operations on a tracker with
 * something for it look each time.
 */
void porter__crossing_served(bool by_notifier);

/* All that were crossed since the last call; by next_crossed. */
struct watch *porter__watch_take_crossed(void);

/* In a child of fork(): the next look delivers, whatever it finds. */
void porter__crossing_after_fork(struct watch *w);

#endif /* PORTER_CROSSING_H */
