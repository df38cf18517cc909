/* SPDX-License-Identifier: MIT */
/*
 * charge.pml: a limit that holds to the byte, where most charges ask nobody (G7).
 *
 * Idea: an account gives each cell a quota. `reserved` is the sum of the quotas
 * and never exceeds the limit; no cell charges more than its quota. So a thread
 * whose cell has stock (quota that is not used yet) just counts. One whose cell
 * has not takes the lock; and when the limit does not seem to allow the charge,
 * it drains: all stock of others is taken back first. Those others take no lock
 * and wait for nobody, so that is the hard part:
 *
 *	charge:  attempt := 1             drain:  mark: QUOTA -= 2^62, cap := 0
 *	         look at QUOTA                    membarrier
 *	         ALLOCATED += n                   wait while attempt
 *	         attempt := 0                     read FREED, ALLOCATED
 *	                                          QUOTA := what is charged
 *	free:    FREED += n                       unlist
 *	         look at QUOTA and cap
 *
 * Either one sees what the other wrote, or the membarrier has made it seen.
 *
 * The truth is known to the model: `used` grows when a charge is decided upon,
 * and shrinks when a free is counted. `held` shrinks only when the free has
 * settled or returned. (1) No overshoot: `used` is at most the limit. (2) No
 * false refusal: a thread that is refused n bytes could not have had them
 * besides `held`. (3) Nothing is lost: in the end one thread can have the whole
 * limit. (4) Nobody waits for good.
 *
 * Memory: what a thread stores, others see later: any word of its own at any
 * time, in any order, the newest value. A release shows all stores before it:
 * attempt := 0 is one, letting go of the lock another. The membarrier shows all
 * of one thread after another. QUOTA and cap are seen at once, but a free may
 * load either of them first. weak-memory/ has the orders themselves.
 *
 * Nested calls: a charge is complete before the underlying allocator is asked,
 * and a free is counted after that has got the block back. So what happens
 * inside the underlying allocator is one more operation of the same thread
 * between two others, and a block whose allocation has not returned is a block
 * that nobody frees yet; both are searched. A charge that the underlying
 * allocator fails is a charge and a free.
 *
 * Leaves out: parents (two-levels.pml), atomic mode, the first limit, the peak.
 * A block may be freed by any thread as soon as it is charged.
 *
 * Size: THREADS, each with ROUNDS allocations of 1 or BIG units (the last FEWER
 * threads have one less) and any number of frees, of its own blocks and of
 * others'; a limit of LIMIT units; a cap, chosen anew at each refill, of MIN_CAP
 * to 2 with half of it as stock, or none; at the end, the limit in one piece.
 * SLOTLESS: a thread without a slot besides, which works in the shared cell,
 * with the lock, and allocates once.
 *
 *	search	-DFEWER=1
 *	search	-DTHREADS=3 -DFEWER=2 -DBIG=1 -DLIMIT=2 -DMIN_CAP=2
 *	search	-DSLOTLESS -DFEWER=1 -DBIG=1 -DLIMIT=2
 *	deeper
 *	deeper	-DTHREADS=3 -DFEWER=2 -DBIG=1 -DLIMIT=2
 *	deeper	-DSLOTLESS -DFEWER=1
 *
 * Faults, and which of the four spin finds broken:
 *
 *	fault	no_attempt
 *		1: what is decided upon is not waited for
 *	fault	attempt_ends_early
 *		1: nor is what is decided but not counted
 *	fault	attempt_ends_relaxed
 *		1: the end of an attempt is seen before what it counted; not so
 *		on x86-64
 *	fault	no_wait
 *		1: the attempt is seen, and ignored
 *	fault	no_membarrier
 *		1, 2: what was stored is not seen yet
 *	fault	membarrier_first
 *		1, 2: nor is what is stored before the mark
 *	fault	no_mark
 *		1: stock is used that was taken back
 *	fault	cap_not_marked
 *		2, 3: a free finds the new quota and the old cap, and does not
 *		settle
 *	fault	free_does_not_look
 *		2, 3: a free after its cell was read is lost
 *	fault	refused_without_drain
 *		2, 3: others have stock that they do not use
 *	fault	cap_not_summed
 *		2, 3: so they have, but the caps do not tell
 *	fault	settled_twice
 *		1, 3: one free is taken off twice
 *	fault	refill_without_lock
 *		1, 3: stock that was taken back is given
 *	fault	lock_waited_for_in_attempt
 *		4: one waits for the lock, its holder for the end of the attempt
 *	fault	asked_in_attempt
 *		4: the same, in an allocator that operates on the same tracker
 *	fault	shared_not_settled	-DSLOTLESS -DFEWER=1 -DBIG=1 -DLIMIT=2
 *		2, 3: a free in the shared cell is lost
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef FEWER
#define FEWER 0
#endif
#ifndef LIMIT
#define LIMIT 3
#endif
#ifndef BIG
#define BIG 2
#endif
#ifndef MIN_CAP
#define MIN_CAP 1
#endif
#define MARK 100		/* stands for 2^62 */

#define SHARED THREADS		/* the shared cell */
#define CELLS (THREADS + 1)
#ifdef SLOTLESS
#define EVERYBODY (THREADS + 1)
#else
#define EVERYBODY THREADS
#endif

/* Cells: what the owner has stored, and what others see of it. */
byte allocated[CELLS], shown_allocated[THREADS];
byte freed[CELLS], shown_freed[THREADS];
bool attempt[THREADS], shown_attempt[THREADS];
/* Written with the lock held; without it, the owner alone looks. */
short quota[CELLS];
byte cap[CELLS];
bool holder[CELLS];		/* in the account's list */

/* The account. */
bool lock;
short reserved;
byte caps;			/* their sum */

byte blocks[BIG + 1];		/* [size]: those that the program holds */
byte ended;

short used, held;		/* the truth */

#define NET(t) (allocated[t] - freed[t])
#define STOCK(t) (quota[t] - NET(t))

inline show_all(t)
{
	shown_allocated[t] = allocated[t];
	shown_freed[t] = freed[t];
	shown_attempt[t] = attempt[t]
}

active [THREADS] proctype store_buffer()
{
#define T _pid
	do
	:: atomic { shown_allocated[T] != allocated[T] ->
		shown_allocated[T] = allocated[T] }
	:: atomic { shown_freed[T] != freed[T] -> shown_freed[T] = freed[T] }
	:: atomic { attempt[T] && !shown_attempt[T] -> shown_attempt[T] = true }
	:: atomic { !attempt[T] && shown_attempt[T] ->
#ifdef MUTATION_attempt_ends_relaxed
		shown_attempt[T] = false
#else
		show_all(T)
#endif
		}
	:: ended == EVERYBODY -> break
	od
}

inline grant()
{
	used = used + n;
	held = held + n;
	assert(used <= LIMIT)	/* (1) */
}

/* Lock held: the own cell's quota becomes this. */
inline settle(to)
{
	reserved = reserved + to - quota[me];
	quota[me] = to
}

inline enter() { atomic { !lock -> lock = true } }

/* In one step: the release, and the lock is free. */
inline leave()
{
	if
	:: me < THREADS -> show_all(me)
	:: else
	fi;
	lock = false
}

/* ---- The drain: lock held, the own cell is settled ---- */

/* 1. Quota, then cap. Were there others with a cap? */
inline mark()
{
	do
	:: atomic { i < THREADS && !holder[i] -> i++ }
	:: atomic { i < THREADS && holder[i] ->
		others = others || cap[i] && i != me;
#ifndef MUTATION_no_mark
		quota[i] = quota[i] - MARK
#endif
		}
		atomic {
#ifndef MUTATION_cap_not_marked
			cap[i] = 0;
#endif
			i++
		}
	:: atomic { i == THREADS -> i = 0; break }
	od
}

/* 2. It comes to one thread after another. */
inline membarrier()
{
	do
	:: atomic { i < THREADS -> show_all(i); i++ }
	:: atomic { i == THREADS -> i = 0; break }
	od
}

#ifdef MUTATION_no_wait
#define IS_OVER(t) true
#else
#define IS_OVER(t) !shown_attempt[t]
#endif
#ifdef MUTATION_no_mark
#define UNMARKED(t) quota[t]
#else
#define UNMARKED(t) (quota[t] + MARK)
#endif

/* 3, 4 and 5: wait, settle, unlist. FREED is read before ALLOCATED. */
inline settle_holders()
{
	do
	:: atomic { i < THREADS && !holder[i] -> i++ }
	:: atomic { i < THREADS && holder[i] && IS_OVER(i) ->
		seen = (i == me -> freed[i] : shown_freed[i]) }
		atomic {
			seen = (i == me -> allocated[i] : shown_allocated[i]) -
				seen;
			reserved = reserved + seen - UNMARKED(i);
			quota[i] = seen;
			seen = 0 }
		atomic { holder[i] = false; cap[i] = 0; i++ }
	:: atomic { i == THREADS -> i = 0; caps = 0; break }
	od
}

inline drain()
{
#ifdef MUTATION_membarrier_first
	membarrier();
#endif
	mark();
	if
#if !defined(MUTATION_no_membarrier) && !defined(MUTATION_membarrier_first)
	:: others -> others = false; membarrier()
#else
	:: others -> others = false
#endif
	:: !others
	fi;
	settle_holders()
}

/* ---- Refill: lock held, the own cell is settled ---- */

inline set_cap(c)
{
#ifndef MUTATION_cap_not_summed
	caps = caps + c - cap[me];
#endif
	cap[me] = c;
	holder[me] = true
}

inline refill()
{
	if
	:: me == SHARED		/* has no stock */
	:: me != SHARED && MIN_CAP == 1 -> set_cap(1)
	:: me != SHARED ->
		set_cap(2);
		if
		:: reserved < LIMIT -> reserved++; quota[me]++
		:: else
		fi
	:: cap[me] -> set_cap(0)
	:: !cap[me]
	fi
}

/* ---- Operations ---- */

inline have_block()
{
	if
	:: n < LIMIT -> blocks[n]++
	:: else
	fi;
	n = 0
}

inline allocate()
{
#ifndef MUTATION_no_attempt
	attempt[me] = true;
#endif
	if
	:: atomic { n <= STOCK(me) -> grant() }
#ifdef MUTATION_attempt_ends_early
		attempt[me] = false;
		allocated[me] = allocated[me] + n;
		atomic { have_block() }
#else
		allocated[me] = allocated[me] + n;
#ifdef MUTATION_asked_in_attempt
		enter();
		lock = false;
#endif
		atomic { attempt[me] = false; have_block() }
#endif
	:: atomic { n > STOCK(me) ->
#ifndef MUTATION_lock_waited_for_in_attempt
		attempt[me] = false
#endif
		}
		enter();
		attempt[me] = false;
		charge_with_lock()
	fi
}

/* A drain helps if the caps are enough: nobody keeps more stock. */
#ifdef MUTATION_refused_without_drain
#define DRAIN_HELPS false
#else
#define DRAIN_HELPS (reserved + n - caps <= LIMIT)
#endif

inline charge_with_lock()
{
	atomic { settle(NET(me)) }
	if
	:: reserved + n > LIMIT && DRAIN_HELPS -> drain()
	:: else
	fi;
	if
	:: atomic { reserved + n <= LIMIT ->
		grant();
		allocated[me] = allocated[me] + n;
		settle(NET(me));
#ifdef MUTATION_refill_without_lock
		leave();
		have_block() }
		atomic { refill() }
#else
		refill();
		leave();
		have_block() }
#endif
	:: atomic { reserved + n > LIMIT ->
		assert(held + n > LIMIT);	/* (2) */
		leave();
		n = 0 }
	fi
}

inline returned() { held = held - n; n = 0 }

/* The account is next: a cell that is no holder has cap 0. */
#define TOO_MUCH_STOCK(quota, cap) (quota - NET(me) < 0 || quota - NET(me) >= cap)

inline free()
{
	atomic { freed[me] = freed[me] + n; used = used - n }
#ifdef MUTATION_free_does_not_look
	atomic { returned() }
#else
	if
	:: atomic { seen = cap[me] }
		atomic { comes = TOO_MUCH_STOCK(quota[me], seen); seen = 0 }
	:: atomic { seen = quota[me] }
		atomic { comes = TOO_MUCH_STOCK(seen, cap[me]); seen = 0 }
	fi;
	if
	:: atomic { !comes -> returned() }
	:: atomic { comes -> comes = false }
		enter();
		atomic {
#ifdef MUTATION_settled_twice
			settle(quota[me] - n);
#else
			settle(NET(me));
#endif
			returned();
			refill();
			leave()
		}
	fi
#endif
}

#define BLOCKS (blocks[1] + blocks[BIG])
#define ROUNDS_OF_ME (ROUNDS - (me + FEWER >= THREADS -> 1 : 0))

/* The last one to be asked has all of it in one piece: (3). */
#define LAST (me == 0 && ended == EVERYBODY - 1 && round == ROUNDS_OF_ME && \
	      !BLOCKS)

proctype thread(byte me)
{
	byte round, n, i;
	bool others, comes;
	short seen;

	do
	:: atomic { round < ROUNDS_OF_ME || LAST ->
		if
		:: round < ROUNDS_OF_ME -> n = 1
		:: round < ROUNDS_OF_ME -> n = BIG
		:: round == ROUNDS_OF_ME -> n = LIMIT
		fi;
		round++ }
		allocate()
	:: atomic { BLOCKS ->
		if
		:: blocks[1] -> n = 1
		:: BIG > 1 && blocks[BIG] -> n = BIG
		fi;
		blocks[n]-- }
		free()
	:: atomic { me && round == ROUNDS_OF_ME && !BLOCKS -> ended++; break }
	:: atomic { round > ROUNDS_OF_ME ->
		assert(used == LIMIT && reserved == LIMIT);
		ended++;
		break }
	od
}

#ifdef SLOTLESS
/* Its adds are atomic, and seen at once. */
proctype slotless(byte me)
{
	byte round, n, i;
	bool others;
	short seen;

	do
	:: atomic { !round ->
		if :: n = 1 :: n = BIG fi;
		round++ }
		enter();
		charge_with_lock()
	:: atomic { BLOCKS ->
		if
		:: blocks[1] -> n = 1
		:: BIG > 1 && blocks[BIG] -> n = BIG
		fi;
		blocks[n]-- }
		enter();
		atomic {
			freed[me] = freed[me] + n;
			used = used - n;
#ifndef MUTATION_shared_not_settled
			settle(NET(me));
#endif
			returned();
			leave()
		}
	:: atomic { round && !BLOCKS -> ended++; break }
	od
}
#endif

init {
	atomic {
		for (ended : 0 .. THREADS - 1) {
			run thread(ended)
		}
#ifdef SLOTLESS
		run slotless(SHARED);
#endif
		ended = 0
	}
}
