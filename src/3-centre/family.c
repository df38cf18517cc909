/* SPDX-License-Identifier: MIT */
/*
 * family.c: joining, leaving, adding up.
 *
 * When a member leaves, what it has counted must stay in the sums of its
 * parent, or a reader that has seen its frees, and then misses its allocations,
 * would find too little in use (G2). So its totals go to the parent's own cell,
 * in an order that readers can rely on:
 *
 *	who leaves			a reader
 *
 *	1 parent's allocated += total	freed:		own cells, parents first,
 *	2 unlink					then cells
 *	3 parent's freed += total	allocated:	cells, then own cells
 *
 * (Own cells by themselves, and cells less the id's base, are never less than 0,
 * so a part that is missed makes a sum too low by what it has counted, at most.)
 *
 * Freed is never seen too high: who reads the parent's own cell after 3 does
 * not find the link any more. Allocated is never seen too low: who misses the
 * link, since it looks after 2, finds 1. While somebody leaves, allocated may
 * be too high for a moment, never for good.
 */
#include "3-centre/family.h"

#include "0-machine/test-point.h"

void porter__family_join(struct centre *c)
{
	c->next = c->parent->children;
	publish(&c->parent->children, c);
}

static void add_to_parent(struct centre *c, enum word word, uint64_t n)
{
	shared_add(&c->parent->id->own.word[word], n);
}

static void unlink_from_parent(struct centre *c)
{
	struct centre **link = &c->parent->children;

	while (*link != c)
		link = &(*link)->next;
	publish(link, c->next);
}

/*
 * What is still in use leaves with it: the parent has it as freed.
 */
void porter__family_leave(struct centre *c)
{
	struct porter__id *id = c->id, *parent = c->parent->id;
	uint64_t bytes = porter__id_word(id, ALLOCATED);
	uint64_t blocks = porter__id_word(id, ALLOCATIONS);

	publish(&c->root->ended, c->root->ended + 1);
	add_to_parent(c, ALLOCATED, bytes); /* 1 */
	add_to_parent(c, ALLOCATIONS, blocks);
	add_to_parent(c, REALLOCATIONS, porter__id_word(id, REALLOCATIONS));
	shared_add(&parent->failures, word_read(&id->failures));
	shared_add(&parent->refusals, word_read(&id->refusals));
	unlink_from_parent(c);		/* 2 */
	add_to_parent(c, FREED, bytes); /* 3 */
	add_to_parent(c, FREES, blocks);
	shared_add(&parent->undone, word_read(&id->undone));
	publish(&c->root->ended, c->root->ended + 1);
}

static void add_own(struct centre *top, enum word first, enum word second,
		    uint64_t out[2])
{
	family_for_each(top, x) {
		out[0] += porter__id_own_word(x->id, first);
		out[1] += porter__id_own_word(x->id, second);
	}
}

static void add_cells(struct centre *top, enum word first, enum word second,
		      uint64_t out[2])
{
	family_for_each(top, x) {
		out[0] += porter__id_cells_word(x->id, first);
		out[1] += porter__id_cells_word(x->id, second);
	}
}

void porter__family_words(struct centre *top, enum word first, enum word second,
			  enum family_order order, uint64_t out[2])
{
	out[0] = out[1] = 0;
	if (order == NEVER_TOO_HIGH)
		add_own(top, first, second, out);
	TEST_POINT(OWN_CELLS_ADDED);
	add_cells(top, first, second, out);
	if (order == NEVER_TOO_LOW)
		add_own(top, first, second, out);
}
