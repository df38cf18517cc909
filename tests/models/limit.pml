/* SPDX-License-Identifier: MIT */
/*
 * limit.pml: a limit that holds to the byte, where most allocations ask nobody.
 *
 * Idea: a centre lends each thread room. `reserved` is the sum of what was
 * lent; it never exceeds the limit, and no thread holds more than its quota. So
 * a thread that has room left just counts. One that has not takes the lock; and
 * when the limit does not seem to allow it, all room that others do not use is
 * taken back first. Those others take no lock and wait for nobody, so that is
 * the hard part:
 *
 *	allocate:  FLIGHT := odd         take back:  QUOTA := diverted
 *	           look at QUOTA                     membarrier
 *	           ALLOCATED += n                    wait while FLIGHT is odd
 *	           FLIGHT := even                    read ALLOCATED, FREED
 *
 *	free:      FREED += n
 *	           look at QUOTA
 *
 * Either one sees what the other wrote, or the membarrier has made it seen.
 *
 * The truth is known to the model: `used` grows when an allocation is decided
 * upon, and shrinks when a free is counted. `held` shrinks only when the free
 * has settled or returned. (1) No overshoot: `used` is at most the limit. (2)
 * No false refusal: who is refused n bytes could not have had them besides
 * `held`. (3) Nothing is lost: in the end one thread can have the whole limit.
 * (4) Nobody waits for good.
 *
 * Memory: what a thread stores, others see later: any word of its own at any
 * time, in any order, the newest value. A release shows all stores before it:
 * FLIGHT := even is one, letting go of the lock another. The membarrier shows
 * all of all threads. Values between, of a word that was stored to twice, are
 * not shown; a reader takes nothing from them, since it reads after a
 * membarrier, and after that a thread whose cell is diverted stores to a word
 * once before it waits for the lock. x86-64 and arm64 allow less than this.
 *
 * Leaves out: malloc; cells and trackers that come and go; changes of the
 * limit; words of FLIGHT that several cells of a thread share. A block may be
 * freed by any thread as soon as its allocation has returned.
 *
 * Size: THREADS (2), each with ROUNDS (2) allocations of 1 or BIG (2) units and
 * any number of frees, of its own blocks and of others'; a limit of LIMIT (4)
 * units; EXTRA (1) lent beyond what is asked for, room above EXTRA given back
 * but for KEEP; at the end, all in one piece. Searched once without errors,
 * too: EXTRA 2; LIMIT 3; ROUNDS 3 with BIG 1 and LIMIT 3; THREADS 3 with
 * ROUNDS 1.
 *
 * Faults, and which of the four spin finds broken, searching for each alone:
 *
 *	attempt_not_announced	  1: what is decided upon is not waited for
 *	flight_cleared_early	  1: nor is what is decided but not counted
 *	flight_cleared_relaxed	  1: the end of an attempt is seen before what
 *				     it counted; not so on x86-64
 *	no_wait_for_attempts	  1: the attempt is seen, and ignored
 *	no_membarrier		  1, 2, 3: what was stored is not seen yet
 *	membarrier_before_marking 1, 2, 3: nor is what is stored between
 *	no_recheck_after_free	  2, 3: a free after its cell was read is lost
 *	refuse_without_revoke	  2, 3: others sit on room that they do not use
 *	settle_twice		  1, 3: one free is taken off twice
 *	refill_outside_the_lock	  1, 2, 3: room that was taken back is lent
 *	lock_waited_for_in_flight 4: one waits for the lock, its holder for
 *				     the end of the attempt
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef LIMIT
#define LIMIT 4
#endif
#ifndef EXTRA
#define EXTRA 1
#endif
#ifndef BIG
#define BIG 2
#endif
#define KEEP 1
#define LOW 1			/* reserved, from which room is lent again */

/* Cells: what the owner has stored, and what others see of it. */
byte allocated[THREADS], shown_allocated[THREADS];
byte freed[THREADS], shown_freed[THREADS];
bool flight[THREADS], shown_flight[THREADS];
/* Written with the lock held; without it, the owner alone looks. */
short quota[THREADS];
bool diverted[THREADS];

/* The centre. */
bool lock;
short reserved;
bool all_diverted;		/* the tracker lends no room for the moment */

byte blocks[BIG + 1];		/* [size]: those that the program holds */
byte ended;

short used, held;		/* the truth */

#define NET(t) (allocated[t] - freed[t])
#define ROOM(t) (quota[t] - NET(t))

inline show_all(t)
{
	shown_allocated[t] = allocated[t];
	shown_freed[t] = freed[t];
	shown_flight[t] = flight[t]
}

active [THREADS] proctype store_buffer()
{
#define T _pid
	do
	:: atomic { shown_allocated[T] != allocated[T] ->
		shown_allocated[T] = allocated[T] }
	:: atomic { shown_freed[T] != freed[T] -> shown_freed[T] = freed[T] }
	:: atomic { flight[T] && !shown_flight[T] -> shown_flight[T] = true }
	:: atomic { !flight[T] && shown_flight[T] ->
#ifdef MUTATION_flight_cleared_relaxed
		shown_flight[T] = false
#else
		show_all(T)
#endif
		}
	:: ended == THREADS -> break
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
inline leave() { show_all(me); lock = false }

inline membarrier()
{
	d_step {
		do
		:: i < THREADS -> show_all(i); i++
		:: else -> break
		od;
		i = 0
	}
}

inline mark_all()
{
	all_diverted = true;
	do
	:: atomic { i < THREADS ->
		marked = marked | (diverted[i] -> 0 : 1 << i);
		diverted[i] = true;
		i++ }
	:: atomic { i == THREADS -> i = 0; break }
	od
}

/* Lock held; the own cell is settled. */
inline take_back()
{
#ifdef MUTATION_membarrier_before_marking
	membarrier();
#endif
	mark_all();
#ifndef MUTATION_no_membarrier
#ifndef MUTATION_membarrier_before_marking
	membarrier();
#endif
#endif
#ifndef MUTATION_no_wait_for_attempts
	do
	:: atomic { i < THREADS && (i == me || !shown_flight[i]) -> i++ }
	:: atomic { i == THREADS -> i = 0; break }
	od;
#endif
	do
	:: atomic { i < THREADS && (i == me || !(marked & 1 << i)) -> i++ }
	:: atomic { i < THREADS && i != me && marked & 1 << i ->
		seen = shown_freed[i] }
		atomic {
			seen = shown_allocated[i] - seen;
			reserved = reserved - quota[i] + seen;
			quota[i] = seen;
			seen = 0;
			i++
		}
	:: atomic { i == THREADS -> i = 0; marked = 0; break }
	od
}

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
#ifndef MUTATION_attempt_not_announced
	flight[me] = true;
#endif
	if
	:: atomic { !diverted[me] && n <= ROOM(me) -> grant() }
#ifdef MUTATION_flight_cleared_early
		flight[me] = false;
		allocated[me] = allocated[me] + n;
		atomic { have_block() }
#else
		allocated[me] = allocated[me] + n;
		atomic { flight[me] = false; have_block() }
#endif
	:: atomic { diverted[me] || n > ROOM(me) ->
#ifndef MUTATION_lock_waited_for_in_flight
		flight[me] = false
#endif
		}
		enter();
		flight[me] = false;
		allocate_slow()
	fi
}

inline allocate_slow()
{
	atomic {
		settle(NET(me));
		if
		:: reserved <= LOW -> all_diverted = false
		:: else
		fi
	}
#ifndef MUTATION_refuse_without_revoke
	if
	:: reserved + n > LIMIT -> take_back()
	:: else
	fi;
#endif
	if
	:: atomic { reserved + n <= LIMIT ->
		grant();
		allocated[me] = allocated[me] + n;
		seen = NET(me);
		if
		:: !all_diverted && reserved + n + EXTRA <= LIMIT ->
			seen = seen + EXTRA
		:: else
		fi;
#ifdef MUTATION_refill_outside_the_lock
		reserved = reserved + seen - quota[me];
		leave()
		}
		atomic {
			quota[me] = seen;
			if
			:: ROOM(me) -> diverted[me] = false
			:: else
			fi;
#else
		settle(seen);
		if
		:: ROOM(me) -> diverted[me] = false	/* lent again */
		:: else
		fi;
		leave();
#endif
		seen = 0;
		have_block()
		}
	:: atomic { reserved + n > LIMIT ->
		assert(held + n > LIMIT);	/* (2) */
		leave();
		n = 0 }
	fi
}

inline returned() { held = held - n; n = 0 }

inline free()
{
	atomic { freed[me] = freed[me] + n; used = used - n }
#ifdef MUTATION_no_recheck_after_free
	atomic { returned() }
#else
	if
	:: atomic { !diverted[me] && ROOM(me) <= EXTRA -> returned() }
	:: atomic { diverted[me] || ROOM(me) > EXTRA -> skip }
		enter();
		atomic {
			if
#ifdef MUTATION_settle_twice
			:: diverted[me] -> settle(quota[me] - n)
#else
			:: diverted[me] -> settle(NET(me))
#endif
			:: !diverted[me] && ROOM(me) > EXTRA ->
				settle(NET(me) + KEEP)
			:: else
			fi;
			returned();
			leave()
		}
	fi
#endif
}

#define BLOCKS (blocks[1] + blocks[BIG])

/* The last one to be asked has all of it in one piece: (3). */
#define LAST (me == 0 && ended == THREADS - 1 && round == ROUNDS && !BLOCKS)

proctype thread(byte me)
{
	byte round, n, i, marked;
	short seen;

	do
	:: atomic { round < ROUNDS || LAST ->
		if
		:: round < ROUNDS -> n = 1
		:: round < ROUNDS -> n = BIG
		:: round == ROUNDS -> n = LIMIT
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
	:: atomic { me && round == ROUNDS && !BLOCKS -> ended++; break }
	:: atomic { round > ROUNDS ->
		assert(used == LIMIT && reserved == LIMIT);
		ended++;
		break }
	od
}

init {
	atomic {
		for (ended : 0 .. THREADS - 1) {
			run thread(ended)
		}
		ended = 0
	}
}
