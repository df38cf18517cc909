/* SPDX-License-Identifier: MIT */
/*
 * family.h: trackers with parents, and walks over them.
 *
 *	root
 *	  |children
 *	  v      next        next
 *	child 1 -----> child 2 -----> child 3
 *	  |children
 *	  v
 *	grandchild
 *
 * The links are changed under the family's lock, and read under it, or inside
 * the RCU read lock: a member that left keeps its links until no reader can be
 * standing on it any more (life.c).
 */
#ifndef PORTER_FAMILY_H
#define PORTER_FAMILY_H

#include "3-centre/centre.h"

/* The member after x in the subtree of top, parents first; NULL at its end. */
static inline struct centre *family_next(const struct centre *top,
					 struct centre *x)
{
	struct centre *next = subscribe(&x->children);

	while (!next && x && x != top) {
		next = subscribe(&x->next);
		x = x->parent;
	}
	return next;
}

#define family_for_each(top, x) \
	for (struct centre *x = (top); x; x = family_next((top), x))

static inline bool is_in_subtree(const struct centre *x,
				 const struct centre *top)
{
	while (x && x != top)
		x = x->parent;
	return x;
}

/* With the lock. */
void porter__family_join(struct centre *c);
void porter__family_leave(struct centre *c);

/*
 * Two words of all members of a subtree, between slots_enter and slots_leave.
 * In the order for what only may be seen too low, or only too high, while
 * members leave: see family.c.
 */
enum family_order { NEVER_TOO_HIGH, NEVER_TOO_LOW };
void porter__family_words(struct centre *top, enum word first, enum word second,
			  enum family_order order, uint64_t out[2]);

#endif /* PORTER_FAMILY_H */
