/* SPDX-License-Identifier: MIT */
/*
 * watermark.h: an upper and a lower watermark for each account.
 *
 *	reserved                      charged, for certain
 *	   |                              |
 *	high --- crossed upwards          |
 *	         reserved - caps <= charged <= reserved
 *	low  --- crossed downwards
 *
 * A thread that changes what is reserved looks whether a watermark may be crossed.
 * Stock makes reserved larger than what is charged. So if a watermark may be
 * crossed, the level is drained; then reserved is what is charged, and the thread
 * looks again. refill.c keeps caps small against the distance to both watermarks,
 * so that this is seldom. Whenever the lock is free, low < reserved - caps and
 * reserved < high, so no thread can cross a watermark with its stock.
 *
 * The user of the watermarks is the floor of the watches (5-watch/). Its functions
 * say what happens when one is crossed.
 */
#ifndef PORTER_WATERMARK_H
#define PORTER_WATERMARK_H

#include "3-account/rebuild.h"

struct watermark_user {
	/*
	 * With the lock, the level drained. Notes what is crossed, sets both
	 * watermarks anew, and calls nobody. True: deliver() is to be called.
	 */
	bool (*crossed)(struct account *a);
	/* The same, when the limit has changed. */
	bool (*limit_changed)(struct account *a);
	/* With no lock: notifies. */
	void (*deliver)(void);
	/*
	 * With no lock: the tracker is about to be destroyed. Afterwards none of
	 * its callbacks is called any more. False with errno EBUSY: it must not be
	 * destroyed.
	 */
	bool (*end)(struct account *a);
};

/*
 * With the lock, when a watermark of this level may be crossed. Returns the user
 * whose deliver() is to be called once the lock is given back, or NULL.
 */
SLOW_PATH const struct watermark_user *
porter__watermark_look(struct account *a);

static inline bool may_be_crossed(const struct account *a)
{
	return a->reserved >= a->high ||
	       a->reserved - (int64_t)a->caps <= a->low;
}

/* The same for all levels: looks at each, and returns one user, or NULL. */
static inline const struct watermark_user *watermarks_crossed(struct account *a)
{
	const struct watermark_user *user = NULL;

	for_each_level(a, x) {
		if (unlikely(may_be_crossed(x))) {
			const struct watermark_user *one =
				porter__watermark_look(x);

			user = one ? one : user;
		}
	}
	return user;
}

static inline void account_leave_and_notify(struct account *a,
					    const struct watermark_user *user)
{
	account_leave(a);
	if (unlikely(user))
		user->deliver();
}

#endif /* PORTER_WATERMARK_H */
