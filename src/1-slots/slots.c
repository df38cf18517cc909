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
 * destructors run: it counts in the counters' own cells from then on, since a
 * slot that it took now might never be handed on.
 *
 * One lock guards all that changes seldom: the free list, the growth of the
 * directory and of the store that blocks are cut from. It is taken with
 * signals blocked, so a handler may be the first to touch the library; and
 * nothing is called while it is held but the kernel. Rank: innermost.
 */
#include "1-slots/slots.h"

#include "0-machine/segments.h"
#include "0-machine/urcu-glue.h"

#include <portermem/thread.h>

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

enum {
	FIRST_SLOTS = 16, /* length of the directory's first segment */
	SLOT_SEGMENTS = 28,
	STORE_SIZE = 64 * 1024,
	/* Blocks lie one pair of lines further than their size: see slots.h. */
	BLOCK_STRIDE = BLOCK_CELLS * CACHE_LINE + CACHE_LINE_PAIR,
	PROBE_SIZE = 64 * 1024,
};

static struct slot no_slot, left_slot;

THREAD_LOCAL struct slot *porter__self = &no_slot;

static struct {
	/*
	 * Read by everybody. Only grow: count is published after the slot, a
	 * segment before the count that first reaches into it.
	 */
	struct slot *segments[SLOT_SEGMENTS];
	size_t count;
	/* Under the lock. */
	struct porter__lock lock;
	struct slot *free;
	char *store, *store_end; /* what further blocks are cut from */
	pthread_key_t key;	 /* its destructor hands the slot on */
	bool have_key;
} registry = { .lock = PORTER__LOCK_INIT };

/* ---- Under the lock ---- */

static void *cut_from_store(size_t size)
{
	char *piece = registry.store;

	if (size > STORE_SIZE)
		return porter__map_pages(size);
	if (!piece || (size_t)(registry.store_end - piece) < size) {
		piece = porter__map_pages(STORE_SIZE);
		if (!piece)
			return NULL;
		registry.store_end = piece + STORE_SIZE;
	}
	registry.store = piece + size;
	return piece;
}

static struct slot *new_slot(void)
{
	size_t index = registry.count;
	unsigned segment = segment_of(index, FIRST_SLOTS);
	struct slot *slots;

	if (segment >= SLOT_SEGMENTS)
		return NULL;
	slots = registry.segments[segment];
	if (!slots) {
		slots = porter__map_pages(segment_length(segment, FIRST_SLOTS) *
					  sizeof(struct slot));
		if (!slots)
			return NULL;
		/* Pairs with porter__slot_cell(); ordered by count as well. */
		publish(&registry.segments[segment], slots);
	}
	slots += index - segment_start(segment, FIRST_SLOTS);
	slots->blocks[0] = slots->first;
	/*
	 * Pairs with porter__slots_count(): a reader that counts this slot in
	 * finds its segment and its first block.
	 */
	publish(&registry.count, index + 1);
	return slots;
}

static void hand_on(struct slot *slot)
{
	slot->reader = false;
	slot->next_free = registry.free;
	registry.free = slot;
}

/* ---- The ends of a thread's time in a slot ---- */

/* Runs among the destructors of the thread's keys, in any order with them. */
static void on_thread_end(void *slot)
{
	sigset_t saved;

	porter__lock(&registry.lock, &saved);
	porter__self = &left_slot;
	hand_on(slot);
	porter__unlock(&registry.lock, &saved);
}

static bool make_key(void)
{
	if (!registry.have_key)
		registry.have_key =
			pthread_key_create(&registry.key, on_thread_end) == 0;
	return registry.have_key;
}

/*
 * Early, while few keys are taken: pthread_setspecific() allocates nothing for
 * the first 32 keys of the C library.
 */
__attribute__((constructor)) static void on_load(void)
{
	sigset_t saved;

	porter__lock(&registry.lock, &saved);
	make_key();
	porter__unlock(&registry.lock, &saved);
}

/*
 * What a thread wrote into its slot is seen by the next owner, whose plain
 * adds would lose it otherwise: the lock orders hand_on() before this.
 * (test: slots_are_reused_with_their_values)
 */
static bool take_slot(void)
{
	struct slot *slot = NULL;
	sigset_t saved;

	porter__lock(&registry.lock, &saved);
	if (porter__self != &no_slot) {
		/* A signal handler was faster, before they were blocked. */
		slot = porter__self == &left_slot ? NULL : porter__self;
		goto unlock;
	}
	if (!make_key())
		goto unlock;
	slot = registry.free;
	if (slot)
		registry.free = slot->next_free;
	else
		slot = new_slot();
	if (!slot)
		goto unlock;
	/*
	 * Before pthread_setspecific(): should that call malloc, and malloc
	 * come here, the thread has its slot already.
	 */
	porter__self = slot;
	pthread_mutex_unlock(&registry.lock.mutex);
	if (pthread_setspecific(registry.key, slot) != 0) {
		/* Never handed on, the slot would be lost: do without. */
		pthread_mutex_lock(&registry.lock.mutex);
		porter__self = &no_slot;
		hand_on(slot);
		slot = NULL;
		goto unlock;
	}
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return true;
unlock:
	porter__unlock(&registry.lock, &saved);
	return slot != NULL;
}

int porter_thread_register(void)
{
	if (porter__self == &left_slot) {
		errno = ECANCELED;
		return -1;
	}
	if (porter__self == &no_slot && !take_slot()) {
		errno = ENOMEM;
		return -1;
	}
	porter__slots_leave(porter__slots_enter());
	return 0;
}

void porter_thread_unregister(void)
{
	struct slot *slot = porter__self;
	sigset_t saved;

	if (slot == &no_slot || slot == &left_slot)
		return;
	pthread_setspecific(registry.key, NULL);
	porter__lock(&registry.lock, &saved);
	porter__self = &no_slot;
	hand_on(slot);
	porter__unlock(&registry.lock, &saved);
}

/* ---- Finding a cell ---- */

static struct cell **find_entry(struct slot *slot, uint32_t block)
{
	unsigned segment;
	struct cell **table;

	if (block < DIRECT_BLOCKS)
		return &slot->blocks[block];
	segment = segment_of(block, DIRECT_BLOCKS);
	table = subscribe(&slot->more[segment - 1]);
	return table ? &table[block - segment_start(segment, DIRECT_BLOCKS)] :
		       NULL;
}

static struct cell *find_block(const struct slot *slot, uint32_t block)
{
	struct cell **entry = find_entry((struct slot *)slot, block);

	return entry ? subscribe(entry) : NULL;
}

/* Maps the block, and the table it belongs into, in the thread's own slot. */
static struct cell *make_block(struct slot *slot, uint32_t block)
{
	struct cell **entry, *cells = NULL;
	sigset_t saved;

	porter__lock(&registry.lock, &saved);
	entry = find_entry(slot, block);
	if (!entry) {
		unsigned segment = segment_of(block, DIRECT_BLOCKS);
		struct cell **table =
			cut_from_store(segment_length(segment, DIRECT_BLOCKS) *
				       sizeof(*table));

		if (!table)
			goto unlock;
		publish(&slot->more[segment - 1], table);
		entry = find_entry(slot, block);
	}
	cells = *entry; /* A signal handler may have been faster. */
	if (!cells) {
		cells = cut_from_store(BLOCK_STRIDE);
		/*
		 * Pairs with find_block() of a reader, which must not find
		 * cells that are not zeroed (fresh pages are) nor miss the
		 * block when it has seen, by way of another thread's free,
		 * what was counted in it.
		 */
		if (cells)
			publish(entry, cells);
	}
unlock:
	porter__unlock(&registry.lock, &saved);
	return cells;
}

struct cell *porter__own_cell(struct cell_address at)
{
	struct cell *block;

	if (porter__self == &left_slot)
		return NULL;
	if (porter__self == &no_slot && !take_slot())
		return NULL;
	block = find_block(porter__self, at.block);
	if (!block)
		block = make_block(porter__self, at.block);
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
	void *probe = porter__map_pages(PROBE_SIZE);

	if (!probe)
		return false;
	munmap(probe, PROBE_SIZE);
	return true;
}

bool porter__slots_enter(void)
{
	if (!porter__self->reader) {
		if (porter__self == &no_slot)
			take_slot();
		if (!memory_for_liburcu())
			return false;
		porter__register_reader();
		if (porter__self != &no_slot && porter__self != &left_slot)
			porter__self->reader = true;
	}
	porter__read_lock();
	return true;
}

void porter__slots_leave(bool locked)
{
	if (locked)
		porter__read_unlock();
}

size_t porter__slots_count(void)
{
	return subscribe(&registry.count);
}

const struct cell *porter__slot_cell(size_t slot, struct cell_address at)
{
	unsigned segment = segment_of(slot, FIRST_SLOTS);
	const struct slot *slots = subscribe(&registry.segments[segment]);
	struct cell *block;

	slots += slot - segment_start(segment, FIRST_SLOTS);
	block = find_block(slots, at.block);
	return block ? cell_in(block, at) : NULL;
}
