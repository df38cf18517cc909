/* SPDX-License-Identifier: MIT */
/*
 * publish.pml: slots, segments and blocks that appear during a scan.
 *
 * Idea: memory by views, as in weak.pml. A thread takes a slot that the pool
 * has to grow for: it maps the segment, publishes it, publishes the count,
 * publishes its block, counts an allocation there and hands the block of
 * memory over. Another thread, in a slot that was there, frees it. A reader
 * scans twice. It must never find a counted slot without its segment, nor
 * cells that were not made yet, and its sum must not be low.
 *
 * Stands for: grow(), porter__pool_count(), porter__pool_at() (pool.c);
 * take_slot(), make_block(), find_block(), porter__slot_cell() (slots.c);
 * store_release(), load_acquire() (atomic.h); porter__id_word() (ids.c).
 *
 * Leaves out: all but the newest slot and one older one. "Made" stands for the
 * zeroed pages of a block, or the entries of a table of blocks.
 *
 * Size: 2 threads, 2 slots, 1 allocation, 1 free, 7 words of 3 versions; one
 * reader with one sum.
 */

#define SEGMENT 0		/* the pool's pointer to the segment */
#define COUNT 1			/* slots, less the one that was there */
#define MADE 2			/* the block's cells are zeroed */
#define BLOCK 3			/* the slot's pointer to the block */
#define ALLOCATED1 4		/* in the new slot */
#define FREED0 5		/* in the old slot */
#define PLACE 6			/* where the program hands over */
#define WORDS 7
#define VERSIONS 3

#define RELAXED 0
#define RELEASE 1
#define ACQUIRE 1

#ifdef MUTATION_count_published_relaxed
#define COUNT_ORDER RELAXED
#else
#define COUNT_ORDER RELEASE
#endif
#ifdef MUTATION_count_read_relaxed
#define COUNT_READ RELAXED
#else
#define COUNT_READ ACQUIRE
#endif
#ifdef MUTATION_block_published_relaxed
#define BLOCK_ORDER RELAXED
#else
#define BLOCK_ORDER RELEASE
#endif
#ifdef MUTATION_block_read_relaxed
#define BLOCK_READ RELAXED
#else
#define BLOCK_READ ACQUIRE
#endif

byte value[21];			/* [word * VERSIONS + version] */
byte last[WORDS];		/* the newest version */
byte carried[147];		/* [(word * VERSIONS + version) * WORDS + word] */
byte view[21];			/* [thread * WORDS + word] */
byte i_;

#define VIEW(thread, word) view[(thread) * WORDS + (word)]
#define AT(word, version) ((word) * VERSIONS + (version))

inline store(thread, word, n, order)
{
	d_step {
		last[word] = last[word] + 1;
		value[AT(word, last[word])] = n;
		VIEW(thread, word) = last[word];
		i_ = 0;
		do
		:: i_ < WORDS && order ->
			carried[AT(word, last[word]) * WORDS + i_] =
				VIEW(thread, i_);
			i_++
		:: else -> break
		od;
		i_ = 0
	}
}

/* v is the version that is seen. */
inline load(thread, word, v, n, order)
{
	atomic {
		v = VIEW(thread, word);
		do
		:: v < last[word] -> v++
		:: true -> break
		od;
		d_step {
			VIEW(thread, word) = v;
			n = value[AT(word, v)];
			i_ = 0;
			do
			:: i_ < WORDS && order ->
				if
				:: carried[AT(word, v) * WORDS + i_] >
						VIEW(thread, i_) ->
					VIEW(thread, i_) =
						carried[AT(word, v) * WORDS + i_]
				:: else
				fi;
				i_++
			:: else -> break
			od;
			i_ = 0;
			v = 0
		}
	}
}

/* The owner sees the word as it left it, or as the one before left it. */
inline add(thread, word, n, order)
{
	load(thread, word, v, got, RELAXED);
	atomic { store(thread, word, got + n, order); got = 0 }
}

proctype grower()
{
	byte v, got;

#ifdef MUTATION_count_before_segment
	store(0, COUNT, 1, COUNT_ORDER);
	store(0, SEGMENT, 1, RELEASE);
#else
	store(0, SEGMENT, 1, RELEASE);
	store(0, COUNT, 1, COUNT_ORDER);
#endif
	store(0, MADE, 1, RELAXED);
	store(0, BLOCK, 1, BLOCK_ORDER);
	add(0, ALLOCATED1, 2, RELAXED);
	store(0, PLACE, 1, RELEASE)
}

proctype freer()
{
	byte v, got;

	do
	:: atomic { last[PLACE] > 0 -> break }
	od;
	do
	:: got == 0 -> load(1, PLACE, v, got, ACQUIRE)
	:: else -> got = 0; break
	od;
	add(1, FREED0, 2, RELEASE)
}

/* porter__slot_cell() of the new slot: found is false if it has no block. */
inline find_cell()
{
#ifndef MUTATION_slots_not_counted_anew
	load(2, COUNT, v, slots, COUNT_READ);
#endif
	found = false;
	if
	:: slots ->
		load(2, SEGMENT, v, got, ACQUIRE);
		assert(got);	/* else the scan goes through NULL */
		load(2, BLOCK, v, got, BLOCK_READ);
		if
		:: got ->
			load(2, MADE, v, got, RELAXED);
			assert(got);	/* else it reads what is no cell */
			found = true
		:: else
		fi
	:: else
	fi
}

proctype reader()
{
	byte v, got, slots;
	short freed, allocated;
	bool found;

#ifdef MUTATION_slots_not_counted_anew
	load(2, COUNT, v, slots, COUNT_READ);
#endif
	find_cell();			/* the first scan */
	load(2, FREED0, v, got, ACQUIRE);
	freed = got;
	find_cell();			/* the second */
	if
	:: found -> load(2, ALLOCATED1, v, got, ACQUIRE); allocated = got
	:: else
	fi;
	assert(allocated - freed >= 0)
}

init {
	atomic {
		run grower();
		run freer();
		run reader()
	}
}
