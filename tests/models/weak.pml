/* SPDX-License-Identifier: MIT */
/*
 * weak.pml: sums on a machine that shows stores out of order (G2).
 *
 * Idea: memory as C11 release and acquire have it, by views. A word keeps all
 * values that it ever had (versions). Each thread has a view: for every word,
 * the oldest version that it may still see. A load returns any version that is
 * not older. A release store carries the view of its thread along, and an
 * acquire load that returns it takes that view over; relaxed ones do neither.
 * So stores of one thread become visible in any order, loads are done in any
 * order, and two readers may see two stores in different orders, unless
 * release and acquire forbid it. arm64 and x86-64 allow less than this.
 *
 * Stands for: word_add(), word_add_release(), word_load() (atomic.h);
 * counter_add() (counter.h); porter_counter_sum() (counter.c); the lock in
 * porter__pool_give() and porter__pool_take() (pool.c), as a word written with
 * release and read with acquire; the program that hands a block over, likewise.
 *
 * Leaves out: how a slot or a block is published (publish.pml).
 *
 * Size: 3 threads. The first counts a block in slot 0 and hands it over,
 * counts another one and frees it itself, ends. The second frees the first
 * block, in slot 1. The third takes slot 0 and counts there. 6 words, 5
 * versions of each. One reader with one sum, who knows of 4 bytes that are in
 * use all the time.
 */

#define ALLOCATED0 0
#define FREED0 1
#define ALLOCATED1 2
#define FREED1 3
#define PLACE 4			/* where the program hands the block over */
#define LOCK 5			/* of the pool */
#define WORDS 6
#define VERSIONS 5

#define RELAXED 0
#define RELEASE 1
#define ACQUIRE 1

#ifdef MUTATION_relaxed_free
#define FREE_ORDER RELAXED
#else
#define FREE_ORDER RELEASE
#endif
#ifdef MUTATION_relaxed_read
#define READ_ORDER RELAXED
#else
#define READ_ORDER ACQUIRE
#endif
#ifdef MUTATION_program_hands_over_relaxed
#define PLACE_ORDER RELAXED
#else
#define PLACE_ORDER RELEASE
#endif
#ifdef MUTATION_slot_handed_on_without_order
#define LOCK_ORDER RELAXED
#else
#define LOCK_ORDER RELEASE
#endif

byte value[30];			/* [word * VERSIONS + version] */
byte last[WORDS];		/* the newest version */
byte carried[180];		/* [(word * VERSIONS + version) * WORDS + word] */
byte view[24];			/* [thread * WORDS + word] */
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

bool given;

proctype first()
{
	byte v, got;

	add(0, ALLOCATED0, 1, RELAXED);
	store(0, PLACE, 1, PLACE_ORDER);
	add(0, ALLOCATED0, 2, RELAXED);
	add(0, FREED0, 2, FREE_ORDER);
	store(0, LOCK, 1, LOCK_ORDER);	/* porter__pool_give() */
	given = true
}

proctype second()
{
	byte v, got;

	do
	:: atomic { last[PLACE] > 0 -> break }
	od;
	do
	:: got == 0 -> load(1, PLACE, v, got, PLACE_ORDER)
	:: else -> got = 0; break
	od;
	add(1, FREED1, 1, FREE_ORDER)
}

proctype third()
{
	byte v, got;

	given;
	do
	:: got == 0 -> load(2, LOCK, v, got, LOCK_ORDER)
	:: else -> got = 0; break
	od;
	add(2, ALLOCATED0, 1, RELAXED);
	assert(value[AT(ALLOCATED0, last[ALLOCATED0])] == 8);	/* G4 */
	add(2, FREED0, 1, FREE_ORDER);
	assert(value[AT(FREED0, last[FREED0])] == 3)
}

proctype reader()
{
	byte v, got;
	short freed, allocated;

	load(3, FREED0, v, got, READ_ORDER);
	freed = got;
	load(3, FREED1, v, got, READ_ORDER);
	freed = freed + got;
	load(3, ALLOCATED0, v, got, READ_ORDER);
	allocated = got;
	load(3, ALLOCATED1, v, got, READ_ORDER);
	allocated = allocated + got;
	assert(allocated - freed >= 4)
}

init {
	atomic {
		value[AT(ALLOCATED0, 0)] = 4;
		run first();
		run second();
		run third();
		run reader()
	}
}
