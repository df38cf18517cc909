/* SPDX-License-Identifier: MIT */
/*
 * early.h: an allocator for the time in which the real one is looked for.
 *
 * To look for it calls malloc. A program whose own malloc stands on the default
 * allocator gets these blocks from here; later ones come from the allocator that
 * was found. It takes both back.
 */
#ifndef PORTER_EARLY_H
#define PORTER_EARLY_H

#include <portermem/allocator.h>

#include <stdbool.h>

extern porter_allocator porter__early;

/* Whether any block was asked for. */
bool porter__early_was_asked(void);

/* Where all further blocks come from. */
void porter__early_goes_on_with(porter_allocator *found);

#endif /* PORTER_EARLY_H */
