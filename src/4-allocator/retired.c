/* SPDX-License-Identifier: MIT */
/*
 * retired.c: two lists, and a grace period for the older one.
 *
 *	porter__retire() --> young --many, and old is empty--> old --grace--> give()
 *
 * A reader that walks over children may have come upon one before it left. They
 * are many before somebody looks whether these readers have gone, so that the look
 * costs each of them little. Nobody waits: while a reader stays, they are kept.
 */
#include "4-allocator/retired.h"

#include "0-machine/fork.h"
#include "1-slots/grace.h"

#include <stdbool.h>

enum { MANY = 64 };

static struct porter__lock lock = PORTER__LOCK_INIT(RANK_RETIRED);
/* With the lock. Lists by left, which a pool uses for free elements. */
static struct pool_element *young, *old;
static unsigned count; /* how many came since somebody looked */
static bool looks;     /* a thread looks, without the lock: see below */
static bool is_noted;  /* old ones: which readers there were */

static void put(struct pool_element *element)
{
	element->left = young;
	young = element;
}

/* Whether it is the calling thread that looks, now that they are many. */
static bool is_to_look(struct pool_element *element)
{
	sigset_t saved;
	bool mine;

	porter__lock(&lock, &saved);
	put(element);
	mine = ++count >= MANY && !looks;
	if (mine) {
		looks = true;
		count = 0;
	}
	porter__unlock(&lock, &saved);
	return mine;
}

/* The old ones; those that were young are old from now on. */
static struct pool_element *take_old(void)
{
	struct pool_element *list;
	sigset_t saved;

	porter__lock(&lock, &saved);
	list = old;
	old = young;
	young = NULL;
	is_noted = false;
	porter__unlock(&lock, &saved);
	return list;
}

static void end_look(bool noted)
{
	sigset_t saved;

	porter__lock(&lock, &saved);
	is_noted |= noted;
	looks = false;
	porter__unlock(&lock, &saved);
}

/* Over the slots, twice, with no lock held. */
static struct pool_element *look(void)
{
	struct pool_element *list = NULL;
	bool none = !old;

	if (none || (is_noted && porter__grace_is_over()))
		list = take_old();
	else if (is_noted) {
		end_look(false);
		return NULL;
	}
	porter__grace_begin();
	end_look(true);
	return list;
}

void porter__retire(struct pool_element *element,
		    void (*give)(struct pool_element *element))
{
	struct pool_element *list = is_to_look(element) ? look() : NULL;

	while (list) {
		struct pool_element *next = list->left;

		give(list);
		list = next;
	}
}

/* The thread that looked is no more, unless it is the one that forked. */
static void in_child(void)
{
	looks = false;
	is_noted = false;
}

FORK_HOLD(hold_retired, .lock = &lock, .child = in_child);
