/* SPDX-License-Identifier: MIT */
/*
 * retired.c: waiting for readers, for many trackers at a time.
 *
 * A reader that walks over children may have come upon one before it left. So its
 * memory is not used again until all readers of that time are gone. Trackers are
 * put by until there are MANY; then one wait serves all of them.
 */
#include "4-allocator/retired.h"

#include "0-machine/fork.h"
#include "1-slots/slots.h"

enum { MANY = 64 };

static struct porter__lock lock = PORTER__LOCK_INIT(RANK_RETIRED);
static struct pool_element
	*first; /* linked by left, which pools use for free ones only */
static unsigned count;

static void put(struct pool_element *element)
{
	element->left = first;
	first = element;
}

/* Puts it by. All of them, when they are many; else NULL. */
static struct pool_element *take_many(struct pool_element *element)
{
	struct pool_element *list = NULL;
	sigset_t saved;

	porter__lock(&lock, &saved);
	put(element);
	if (++count >= MANY) {
		list = first;
		first = NULL;
		count = 0;
	}
	porter__unlock(&lock, &saved);
	return list;
}

/* This thread cannot wait for readers: they stay until there are MANY more. */
static void put_back(struct pool_element *list)
{
	sigset_t saved;

	porter__lock(&lock, &saved);
	while (list) {
		struct pool_element *next = list->left;

		put(list);
		list = next;
	}
	porter__unlock(&lock, &saved);
}

void porter__retire(struct pool_element *element,
		    void (*give)(struct pool_element *element))
{
	struct pool_element *list = take_many(element);

	if (!list)
		return;
	if (!porter__slots_wait_for_readers()) {
		put_back(list);
		return;
	}
	while (list) {
		struct pool_element *next = list->left;

		give(list);
		list = next;
	}
}

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold = { .lock = &lock };

	porter__fork_join(&hold);
}
