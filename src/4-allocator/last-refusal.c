/* SPDX-License-Identifier: MIT */
/*
 * last-refusal.c: whether a limit refused the last request that failed, and which.
 *
 * A refusal notes figures and the two trackers. Names and children are looked up
 * here, when somebody asks. Trackers are never unmapped, so one that has ended
 * meanwhile can be looked at, and is told by its serial number or its magic.
 */
#include "0-machine/sized.h"
#include "4-allocator/largest.h"

#include <errno.h>
#include <string.h>

static bool still_lives(const void *tracker, uint64_t serial)
{
	const porter_tracked *t = tracker;

	return load_acquire(&t->serial) == serial &&
	       load_relaxed(&t->magic) == TRACKED_MAGIC;
}

/* What struct porter_refusal was in the first version. */
#define REFUSAL_SIZE_FIRST sizeof(struct porter_refusal)

int porter_last_refusal(struct porter_refusal *out)
{
	const struct porter__note *note = &porter__self->refusal;
	const porter_tracked *asked = note->asked, *level = note->level;
	struct porter_refusal full = PORTER_REFUSAL_INIT;
	struct largest largest;

	if (!out || out->size < REFUSAL_SIZE_FIRST) {
		errno = EINVAL;
		return -1;
	}
	if (!asked || !still_lives(asked, note->asked_serial) ||
	    !still_lives(level, note->level_serial)) {
		errno = ENOENT;
		return -1;
	}
	full.asked = (size_t)note->size;
	full.limit = note->limit;
	full.charged = note->charged;
	full.stock = note->stock;
	memcpy(full.asked_name, asked->name, sizeof(full.asked_name));
	memcpy(full.name, level->name, sizeof(full.name));
	largest = porter__largest_children(level);
	full.children_count = largest.count;
	memcpy(full.largest, largest.child, sizeof(full.largest));
	sized_write(out, &full, sizeof(full));
	return 0;
}
