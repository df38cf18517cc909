/* SPDX-License-Identifier: MIT */
/*
 * scan.pml: what a read may say while threads count (G1, G2, G3).
 *
 * Idea: the model knows the true usage at every instant, in `used`, which
 * changes in one step with the word that an update writes. A reader scans
 * the slots word by word, notes `used` at an arbitrary instant between its two
 * scans, and must have been right about it.
 *
 * Stands for: counter_add() (counter.h) through charge() and refund()
 * (tracked.h); porter_counter_sum(), scan(), between() (counter.c);
 * porter__id_word() (ids.c); porter__slots_count(),
 * porter__slots_sum(), take_slot(), on_thread_end() (slots.c).
 *
 * Leaves out: the order of memory (weak.pml, publish.pml), how an add is done
 * (slots.pml), the counts beside the bytes (words of the same kind), the base.
 * An add is one step: only the owner writes the word.
 *
 * Size: 3 threads, each with ROUNDS (1) allocations and as many frees, by way
 * of a shared place, so that most free what another one allocated; a slot that
 * was left is taken by the next thread; slots and blocks appear at any moment
 * of a read; one reader, which does one sum or one interval.
 */

#ifndef ROUNDS
#define ROUNDS 1
#endif
#define SLOTS 3

byte allocated[SLOTS], freed[SLOTS];	/* cells */
bool block[SLOTS];			/* the slot points to its block */
bool is_free[SLOTS];
byte count;				/* slots that readers may look at */
byte folded_allocated, folded_freed;	/* MUTATION_fold_at_exit only */
byte place;				/* size of a block handed over; 0: none */
byte ended;

short used;				/* the truth */

/* pool.c: under its lock, hence one step; the block is published later. */
inline take_slot()
{
	atomic {
		if
		:: is_free[0] -> slot = 0; is_free[0] = false
		:: !is_free[0] && is_free[1] -> slot = 1; is_free[1] = false
		:: !is_free[0] && !is_free[1] -> slot = count; count++
		fi
	}
	block[slot] = true
}

inline charge(size)
{
	d_step { allocated[slot] = allocated[slot] + size; used = used + size }
}

inline refund(size)
{
	d_step { freed[slot] = freed[slot] + size; used = used - size }
}

proctype thread(byte mine)
{
	byte slot, got, round;

	take_slot();
	do
	:: round < ROUNDS ->
#ifdef MUTATION_handed_over_before_counted
		d_step { got = place; place = mine }
		charge(mine);
#else
		charge(mine);
		d_step { got = place; place = mine }
#endif
		if
		:: got -> refund(got)
		:: else
		fi;
		atomic { got = 0; round++ }
	:: else -> break
	od;
#ifdef MUTATION_fold_at_exit
	atomic {
		folded_allocated = folded_allocated + allocated[slot];
		folded_freed = folded_freed + freed[slot]
	}
	atomic { allocated[slot] = 0; freed[slot] = 0 }
#endif
	atomic { is_free[slot] = true; slot = 0; ended++ }
}

/*
 * One scan of one word: porter__id_word(). Whether the block is there and
 * what the word says are one step here: a block that is there stays there.
 */
#define SCAN(words, folded, sum)                                       \
	atomic { sum = folded; n = count }                             \
	do                                                             \
	:: atomic { i < n -> sum = sum + (block[i] -> words[i] : 0); i++ } \
	:: atomic { i >= n -> i = 0; break }                           \
	od

/* One scan of both, in either order: counter.c, read.c. */
#define SCAN_BOTH(a, f)                              \
	SCAN(allocated, folded_allocated, a);        \
	SCAN(freed, folded_freed, f)

proctype reader()
{
	short a1, f1, a2, f2, seen;
	byte n, i;

	if
	:: true ->
#ifdef MUTATION_allocated_first
		SCAN(allocated, folded_allocated, a1);
		seen = used;
		SCAN(freed, folded_freed, f1);
#else
#ifdef MUTATION_one_scan
		seen = used;
		SCAN_BOTH(a1, f1);
#else
		SCAN(freed, folded_freed, f1);
		seen = used;
#ifdef MUTATION_slots_not_counted_anew
		a1 = folded_allocated;
		do
		:: atomic { i < n ->
			a1 = a1 + (block[i] -> allocated[i] : 0); i++ }
		:: atomic { i >= n -> i = 0; break }
		od;
#else
		SCAN(allocated, folded_allocated, a1);
#endif
#endif
#endif
		assert(a1 - f1 >= 0);
		assert(a1 - f1 >= seen)
	:: true ->
		SCAN_BOTH(a1, f1);
		seen = used;
		SCAN_BOTH(a2, f2);
#ifdef MUTATION_bounds_of_one_scan
		assert(a1 - f1 <= seen || a2 - f2 <= seen);
		assert(a1 - f1 >= seen || a2 - f2 >= seen);
#else
		assert(a1 - f2 <= seen && seen <= a2 - f1);
#endif
#ifdef MUTATION_equal_sums_are_exact
		assert(a1 - f1 != a2 - f2 || seen == a1 - f1);
#else
		assert(a1 != a2 || f1 != f2 || seen == a1 - f1)
#endif
	fi
}

/* G1: when all is quiet, the cells say the truth. */
proctype at_rest()
{
	ended == 3;
	assert(folded_allocated + allocated[0] + allocated[1] + allocated[2] -
	       folded_freed - freed[0] - freed[1] - freed[2] == used)
}

init {
	atomic {
		run thread(1);
		run thread(2);
		run thread(4);
		run at_rest();
		run reader()
	}
}
