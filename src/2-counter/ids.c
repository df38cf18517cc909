/* SPDX-License-Identifier: MIT */
/*
 * ids.c: walks over the cells of an id; its base; fork().
 *
 * fork() copies memory page by page while other threads run, so the child's
 * copy of the cells is no cut at one instant: it may hold the free of a block
 * whose allocation it misses, and usage would be too low, even negative. The
 * argument that makes reads right (G2, see counter.c) helps here as well: the
 * freed words are added up before the fork begins, and the child, by way of
 * the base, goes on from those, whatever the copy says:
 *
 *	freed, in the child      = freed before the fork began
 *	allocated, in the child >= allocated before the fork began
 *
 * So what the child starts with is at least what was in use when the fork
 * began, every block that the forking thread can know among it. Updates that
 * other threads made during the fork may be missing or in; their blocks are
 * lost to the child in either case, as their threads are.
 */
#include "2-counter/ids.h"

#include "0-machine/fork.h"

enum { FIRST_IDS = 64 };

static struct porter__id first_ids[FIRST_IDS];

static struct pool ids = {
	.element_size = sizeof(struct porter__id),
	.first = FIRST_IDS,
	.segments = { (char *)first_ids },
	.count = 1, /* the first is reserved */
	.lock = PORTER__LOCK_INIT,
};

/* ---- Walking ---- */

static void walk(const struct porter__id *id, enum word first, enum word second,
		 uint64_t out[2])
{
	struct cell_address at = cell_address(id->element.index);
	size_t slots = porter__slots_count();

	out[0] = word_read(&id->own.word[first]);
	out[1] = word_read(&id->own.word[second]);
	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = porter__slot_cell(slot, at);

		if (!cell)
			continue;
		out[0] += word_read(&cell->word[first]);
		out[1] += word_read(&cell->word[second]);
	}
}

void porter__id_words(const struct porter__id *id, enum word first,
		      enum word second, uint64_t out[2])
{
	walk(id, first, second, out);
	out[0] -= id->base[first];
	out[1] -= id->base[second];
}

uint64_t porter__id_word(const struct porter__id *id, enum word word)
{
	struct cell_address at = cell_address(id->element.index);
	size_t slots = porter__slots_count();
	uint64_t sum = word_read(&id->own.word[word]) - id->base[word];

	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = porter__slot_cell(slot, at);

		if (cell)
			sum += word_read(&cell->word[word]);
	}
	return sum;
}

/* ---- Taking and giving ---- */

struct porter__id *porter__id_reserved(void)
{
	return &first_ids[0];
}

struct porter__id *porter__id_take(void)
{
	return porter__pool_take(&ids);
}

void porter__id_give(struct porter__id *id)
{
	bool locked = porter__slots_enter();

	for (enum word word = 0; word < WORDS; word++)
		id->base[word] += porter__id_word(id, word);
	porter__slots_leave(locked);
	porter__pool_give(&ids, id);
}

/* ---- Forking ---- */

static void before_fork(void)
{
	for (size_t i = 0; i < ids.count; i++) {
		struct porter__id *id = porter__pool_at(&ids, i);

		walk(id, FREED, FREES, id->given_back);
	}
}

static void in_child(void)
{
	for (size_t i = 0; i < ids.count; i++) {
		struct porter__id *id = porter__pool_at(&ids, i);
		uint64_t copied[2];

		walk(id, FREED, FREES, copied);
		id->base[FREED] += copied[0] - id->given_back[0];
		id->base[FREES] += copied[1] - id->given_back[1];
	}
}

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold = {
		.lock = &ids.lock,
		.before = before_fork,
		.child = in_child,
	};

	porter__fork_join(&hold);
}
