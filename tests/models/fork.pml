/* SPDX-License-Identifier: MIT */
/*
 * fork.pml: what a child knows when fork() copied cells of running threads.
 *
 * Idea: fork() copies word by word, in any order, while a thread goes on. The
 * freed words are added up before. The child's base makes its freed sum that
 * number. So its usage is at least `used` at the instant when the adding up
 * was done; and from then on the child counts exactly.
 *
 * Stands for: before_fork(), add_given_back(), in_child(), add_to_base(),
 * porter__id_word() (ids.c); in_child() (slots.c); before_fork(), after_fork()
 * (fork.c).
 *
 * Leaves out: locks (locks.pml), liburcu, all ids but one. That one is used
 * for the second time: its base is not 0.
 *
 * Size: 2 threads that run on, one in slot 0, one that takes slot 1 at any
 * moment, with ROUNDS (2) and 1 rounds of an allocation and a free, by way of
 * a shared place; a forking thread with a block of 8 bytes; a child that goes
 * on in slots 0 and 1, and forks again.
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif
#define BASE 3

byte allocated[2], freed[2];	/* of both slots */
byte count = 1;
byte base_allocated = BASE, base_freed = BASE;
byte given_back;
byte place;
short used;			/* the truth, in the parent */

byte copy_allocated[2], copy_freed[2], copy_count;	/* the child's memory */
short child_base_freed;

inline charge(slot, n)
{
	atomic { allocated[slot] = allocated[slot] + n; used = used + n }
}

inline refund(slot, n)
{
	atomic { freed[slot] = freed[slot] + n; used = used - n }
}

proctype thread(byte slot; byte size; byte rounds)
{
	byte got, round;

	if
	:: slot == 1 -> count = 2
	:: else
	fi;
	do
	:: round < rounds ->
		charge(slot, size);
		atomic { got = place; place = size }
		if
		:: got -> refund(slot, got)
		:: else
		fi;
		atomic { got = 0; round++ }
	:: else -> break
	od
}

#define CHILD_ALLOCATED                                                 \
	(copy_allocated[0] + (copy_count > 1 -> copy_allocated[1] : 0) - \
	 base_allocated)
#define CHILD_FREED                                             \
	(copy_freed[0] + (copy_count > 1 -> copy_freed[1] : 0) - \
	 child_base_freed)
#define CHILD_USED (CHILD_ALLOCATED - CHILD_FREED)

proctype forking()
{
	byte n, i;
	byte copied;		/* a bit for each word that was copied */
	short at_fork, before;

	/* before_fork(): the cells that there are */
#ifndef MUTATION_freed_added_up_after_the_copy
	n = count;
	do
	:: atomic { i < n -> given_back = given_back + freed[i]; i++ }
	:: atomic { i >= n -> i = 0; break }
	od;
#endif
	at_fork = used;
	/* fork(): any order */
	do
	:: atomic { !(copied & 1) -> copy_allocated[0] = allocated[0];
		copied = copied | 1 }
	:: atomic { !(copied & 2) -> copy_allocated[1] = allocated[1];
		copied = copied | 2 }
	:: atomic { !(copied & 4) -> copy_freed[0] = freed[0];
		copied = copied | 4 }
	:: atomic { !(copied & 8) -> copy_freed[1] = freed[1];
		copied = copied | 8 }
	:: atomic { !(copied & 16) -> copy_count = count;
		copied = copied | 16 }
	:: atomic { copied == 31 -> copied = 0; break }
	od;
#ifdef MUTATION_freed_added_up_after_the_copy
	n = count;
	do
	:: atomic { i < n -> given_back = given_back + freed[i]; i++ }
	:: atomic { i >= n -> i = 0; break }
	od;
#endif
	atomic {
		/* in_child() of ids.c */
#ifdef MUTATION_no_rebase
		child_base_freed = base_freed;
#else
		child_base_freed = base_freed - given_back + copy_freed[0];
#ifdef MUTATION_slots_of_before_the_fork
		child_base_freed = child_base_freed +
			(n > 1 -> copy_freed[1] : 0);
#else
		child_base_freed = child_base_freed +
			(copy_count > 1 -> copy_freed[1] : 0);
#endif
#endif
		assert(CHILD_USED >= 8);
		assert(CHILD_USED >= at_fork);
		/* The child counts: 5 in slot 0, less 8 in slot 0 or 1. */
		before = CHILD_USED;
		copy_allocated[0] = copy_allocated[0] + 5;
		if
		:: copy_count > 1 -> copy_freed[1] = copy_freed[1] + 8
		:: else -> copy_freed[0] = copy_freed[0] + 8
		fi;
		assert(CHILD_USED == before - 3);
		/* It forks again, alone: that child has the same number. */
		before = CHILD_USED;
		given_back = copy_freed[0] +
			(copy_count > 1 -> copy_freed[1] : 0);
		child_base_freed = child_base_freed - given_back +
			copy_freed[0] + (copy_count > 1 -> copy_freed[1] : 0);
		assert(CHILD_USED == before)
	}
}

init {
	atomic {
		freed[0] = BASE;
		allocated[0] = BASE + 8;	/* the forking thread's block */
		used = 8;
		run thread(0, 1, ROUNDS);
		run thread(1, 2, 1);
		run forking()
	}
}
