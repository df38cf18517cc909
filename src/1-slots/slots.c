/* SPDX-License-Identifier: MIT */
/*
 * slots.c: taking a slot, handing it on, finding cells.
 *
 * A thread is in one of three states, told by where porter__self points:
 *
 *	         first update                      thread ends
 *	no_slot --------------> a slot of its own ------------> left_slot
 *	   ^                           |
 *	   `---------------------------'
 *	     porter_thread_unregister()
 *
 * no_slot and left_slot are empty slots, never written: the hot path finds no
 * block in them and goes the slow way. A thread that has left is one whose
 * destructors run: it counts in the ids' shared cells from then on, since a
 * slot that it took now might never be handed on.
 */
#include "1-slots/slots.h"

#include "0-machine/atomic.h"
#include "0-machine/fork.h"
#include "0-machine/pool.h"
#include "0-machine/test-point.h"
#include "0-machine/urcu-glue.h"

#include <portermem/thread.h>

#include <errno.h>
#include <pthread.h>

enum {
	FIRST_SLOTS = 16,
	STORE_SIZE = 64 * 1024,
	/* Blocks lie one pair of lines further than their size: see slots.h. */
	BLOCK_STRIDE = BLOCK_CELLS * CACHE_LINE + CACHE_LINE_PAIR,
	PROBE_SIZE = 64 * 1024, /* more than liburcu maps at first, */
	PROBE_A_SLOT = 512,	/* and when it doubles, for each reader */
};

static struct slot no_slot, left_slot;

/* How many threads without a slot are reading: they have no word of their own. */
static uint32_t slotless;

THREAD_LOCAL struct slot *porter__self = &no_slot;

static struct pool slots = POOL_INIT(struct slot, FIRST_SLOTS, RANK_SLOTS);

/* What blocks beyond the first, and tables of them, are cut from. */
static struct {
	char *next, *end;
	struct porter__lock lock;
} store = { .lock = PORTER__LOCK_INIT(RANK_STORE) };

/* Its destructor hands the slot of a thread that ends on. */
static struct {
	pthread_key_t key;
	bool made;
	struct porter__lock lock;
} ending = { .lock = PORTER__LOCK_INIT(RANK_ENDING) };

static bool has_slot(void)
{
	return porter__self != &no_slot && porter__self != &left_slot;
}

struct slot *porter__this_slot(void)
{
	return has_slot() ? porter__self : NULL;
}

/* ---- Slots after a fork ---- */

/*
 * Of all threads, the one that forked lives in the child, and the slots of the
 * others are free. That is seen to when the child first takes or gives one: most
 * children call exec before, and each slot is a page to copy.
 */
static struct {
	uint32_t generation; /* 0: there was no fork */
	struct slot *kept;   /* of the thread that forked, or NULL */
} forked;

static void reclaim_slots(void)
{
	sigset_t saved;

	if (likely(load_acquire(&forked.generation) == 0))
		return;
	porter__lock(&slots.lock, &saved);
	if (forked.generation) {
		porter__pool_give_all_but(&slots, forked.kept);
		store_release(&forked.generation, 0);
	}
	porter__unlock(&slots.lock, &saved);
}

static void in_child(void)
{
	/* Threads that read without a slot are no more, but for this one. */
	store_relaxed(&slotless, 0);
	forked.generation = porter__fork_generation;
	forked.kept = has_slot() ? porter__self : NULL;
	if (has_slot())
		porter__self->generation = porter__fork_generation;
}

/* Whoever was reading in it is not any more, or counts as a thread without one. */
static void give_slot(struct slot *slot)
{
	slot->depth = 0;
	store_release(&slot->reading, slot->reading + slot->reading % 2);
	reclaim_slots();
	porter__pool_give(&slots, slot);
}

static struct slot *pick_slot(void)
{
	reclaim_slots();
	return porter__pool_take(&slots);
}

static void end_attempts(struct slot *slot);

/* A thread that died in a fork may have been in the middle of an attempt. */
static void begin_time(struct slot *slot)
{
	if (slot->generation && slot->generation != porter__fork_generation)
		end_attempts(slot);
	store_relaxed(&slot->generation, porter__fork_generation);
	slot->reader = false;
	slot->depth = 0;
	store_relaxed(&slot->reading, slot->reading + slot->reading % 2);
	slot->holding = NULL;
	slot->refusal = (struct porter__note){ 0 };
	if (!slot->blocks[0])
		store_release(&slot->blocks[0], slot->first);
}

/* ---- A thread's time in a slot ---- */

/*
 * Runs among the destructors of the thread's keys, in any order with them.
 * First out, then hand on: a signal handler in between finds no slot.
 */
static void on_thread_end(void *slot)
{
	porter__self = &left_slot;
	give_slot(slot);
}

static bool make_key(void)
{
	sigset_t saved;
	bool made;

	porter__lock(&ending.lock, &saved);
	if (!ending.made)
		ending.made = pthread_key_create(&ending.key, on_thread_end) ==
			      0;
	made = ending.made;
	porter__unlock(&ending.lock, &saved);
	return made;
}

/*
 * What the last owner wrote into the slot is seen by this one, whose plain
 * adds would lose it otherwise: the pool's lock orders the two.
 * (test: slots_are_reused_with_their_values)
 *
 * Signals are blocked, so that no handler takes a second slot meanwhile.
 */
static bool take_slot(void)
{
	struct slot *slot;
	sigset_t saved;

	TEST_POINT(SLOT_MISSING);
	porter__fork_register();
	porter__block_signals(&saved);
	if (porter__self != &no_slot) /* A handler was faster. */
		goto restore;
	slot = make_key() ? pick_slot() : NULL;
	if (!slot)
		goto restore;
	begin_time(slot);
	/*
	 * Before pthread_setspecific(): should that call malloc, and malloc
	 * come here, the thread has its slot already.
	 */
	porter__self = slot;
	if (pthread_setspecific(ending.key, slot) != 0) {
		/* Never handed on, the slot would be lost: do without. */
		porter__self = &no_slot;
		give_slot(slot);
	}
restore:
	porter__restore_signals(&saved);
	return has_slot();
}

int porter_thread_register(void)
{
	if (porter__self == &left_slot) {
		errno = ECANCELED;
		return -1;
	}
	if (!has_slot() && !take_slot()) {
		errno = ENOMEM;
		return -1;
	}
	if (!porter__slots_enter()) {
		errno = ENOMEM;
		return -1;
	}
	porter__slots_leave(true);
	return 0;
}

void porter_thread_unregister(void)
{
	struct slot *slot = porter__self;

	if (!has_slot())
		return;
	pthread_setspecific(ending.key, NULL);
	if (slot->depth) /* In a function that a walk calls: it goes on. */
		fetch_add(&slotless, 1);
	porter__self = &no_slot;
	give_slot(slot);
}

/* ---- Finding a cell ---- */

/* Where the slot points to the block from; NULL if that table is missing. */
static struct cell **find_entry(struct slot *slot, uint32_t block)
{
	unsigned segment = segment_of(block, DIRECT_BLOCKS);
	struct cell **table;

	if (segment == 0)
		return &slot->blocks[block];
	table = load_acquire(&slot->more[segment - 1]);
	return table ? &table[block - segment_start(segment, DIRECT_BLOCKS)] :
		       NULL;
}

static struct cell *find_block(struct slot *slot, uint32_t block)
{
	struct cell **entry = find_entry(slot, block);

	return entry ? load_acquire(entry) : NULL;
}

static void end_attempts_in(struct cell *block)
{
	for (int i = 0; block && i < BLOCK_CELLS; i++)
		if (load_relaxed(&block[i].attempt))
			store_relaxed(&block[i].attempt, 0);
}

static void end_attempts(struct slot *slot)
{
	for (uint32_t i = 0; i < DIRECT_BLOCKS; i++)
		end_attempts_in(slot->blocks[i]);
	for (unsigned segment = 1; segment <= MORE_SEGMENTS; segment++) {
		size_t length = segment_length(segment, DIRECT_BLOCKS);
		struct cell **table = slot->more[segment - 1];

		for (size_t i = 0; table && i < length; i++)
			end_attempts_in(table[i]);
	}
}

/* Fresh pages, zeroed; under the store's lock. */
static void *cut_from_store(size_t size)
{
	char *piece = store.next;

	if (size > STORE_SIZE)
		return porter__map_pages(size);
	if ((size_t)(store.end - piece) < size) {
		piece = porter__map_pages(STORE_SIZE);
		if (!piece)
			return NULL;
		store.end = piece + STORE_SIZE;
	}
	store.next = piece + size;
	return piece;
}

/*
 * Maps the block, and the table it belongs into, in the thread's own slot.
 *
 * store_release() pairs with find_block() of a reader, which must not miss the
 * block when it has seen, by way of another thread's free, what was counted in
 * it afterwards.
 */
static struct cell *make_block(struct slot *slot, uint32_t block)
{
	unsigned segment = segment_of(block, DIRECT_BLOCKS);
	struct cell **entry, *cells = NULL;
	sigset_t saved;

	TEST_POINT(BLOCK_MISSING);
	porter__lock(&store.lock, &saved);
	TEST_POINT(STORE_LOCKED);
	entry = find_entry(slot, block);
	if (!entry) {
		void *table =
			cut_from_store(segment_length(segment, DIRECT_BLOCKS) *
				       sizeof(*entry));

		if (!table)
			goto unlock;
		store_release(&slot->more[segment - 1], table);
		entry = find_entry(slot, block);
	}
	cells = *entry;
	if (!cells) { /* Else a signal handler was faster. */
		cells = cut_from_store(BLOCK_STRIDE);
		if (cells)
			store_release(entry, cells);
	}
unlock:
	porter__unlock(&store.lock, &saved);
	return cells;
}

/* Leaves errno alone: an update has no errors, and a handler none to make. */
struct cell *porter__this_cell(struct cell_address at)
{
	int error = errno;
	struct cell *block = NULL;

	if (has_slot() || (porter__self != &left_slot && take_slot())) {
		block = find_block(porter__self, at.block);
		if (!block)
			block = make_block(porter__self, at.block);
	}
	errno = error;
	return block ? cell_in(block, at) : NULL;
}

/* ---- Reading ---- */

/*
 * liburcu ends the program when it cannot map memory for a thread that reads
 * for the first time. So look first whether there is some; where there is
 * none, read without: slots, blocks and tables are never unmapped, and the
 * caller vouches for the counter.
 */
static bool memory_for_liburcu(void)
{
	return porter__can_map(PROBE_SIZE +
			       porter__pool_count(&slots) * PROBE_A_SLOT);
}

/* Before a thread's first read; leaves errno alone, too. */
static bool become_reader(void)
{
	int error = errno;
	bool possible;

	if (porter__self == &no_slot)
		take_slot();
	possible = memory_for_liburcu();
	if (possible) {
		porter__register_reader();
		if (has_slot())
			porter__self->reader = true;
	}
	errno = error;
	return possible;
}

/*
 * Said before anything is looked at, and unsaid after it: see grace.h. A signal
 * handler that reads in between leaves depth as it was.
 */
static void begin_reading(void)
{
	struct slot *slot = porter__self;

	if (unlikely(!has_slot()))
		fetch_add(&slotless, 1);
	else if (slot->depth++ == 0)
		store_relaxed(&slot->reading, slot->reading + 1);
	compiler_barrier();
}

static void end_reading(void)
{
	struct slot *slot = porter__self;

	if (unlikely(!has_slot()) || unlikely(slot->depth == 0))
		fetch_add(&slotless, (uint32_t)-1);
	else if (--slot->depth == 0)
		store_release(&slot->reading, slot->reading + 1);
}

bool porter__slots_enter(void)
{
	bool possible = porter__self->reader || become_reader();

	begin_reading();
	if (possible)
		porter__read_lock();
	return possible;
}

void porter__slots_leave(bool locked)
{
	if (locked)
		porter__read_unlock();
	end_reading();
}

struct slot *porter__slot_at(size_t slot)
{
	return porter__pool_at(&slots, slot);
}

bool porter__slotless_readers(void)
{
	return load_acquire(&slotless) != 0;
}

size_t porter__slots_count(void)
{
	return porter__pool_count(&slots);
}

bool porter__slot_lives(size_t slot)
{
	const struct slot *s = porter__pool_at(&slots, slot);

	return load_relaxed(&s->generation) == porter__fork_generation;
}

/*
 * The first block lies in the slot itself, so its cells are found without a look at
 * the slot's header: one line a slot for a read. Those that have not begun are 0. A
 * slot that another thread's free makes known was counted in after the pool counted
 * it, so the pool's count is all that must be read with acquire.
 */
static struct cell *cell_of(struct slot *slot, struct cell_address at)
{
	struct cell *block = at.block == 0 ? slot->first :
					     find_block(slot, at.block);

	return block ? cell_in(block, at) : NULL;
}

struct cell *porter__slot_cell(size_t slot, struct cell_address at)
{
	return cell_of(porter__pool_at(&slots, slot), at);
}

uint64_t porter__slots_sum(struct cell_address at, enum word word)
{
	size_t count = porter__slots_count();
	uint64_t sum = 0;

	for (size_t slot = 0; slot < count;) {
		struct pool_run run = porter__pool_run(&slots, slot, count);
		struct slot *s = (struct slot *)(void *)run.elements;

		for (size_t i = 0; i < run.length; i++) {
			const struct cell *cell = cell_of(&s[i], at);

			if (cell)
				sum += word_load(&cell->word[word]);
		}
		slot += run.length;
	}
	return sum;
}

/* ---- Loading and forking ---- */

FORK_HOLD(hold_slots, .lock = &slots.lock, .child = in_child);
FORK_HOLD(hold_store, .lock = &store.lock);
FORK_HOLD(hold_ending, .lock = &ending.lock);

/*
 * The one constructor of the library. Nothing depends on it: what it does is done
 * at first use otherwise. Early is better. pthread_setspecific() allocates nothing
 * for the first 32 keys of the C library. And fork() comes to this library after
 * the handlers that a program registers later, which may use it.
 */
__attribute__((constructor)) static void on_load(void)
{
	porter__fork_register();
	make_key();
}
