/* SPDX-License-Identifier: MIT */
/*
 * rebuild.pml: an account in a child of fork().
 *
 * Idea: the child has all cells as they were at one instant, but a thread that was
 * in the middle of an operation lives no more. The first thread of the child that
 * takes the lock makes the account anew from what the cells have counted. Until
 * then the child may have started threads, which take over the slots of dead ones
 * and charge from the stock they find there. So it is done as a drain is, over
 * all slots: mark, membarrier, wait for attempts, settle.
 *
 * A slot that is taken over has its attempts ended first, before it lives: a dead
 * thread may have left one, and nobody would ever end it. Atomic mode stands still
 * until the account is of this process: an operation that has changed the word, and
 * not its cell yet, would be missed.
 *
 * (1) No overshoot. (2) No false refusal, once no free is under way. (3) What is
 * reserved in the end is what is charged. (4) Nobody waits for good.
 *
 * Leaves out: several accounts; store buffers, and that the membarrier comes to
 * one thread after another (charge.pml); the lock itself, which holds the fork
 * generation of who holds it, so that it is free in the child by itself.
 *
 * Size: the child's first thread, in slot 1, and one that takes over slot 0, each
 * with ROUNDS allocations of one unit, and any number of frees, of each other's
 * blocks and of one that the parent had; a limit of LIMIT units. What the
 * fork has left: stock or none; in the middle of an attempt, a drain, a refill;
 * atomic mode, and an operation that changed the word alone.
 *
 *	search
 *	deeper	-DROUNDS=3
 *
 * Faults, and which of the four spin finds broken:
 *
 *	fault	atomic_before_rebuilt
 *		3: an operation that changed the word alone is missed
 *	fault	dead_cells_not_marked
 *		1, 3: the slot is taken over right then, with its stock
 *	fault	old_attempts_stay
 *		4: waits for an attempt that nobody ends
 *	fault	no_wait
 *		1: what is counted meanwhile is missed
 *	fault	quota_kept
 *		1, 3: stock that is not reserved any more is used
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef LIMIT
#define LIMIT 3
#endif
#define CAP 2
#define MARK 100		/* stands for 2^62 */

/* Cells. */
byte allocated[2], freed[2];
short quota[2];
byte cap[2];
bool holder[2], attempt[2];
bool lives[2];			/* the slot: it is a thread's of this process */

/* The account. */
bool lock;
bool ours;			/* it is of this process */
short reserved;
bool is_atomic;
short word;
byte number;

byte blocks;
byte freeing, ended;
short used;			/* the truth */

#define NET(t) (allocated[t] - freed[t])
#define STOCK(t) (quota[t] - NET(t))
#define OTHER (1 - me)
#define TOO_MUCH_STOCK (STOCK(me) < 0 || STOCK(me) >= cap[me])

inline grant() { used++; assert(used <= LIMIT) }	/* (1) */
inline settle(t) { reserved = reserved + NET(t) - quota[t]; quota[t] = NET(t) }

/* ---- Making it anew, with the lock ---- */

#ifdef MUTATION_dead_cells_not_marked
#define IS_MARKED(t) (holder[t] && lives[t])
#else
#define IS_MARKED(t) holder[t]
#endif
#ifdef MUTATION_no_wait
#define IS_OVER(t) true
#else
#define IS_OVER(t) (!lives[t] || !attempt[t])
#endif

inline mark(t)
{
	if
	:: atomic { IS_MARKED(t) -> quota[t] = NET(t) - MARK; cap[t] = 0 }
	:: atomic { !IS_MARKED(t) -> skip }
	fi
}

inline settle_cell(t)
{
	IS_OVER(t);
	seen = freed[t];
	atomic {
		seen = allocated[t] - seen;
		sum = sum + seen;
#ifndef MUTATION_quota_kept
		quota[t] = seen;
#endif
		seen = 0;
		cap[t] = 0;
		holder[t] = false
	}
}

inline rebuild()
{
	mark(0);
	mark(1);
	is_atomic = false;
	settle_cell(0);
	settle_cell(1);
	atomic { reserved = sum; sum = 0; ours = true }
}

inline enter()
{
	atomic { !lock -> lock = true }
	if
	:: !ours -> rebuild()
	:: else
	fi;
	atomic {
		if
		:: is_atomic -> reserved = word; is_atomic = false
		:: else
		fi;
		settle(me)
	}
}

/* With stock from now on, or in atomic mode, or neither. */
inline leave()
{
	atomic {
		if
		:: !holder[0] && !holder[1] && reserved <= LIMIT ->
			word = reserved;
			number++;
			is_atomic = true
		:: reserved < LIMIT ->
			reserved++;
			quota[me]++;
			cap[me] = CAP;
			holder[me] = true
		:: true -> cap[me] = 0
		fi;
		lock = false
	}
}

inline drain_other()
{
	if
	:: atomic { holder[OTHER] ->
		quota[OTHER] = quota[OTHER] - MARK;
		cap[OTHER] = 0 }
		!attempt[OTHER];
		seen = freed[OTHER];
		atomic {
			seen = allocated[OTHER] - seen;
			quota[OTHER] = quota[OTHER] + MARK;
			reserved = reserved + seen - quota[OTHER];
			quota[OTHER] = seen;
			seen = 0;
			holder[OTHER] = false }
	:: atomic { !holder[OTHER] -> skip }
	fi
}

/* ---- Operations ---- */

#ifdef MUTATION_atomic_before_rebuilt
#define MAY_BE_ATOMIC (!holder[me])
#else
#define MAY_BE_ATOMIC (!holder[me] && ours)
#endif
#define UNCHANGED (is_atomic && number == which && word == now)

/* Afterwards n is 0, or the lock is next. */
inline charge_atomically()
{
	if
	:: atomic { MAY_BE_ATOMIC && is_atomic ->
		more = NET(me) + 1 - quota[me];
		which = number;
		now = word }
		if
		:: atomic { now + more <= LIMIT && UNCHANGED ->
			word = word + more;
			grant() }
			atomic { quota[me] = NET(me) + 1; allocated[me]++; blocks++; n = 0 }
		:: atomic { !(now + more <= LIMIT && UNCHANGED) -> skip }
		fi
	:: atomic { !(MAY_BE_ATOMIC && is_atomic) -> skip }
	fi;
	atomic { now = 0; which = 0; more = 0 }
}

inline allocate()
{
	attempt[me] = true;
	if
	:: atomic { STOCK(me) >= 1 -> grant() }
		allocated[me]++;
		atomic { attempt[me] = false; blocks++; n = 0 }
	:: atomic { STOCK(me) < 1 -> attempt[me] = false }
		charge_atomically();
		if
		:: n ->
			enter();
			if
			:: reserved + 1 > LIMIT -> drain_other()
			:: else
			fi;
			atomic {
				if
				:: reserved + 1 <= LIMIT ->
					reserved++;
					grant();
					quota[me]++;
					allocated[me]++;
					blocks++
				:: else ->
					assert(freeing || used + 1 > LIMIT)
								/* (2) */
				fi;
				n = 0
			}
			leave()
		:: else
		fi
	fi
}

inline free()
{
	atomic { freed[me]++; used--; freeing++ }
	if
	:: atomic { !TOO_MUCH_STOCK -> n = 0 }
	:: atomic { TOO_MUCH_STOCK -> skip }
		if
		:: atomic { MAY_BE_ATOMIC -> more = NET(me) - quota[me] }
			if
			:: atomic { is_atomic -> word = word + more }
				atomic { quota[me] = NET(me); n = 0 }
			:: atomic { !is_atomic -> skip }
			fi;
			more = 0
		:: atomic { !MAY_BE_ATOMIC -> skip }
		fi;
		if
		:: n -> enter(); n = 0; leave()
		:: else
		fi
	fi;
	freeing--
}

proctype thread(byte me)
{
	byte round, n, which;
	short seen, sum, now, more;

	if
	:: !lives[me] ->
#ifndef MUTATION_old_attempts_stay
		attempt[me] = false;
#endif
		lives[me] = true
	:: else
	fi;
	do
	:: atomic { round < ROUNDS -> round++; n = 1 }
		allocate()
	:: atomic { blocks -> blocks--; n = 1 }
		free()
	:: atomic { round == ROUNDS || me == 0 -> ended++; break }
	od
}

proctype last()
{
	ended == 2;
	atomic {
		if
		:: is_atomic -> reserved = word
		:: else
		fi;
		settle(0);
		settle(1);
		assert(!ours || reserved == used)	/* (3) */
	}
}

init {
	atomic {
		lives[1] = true;
		/* The parent's thread had a block, maybe stock. */
		allocated[0] = 1;
		used = 1;
		blocks = 1;
		if
		:: quota[0] = 2;
			cap[0] = CAP;
			holder[0] = true;
			if
			:: attempt[0] = true
			:: quota[0] = 2 - MARK; cap[0] = 0
			:: skip
			fi;
			reserved = 2
		:: quota[0] = 1;
			reserved = 2	/* in the middle of a refill */
		:: quota[0] = 1;
			is_atomic = true;
			if
			:: word = 1
			:: word = 2	/* of a charge */
			fi
		fi;
		/* So maybe had the one that forked. */
		if
		:: !is_atomic ->
			quota[1] = 1;
			cap[1] = CAP;
			holder[1] = true;
			reserved++
		:: true
		fi;
		run thread(0);
		run thread(1);
		run last()
	}
}
