/* SPDX-License-Identifier: MIT */
/*
 * life.c: centres begin, end, wait until no reader can look at them, fork.
 */
#include "3-centre/life.h"

#include "0-machine/fork.h"
#include "0-machine/test-point.h"
#include "3-centre/family.h"
#include "3-centre/lend.h"
#include "3-centre/marks.h"
#include "3-centre/peak.h"

#include <errno.h>

enum {
	FIRST_CENTRES = 16,
	RETIRED_MANY = 64, /* worth waiting for readers */
};

static struct pool centres = POOL_INIT(struct centre, FIRST_CENTRES);

/* ---- Beginning ---- */

static bool makes_sense(uint64_t net)
{
	return (int64_t)net <= BEYOND_ALL && (int64_t)net >= -BEYOND_ALL;
}

/*
 * Its cells are not lent, and what they use is reserved, from now on. False:
 * that is more than there can be, or less, and no number to reckon with.
 */
static bool reserve_what_is_used(struct centre *c)
{
	bool sense = true;
	size_t slots = porter__slots_count();
	uint64_t own = own_cell_net(c->id);
	uint64_t used = own - c->id->base[ALLOCATED] + c->id->base[FREED];

	poke(&c->id->own.word[QUOTA], own);
	for (size_t slot = 0; slot < slots; slot++) {
		struct cell *cell = cell_of_slot(c, slot);
		uint64_t net;

		if (!cell)
			continue;
		net = cell_net(cell);
		poke(&cell->word[QUOTA], NOT_LENT + net);
		poke(&cell->word[NEXT_LENDEE], 0);
		poke(&cell->word[FLIGHT], 0);
		used += net;
		sense &= makes_sense(net);
	}
	c->lendees = LENDEES_END;
	c->loans = c->own_loans = 0;
	c->lent = c->own_lent = 0;
	centre_reserve(c, (int64_t)used);
	return sense && makes_sense(used);
}

/* All but its place in the pool, and its lock. */
static void fill(struct centre *c, struct porter__id *id, void *owner,
		 const struct centre_options *o)
{
	c->most = 0;
	c->at = cell_address(id->element.index);
	c->id = id;
	c->owner = owner;
	c->parent = NULL;
	c->root = c;
	c->runner = 0;
	c->runner_cell = NULL;
	c->streak = 0;
	c->shared = o->converted;
	c->converted = o->converted ? JUST_CONVERTED : 0;
	c->bind = o->bind;
	c->busy = NULL;
	c->calm = NOT_CALM;
	c->all_shared = false;
	c->bounded = o->limit != 0;
	c->reserved = 0;
	c->limit = o->limit ? o->limit : INT64_MAX;
	porter__lend_for_limit(c);
	c->quantum = o->quantum;
	c->high = INT64_MAX;
	c->low = INT64_MIN;
	c->denied = 0;
	c->unslotted = 0;
	c->peak_upper = c->peak_lower = 0;
	c->peak_before = INT64_MIN;
	c->certified_at = 0;
	c->period = 0;
	c->children = c->next = NULL;
	c->ended = 0;
	c->watches = NULL;
}

struct centre *porter__centre_new(struct porter__id *id, void *owner,
				  const struct centre_options *o)
{
	struct centre *c = porter__pool_take(&centres);

	if (!c)
		return NULL;
	fill(c, id, owner, o);
	if (!reserve_what_is_used(c)) {
		porter__pool_give(&centres, c);
		return NULL;
	}
	c->peak_upper = c->reserved > 0 ? c->reserved : 0;
	if (o->parent) {
		c->parent = o->parent;
		c->root = o->parent->root;
	}
	centre_lock(c);
	if (c->parent) {
		c->bounded |= c->parent->bounded;
		porter__family_join(c);
	}
	c->bind(c);
	publish(&c->live, true);
	centre_unlock(c);
	return c;
}

/* ---- Ending ---- */

bool porter__centre_end(struct centre *c, bool *crossed)
{
	*crossed = false;
	centre_lock(c);
	if (c->children) {
		centre_unlock(c);
		errno = EBUSY;
		return false;
	}
	porter__centre_revoke(c);
	porter__peak_without(c);
	if (c->parent) {
		porter__family_leave(c);
		centre_reserve(c, -c->reserved);
		/* What it leaves behind is in use no more. */
		*crossed = marks_crossed(c->parent);
	}
	c->live = false;
	centre_unlock(c);
	return true;
}

/*
 * Members that left a family, and may be looked at by readers that came upon
 * them before. They are many before somebody waits for these readers, so that
 * the wait costs each of them little.
 */
static struct {
	struct centre *first; /* by next_free of their elements */
	unsigned count;
	struct porter__lock lock; /* rank: fork.h */
} retired = { .lock = PORTER__LOCK_INIT };

static struct centre *next_retired(struct centre *c)
{
	return (struct centre *)c->element.next_free;
}

static void give_now(struct centre *c, void (*give)(void *owner))
{
	void *owner = c->owner;

	porter__pool_give(&centres, c);
	give(owner);
}

static void give_all(struct centre *c, void (*give)(void *owner))
{
	while (c) {
		struct centre *next = next_retired(c);

		give_now(c, give);
		c = next;
	}
}

static void put_back(struct centre *list)
{
	sigset_t saved;

	while (list) {
		struct centre *next = next_retired(list);

		porter__lock(&retired.lock, &saved);
		list->element.next_free = (struct pool_element *)retired.first;
		retired.first = list;
		porter__unlock(&retired.lock, &saved);
		list = next;
	}
}

static void retire(struct centre *c, void (*give)(void *owner))
{
	struct centre *list = NULL;
	sigset_t saved;

	porter__lock(&retired.lock, &saved);
	c->element.next_free = (struct pool_element *)retired.first;
	retired.first = c;
	if (++retired.count >= RETIRED_MANY) {
		list = retired.first;
		retired.first = NULL;
		retired.count = 0;
	}
	porter__unlock(&retired.lock, &saved);
	if (!list)
		return;
	if (porter__slots_wait_for_readers())
		give_all(list, give);
	else
		put_back(list); /* Until somebody can wait. */
}

void porter__centre_give(struct centre *c, void (*give)(void *owner))
{
	if (c->parent)
		retire(c, give);
	else
		give_now(c, give);
}

/* ---- Forking ---- */

static void lock_families(void)
{
	for (size_t i = 0; i < centres.count; i++) {
		struct centre *c = porter__pool_at(&centres, i);

		c->forking = subscribe(&c->live) && !c->parent;
		if (c->forking)
			centre_lock(c);
	}
}

static void unlock_families(void)
{
	for (size_t i = 0; i < centres.count; i++) {
		struct centre *c = porter__pool_at(&centres, i);

		if (c->forking)
			centre_unlock(c);
		c->forking = false;
	}
}

/*
 * What cells use was copied while other threads changed it, and the ids have
 * been put right (ids.c): so all that is reserved is made anew from that. Only
 * the thread that forked lives. What was shared stays so until a new period.
 */
static void in_child(void)
{
	for (size_t i = 0; i < centres.count; i++) {
		struct centre *c = porter__pool_at(&centres, i);

		c->reserved = 0;
		c->unslotted = 0;
		c->runner = 0;
		c->denied = 0;
	}
	for (size_t i = 0; i < centres.count; i++) {
		struct centre *c = porter__pool_at(&centres, i);

		if (c->live)
			reserve_what_is_used(c);
	}
	for (size_t i = 0; i < centres.count; i++) {
		struct centre *c = porter__pool_at(&centres, i);

		if (c->reserved > c->peak_upper)
			c->peak_upper = c->reserved;
	}
	unlock_families();
}

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold_retired = {
		.rank = RANK_RETIRED,
		.lock = &retired.lock,
	};
	static struct fork_hold hold_centres = {
		.rank = RANK_CENTRES,
		.lock = &centres.lock,
		.before = lock_families,
		.parent = unlock_families,
		.child = in_child,
	};

	porter__fork_join(&hold_retired);
	porter__fork_join(&hold_centres);
}
