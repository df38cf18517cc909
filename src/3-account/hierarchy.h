/* SPDX-License-Identifier: MIT */
/*
 * hierarchy.h: accounts with parents, and walks over them.
 *
 *	root
 *	  |children
 *	  v        next          next
 *	child 1 <-----> child 2 <-----> child 3
 *	  |children   previous
 *	  v
 *	grandchild
 *
 * The structure changes under one mutex of the process, which fork() takes. It is
 * read under the mutex, inside the RCU read lock, or with the root's lock
 * (rebuild.c). A member that has left keeps its links until no reader can be
 * standing on it. A thread that waits for the mutex holds no other lock, and a
 * thread that has the mutex walks over nothing but ancestors.
 */
#ifndef PORTER_HIERARCHY_H
#define PORTER_HIERARCHY_H

#include "3-account/account.h"

/* The member after x in the subtree of top, parents first; NULL at its end. */
static inline struct account *next_member(const struct account *top,
					  struct account *x)
{
	struct account *next = load_acquire(&x->children);

	while (!next && x && x != top) {
		next = load_acquire(&x->next);
		x = x->parent;
	}
	return next;
}

#define for_each_member(top, x) \
	for (struct account *x = (top); x; x = next_member((top), x))

/*
 * A new member joins; its parent is set already. If an ancestor is bounded, the
 * member becomes bounded and bind() is called with it: see
 * porter__hierarchy_bound().
 */
void porter__hierarchy_join(struct account *a, void (*bind)(struct account *a));

/*
 * A member leaves, and its parent keeps its totals. False with errno EBUSY: it
 * has children. No other thread may be using it.
 */
bool porter__hierarchy_leave(struct account *a);

/*
 * Marks every member of the subtree as bounded, for good, and calls bind() with
 * each that was not: bind() gives its tracker the bounded table.
 */
void porter__hierarchy_bound(struct account *top,
			     void (*bind)(struct account *a));

/*
 * The sum of a word over all members of a subtree, between porter__slots_enter() and
 * porter__slots_leave(). While a member leaves, a sum may be wrong in one direction.
 * The caller chooses in which direction it must not be wrong. See hierarchy.c.
 */
enum hierarchy_order { NEVER_TOO_HIGH, NEVER_TOO_LOW };
uint64_t porter__hierarchy_word(struct account *top, enum word word,
				enum hierarchy_order order);

#endif /* PORTER_HIERARCHY_H */
