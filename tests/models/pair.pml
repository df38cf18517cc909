/* SPDX-License-Identifier: MIT */
/*
 * pair.pml: the peak's two bounds, published whole.
 *
 * Idea: two copies and a number that tells which one counts. The writer is
 * whoever has the account's lock, one after another.
 *
 *	write:	copy[(number + 1) & 1] := pair	read:	number
 *		number := number + 1			copy[number & 1]
 *							number: the same, or
 *							start over
 *
 * A reader waits for nobody: it starts over only if a pair was published
 * meanwhile, at most once for each. A writer may stop anywhere for good; readers
 * still end. (1) What is read is a pair that was published, and was the newest
 * at an instant of the call. (2) No reader starts over more often than pairs were
 * published.
 *
 * Memory: what is stored is seen at once; weak-memory/ has the orders.
 *
 * Size: WRITES pairs (i, 2 * i), the third one lower again, as of a new period;
 * 2 readers.
 *
 *	search
 *	deeper	-DWRITES=6
 *
 * Faults, and which of the two spin finds broken:
 *
 *	fault	one_copy
 *		1: it is written while it is read
 *	fault	number_first
 *		1: the pair that counts is not there yet
 *	fault	looks_once
 *		1: the next but one is written over it
 */

#ifndef WRITES
#define WRITES 4
#endif

byte lower[2], upper[2], number;

#define LOWER(i) (i == 3 -> 0 : i)

#ifdef MUTATION_one_copy
#define COPY(i) 0
#else
#define COPY(i) ((i) & 1)
#endif

active proctype writer()
{
	byte i;

	do
	:: i < WRITES ->
		i++;
#ifdef MUTATION_number_first
		number = i;
#endif
		lower[COPY(i)] = LOWER(i);
		upper[COPY(i)] = 2 * LOWER(i);
		number = i
	:: true -> break	/* stops for good */
	od
}

active [2] proctype reader()
{
	byte first, seen, l, u, rounds;

	first = number;
	do
	:: atomic { seen = number }
		l = lower[COPY(seen)];
		u = upper[COPY(seen)];
#ifdef MUTATION_looks_once
		break
#else
		if
		:: atomic { number == seen -> break }
		:: atomic { number != seen ->
			rounds++;
			assert(rounds <= number - first) }	/* (2) */
		fi
#endif
	od;
	assert(l == LOWER(seen) && u == 2 * l && seen >= first)	/* (1) */
}
