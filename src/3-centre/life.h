/* SPDX-License-Identifier: MIT */
/*
 * life.h: how a centre begins and ends.
 */
#ifndef PORTER_CENTRE_LIFE_H
#define PORTER_CENTRE_LIFE_H

#include "3-centre/centre.h"

struct centre_options {
	struct centre *parent; /* or NULL */
	int64_t limit;	       /* 0: none */
	int64_t quantum;       /* 0: chosen */
	bool converted;	       /* its cells may be in use already */
	/*
	 * Called with the lock, at first and when it comes to be bounded: makes
	 * the owner use the centre, from now on, in the right way.
	 */
	void (*bind)(struct centre *c);
};

/* For the counter of that owner; NULL with errno ENOMEM. */
struct centre *porter__centre_new(struct porter__id *id, void *owner,
				  const struct centre_options *o);

/*
 * Nothing of its cells is used any more. False, errno EBUSY: has children. When
 * it has crossed a mark, porter__marks_wake() is to be called with nothing held.
 */
bool porter__centre_end(struct centre *c, bool *crossed);

/*
 * Gives it back, when porter__centre_end() was true; then calls give() with
 * its owner, when no reader can be looking at it any more: at once, if it had
 * no parent, else some time later.
 */
void porter__centre_give(struct centre *c, void (*give)(void *owner));

#endif /* PORTER_CENTRE_LIFE_H */
