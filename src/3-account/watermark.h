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
 * Whoever changes what is reserved looks whether a watermark may be crossed.
 * Stock makes reserved larger than what is charged; so where one seems to be
 * crossed, or the caps leave it open, all stock is drained first. refill.c keeps
 * caps small against the distance to both, so that this is seldom. When the lock
 * is given back, high > reserved and low < reserved - caps: no crossing hides.
 *
 * What happens at a watermark is the business of its user, a floor above. It is
 * told with the lock held, sets both watermarks anew, and calls nobody.
 */
#ifndef PORTER_WATERMARK_H
#define PORTER_WATERMARK_H

#include "3-account/account.h"

struct watermark_user {
	/* With the lock, all drained: sets both anew. Whether to deliver. */
	bool (*crossed)(struct account *a);
	/* With the lock, all drained: the limit has changed. Likewise. */
	bool (*limit_changed)(struct account *a);
	/* With nothing held. */
	void (*deliver)(void);
	/*
	 * With nothing held: the tracker is about to be destroyed, and nothing
	 * of it is called any more afterwards. False, errno EBUSY: it must not.
	 */
	bool (*end)(struct account *a);
};

/* With the lock; the user whose deliver() is to be called without it, or NULL. */
SLOW_PATH const struct watermark_user *
porter__watermark_look(struct account *a);

static inline bool may_be_crossed(const struct account *a)
{
	return a->reserved >= a->high ||
	       a->reserved - (int64_t)a->caps <= a->low;
}

/* At all levels. */
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

#endif /* PORTER_WATERMARK_H */
