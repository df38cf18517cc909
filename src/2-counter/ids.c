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
#include "0-machine/test-point.h"

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

uint64_t porter__id_own_word(const struct porter__id *id, enum word word)
{
	return word_read(&id->own.word[word]);
}

uint64_t porter__id_beside_cells(const struct porter__id *id, enum word word)
{
	return porter__id_own_word(id, word) - id->base[word];
}

void porter__id_words(const struct porter__id *id, enum word first,
		      enum word second, uint64_t out[2])
{
	struct cell_address at = cell_address(id->element.index);
	size_t slots = porter__slots_count();

	out[0] = porter__id_beside_cells(id, first);
	out[1] = porter__id_beside_cells(id, second);
	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = porter__slot_cell(slot, at);

		if (!cell)
			continue;
		out[0] += word_read(&cell->word[first]);
		out[1] += word_read(&cell->word[second]);
	}
}

uint64_t porter__id_cells_word(const struct porter__id *id, enum word word)
{
	struct cell_address at = cell_address(id->element.index);
	size_t slots = porter__slots_count();
	uint64_t sum = -id->base[word];

	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = porter__slot_cell(slot, at);

		if (cell)
			sum += word_read(&cell->word[word]);
	}
	return sum;
}

uint64_t porter__id_word(const struct porter__id *id, enum word word)
{
	return porter__id_own_word(id, word) + porter__id_cells_word(id, word);
}

/* What the cells hold is the base from now on: nobody writes them now. */
static void move_base(struct porter__id *id)
{
	struct cell_address at = cell_address(id->element.index);
	size_t slots = porter__slots_count();

	for (int word = 0; word < COUNTED; word++) {
		id->base[word] = 0;
		poke(&id->own.word[word], 0);
	}
	for (size_t slot = 0; slot < slots; slot++) {
		const struct cell *cell = porter__slot_cell(slot, at);

		for (int word = 0; cell && word < COUNTED; word++)
			id->base[word] += word_read(&cell->word[word]);
	}
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

	move_base(id);
	porter__slots_leave(locked);
	id->failures = id->refusals = id->undone = 0;
	porter__pool_give(&ids, id);
}

/* ---- Forking ---- */

/* Thread by thread, and only the blocks that threads have touched. */
static void visit_cells(void (*visit)(struct porter__id *id,
				      const struct cell *cell))
{
	size_t slots = porter__slots_count();

	for (size_t slot = 0; slot < slots; slot++) {
		for (size_t i = 0; i < ids.count; i += BLOCK_CELLS) {
			const struct cell *cells = porter__slot_cell(
				slot, cell_address((uint32_t)i));

			for (size_t k = 0;
			     cells && k < BLOCK_CELLS && i + k < ids.count; k++)
				visit(porter__pool_at(&ids, i + k), &cells[k]);
		}
	}
}

static void add_given_back(struct porter__id *id, const struct cell *cell)
{
	id->given_back[0] += word_read(&cell->word[FREED]);
	id->given_back[1] += word_read(&cell->word[FREES]);
}

static void before_fork(void)
{
	for (size_t i = 0; i < ids.count; i++) {
		struct porter__id *id = porter__pool_at(&ids, i);

		id->given_back[0] = id->given_back[1] = 0;
		id->own_given_back[0] = porter__id_own_word(id, FREED);
		id->own_given_back[1] = porter__id_own_word(id, FREES);
	}
	visit_cells(add_given_back);
	TEST_POINT(FREED_BEFORE_FORK);
}

static void add_to_base(struct porter__id *id, const struct cell *cell)
{
	id->base[FREED] += word_read(&cell->word[FREED]);
	id->base[FREES] += word_read(&cell->word[FREES]);
}

/*
 * The base moves by what the copy says beyond what was given back before; the
 * own cell can be set, as nobody else is there to write it.
 */
static void in_child(void)
{
	for (size_t i = 0; i < ids.count; i++) {
		struct porter__id *id = porter__pool_at(&ids, i);

		id->base[FREED] -= id->given_back[0];
		id->base[FREES] -= id->given_back[1];
		poke(&id->own.word[FREED], id->own_given_back[0]);
		poke(&id->own.word[FREES], id->own_given_back[1]);
	}
	visit_cells(add_to_base);
}

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold = {
		.rank = RANK_IDS,
		.lock = &ids.lock,
		.before = before_fork,
		.child = in_child,
	};

	porter__fork_join(&hold);
}
