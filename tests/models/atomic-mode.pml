/* SPDX-License-Identifier: MIT */
/*
 * atomic-mode.pml: near a limit, all change one number.
 *
 * Idea: near its limit an account gives no stock. As long as there are no
 * holders, an operation takes no lock: it changes what is reserved, the word,
 * within two bounds that whoever had the lock last has worked out. Whoever takes
 * the lock takes the number out of the word first, and with that the mode ends.
 *
 *	charge:  no holder?               lock:   word -> reserved; no mode
 *	         look at the word                 settle, drain, refill
 *	         look at the bounds       unlock: the bounds
 *	         word: compare, exchange          reserved, number -> word
 *	         QUOTA, ALLOCATED
 *	free:    FREED
 *	         no holder?
 *	         word: add
 *	         QUOTA
 *	         look at the lower bound
 *
 * charge.pml is about taking stock back, where all others wait for the lock.
 * Here a charge from stock is one step, as that model has shown it to be, and so
 * is marking; but each look at a word of the account, and at one that others may
 * settle, is a step of its own. A thread without a slot sets an upper watermark,
 * and then lowers the limit. (A new peak is a bound like the watermark.)
 *
 * The truth is known to the model: `used` grows when a charge is decided upon,
 * and shrinks when a free is counted; `held` shrinks when the free has settled
 * or returned. (1) No overshoot. (2) No false refusal, with the lock or without:
 * at some instant of a call that is refused it could not have been granted
 * besides `held`. (3) Nothing is lost: in the end one thread can have the whole
 * limit. (4) Nobody waits for good. (5) Nobody passes the watermark in this mode,
 * nor comes to its lower bound without taking the lock. (6) A cell that is no
 * holder is changed by its owner alone, so once all is quiet its quota is what it
 * has charged. A new limit or watermark holds from when it has been set, not
 * while it is. (7) READER: what a reader takes for reserved, it finds it without
 * the lock, is at least what was used at an instant of its call.
 *
 * Memory: what is stored is seen at once. The code makes it so where it counts:
 * weak-memory/.
 *
 * Leaves out: parents; subtracting in vain from a word that is not atomic any
 * more; numbers of modes that come round again, after 65,536.
 *
 * Size: THREADS, with ROUNDS and (all but the first) FEWER less allocations of 1
 * or BIG units, and any number of frees, of their own blocks and of others'; a
 * limit of LIMIT units, then a watermark of MARK and then a limit of LESS; stock
 * begins again at most at LOW; a cap of 2, and 1 as stock.
 *
 *	search	-DFEWER=1
 *	search	-DFEWER=1 -DLESS=1
 *	search	-DTHREADS=3 -DROUNDS=1 -DBIG=1 -DLIMIT=2 -DMARK=1
 *	search	-DREADER -DROUNDS=1 -DLIMIT=3
 *	deeper	-DFEWER=1 -DLESS=3 -DMARK=3
 *	deeper	-DREADER -DFEWER=1
 *
 * Faults, and which of these spin finds broken:
 *
 *	fault	add_without_compare
 *		1, 5: two find room, and it is for one
 *	fault	mode_not_ended
 *		1, 2, 3, 5: whoever has the lock reckons with a number that others
 *		go on changing
 *	fault	ended_in_two_steps
 *		1, 2, 3: what is changed between them is lost
 *	fault	word_without_number
 *		1, 5: looks at a bound of one mode, and exchanges in the next
 *	fault	bounds_after_word
 *		1, 5: the bounds of the mode before still stand
 *	fault	begins_with_holders
 *		1, 2, 3: stock is in the number, for others to use
 *	fault	holder_uncharges
 *		1, 2: so does a drain of the same cell
 *	fault	holder_charges
 *		1, 2: what it reckons with is settled meanwhile
 *	fault	limit_looked_at_once
 *		2: what was used under one limit is held against the next
 *	fault	min_not_looked_at
 *		5: the lower watermark is passed, or stock never begins again
 *	fault	drain_settles_all
 *		6: an operation is in the middle of its cell
 *	fault	no_bound_for_readers	-DREADER -DROUNDS=1 -DLIMIT=3
 *		7: the mode is over, and reserved is what it was before
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
#ifndef BIG
#define BIG 2
#endif
#ifndef LIMIT
#define LIMIT 4
#endif
#ifndef LESS
#define LESS 2
#endif
#ifndef MARK
#define MARK 2
#endif
#ifndef LOW
#define LOW 1
#endif
#define CAP 2
#define MARKED 100		/* stands for 2^62 */

/* Cells. */
byte allocated[THREADS], freed[THREADS];
short quota[THREADS];
byte cap[THREADS];
bool holder[THREADS];

/* The account. */
bool lock;
short reserved, limit = LIMIT, high = LIMIT;
short word_max, word_min;

/* Its word: is it atomic, what is reserved, the number of the mode. */
bool is_atomic;
short word;
byte number;

byte blocks[BIG + 1];		/* [size]: those that the program holds */
byte ended;

short used, held;		/* the truth */
short in_force = LIMIT;		/* limit, once its change is done */
byte asked[THREADS];		/* for how much, in the call under way */
bool legal[THREADS];		/* to refuse it */
short least;			/* used, since the reader's call began */

#define NET(t) (allocated[t] - freed[t])
#define STOCK(t) (quota[t] - NET(t))
#define ROUNDS_OF_ME (ROUNDS - (me -> FEWER : 0))

/* After a call began, held grew, or the limit became less. */
#define MAY_REFUSE(t) legal[t] = legal[t] || asked[t] && held + asked[t] > in_force

inline observe()
{
	d_step {
		MAY_REFUSE(0);
		MAY_REFUSE(1);
#if THREADS > 2
		MAY_REFUSE(2);
#endif
	}
}

inline grant()
{
	used = used + n;
	held = held + n;
	assert(used <= in_force);	/* (1) */
	observe()
}

inline settle(t, to)
{
	reserved = reserved + to - quota[t];
	quota[t] = to
}

/* ---- The lock, and when it is this mode ---- */

/*
 * For readers, who see that the mode is over before they see the sum: an upper
 * bound of it comes first.
 */
inline enter()
{
	atomic { !lock -> lock = true }
#ifdef MUTATION_ended_in_two_steps
	if
	:: atomic { is_atomic -> reserved = word }
		is_atomic = false
	:: atomic { !is_atomic -> skip }
	fi
#elif defined(MUTATION_mode_not_ended)
	if
	:: is_atomic -> reserved = word
	:: else
	fi
#elif defined(READER)
	if
	:: atomic { is_atomic ->
#ifndef MUTATION_no_bound_for_readers
		reserved = word_max
#endif
		}
		is_atomic = false;
		reserved = word
	:: atomic { !is_atomic -> skip }
	fi
#else
	atomic {
		if
		:: is_atomic -> reserved = word; is_atomic = false
		:: else
		fi
	}
#endif
}

inline begin_mode()
{
	atomic {
		word = reserved;
#ifndef MUTATION_word_without_number
		number++;
#endif
		is_atomic = true
	}
}

#ifdef MUTATION_begins_with_holders
#define NO_HOLDERS true
#elif THREADS > 2
#define NO_HOLDERS (!holder[0] && !holder[1] && !holder[2])
#else
#define NO_HOLDERS (!holder[0] && !holder[1])
#endif

#define MAY_BEGIN (NO_HOLDERS && reserved > LOW && \
		   reserved <= limit && reserved <= high)
#define LEAST(a, b) (a < b -> a : b)

inline leave()
{
	if
	:: atomic { MAY_BEGIN -> skip }
#ifdef MUTATION_bounds_after_word
		begin_mode();
		word_max = LEAST(limit, high);
		word_min = LOW
#else
		word_max = LEAST(limit, high);
		word_min = LOW;
		begin_mode()
#endif
	:: atomic { !MAY_BEGIN -> skip }
	fi;
	lock = false
}

/* Lock held. Mark, membarrier and wait are one step. */
#ifdef MUTATION_drain_settles_all
#define IS_DRAINED(t) true
#else
#define IS_DRAINED(t) holder[t]
#endif

inline drain_cell(t)
{
	if
	:: atomic { IS_DRAINED(t) ->
		quota[t] = quota[t] - MARKED;
		cap[t] = 0 }
		seen = freed[t];
		atomic {
			seen = allocated[t] - seen;
			quota[t] = quota[t] + MARKED;
			settle(t, seen);
			seen = 0 }
		holder[t] = false
	:: atomic { !IS_DRAINED(t) -> skip }
	fi
}

inline drain()
{
	drain_cell(0);
	drain_cell(1);
#if THREADS > 2
	drain_cell(2)
#endif
}

/* ---- Operations in this mode ---- */

inline look_at_word()
{
	was_atomic = is_atomic;
	now = word;
	which = number
}

#define SAME_MODE (is_atomic && number == which)

inline refused()
{
	assert(legal[me]);	/* (2) */
	asked[me] = 0;
	n = 0
}

inline had()
{
	if
	:: round <= ROUNDS_OF_ME -> blocks[n]++
	:: else
	fi;
	asked[me] = 0;
	n = 0
}

#ifdef MUTATION_limit_looked_at_once
#define STILL true
#else
#define STILL SAME_MODE
#endif
#ifdef MUTATION_add_without_compare
#define UNCHANGED is_atomic
#else
#define UNCHANGED (SAME_MODE && word == now)
#endif
#ifdef MUTATION_holder_charges
#define MAY_CHARGE true
#else
#define MAY_CHARGE !holder[me]
#endif
#ifdef MUTATION_holder_uncharges
#define MAY_UNCHARGE true
#else
#define MAY_UNCHARGE !holder[me]
#endif
#ifdef MUTATION_min_not_looked_at
#define ABOVE_MIN true
#else
#define ABOVE_MIN (now > word_min)
#endif

/* Afterwards n is 0, or the lock is next. */
inline charge_atomically()
{
	if
	:: atomic { MAY_CHARGE -> more = NET(me) + n - quota[me] }
		atomic { look_at_word() }
	:: atomic { !(MAY_CHARGE) -> skip }
	fi;
	do
	:: atomic { was_atomic && now + more > word_max -> skip }
		/* refuse_atomically() */
		atomic { was_atomic = now + more > limit }
		atomic {
			if
			:: was_atomic && STILL -> refused()
			:: else
			fi;
			was_atomic = false
		}
	:: atomic { was_atomic && now + more <= word_max -> skip }
		if
		:: atomic { now + more <= word_min -> was_atomic = false }
		:: atomic { now + more > word_min -> skip }
			if
			:: atomic { UNCHANGED ->
				word = word + more;
				assert(word <= high);	/* (5) */
				grant();
				was_atomic = false }
				atomic {
					quota[me] = NET(me) + n;
					allocated[me] = allocated[me] + n;
					had()
				}
			:: atomic { !(UNCHANGED) -> look_at_word() }
			fi
		fi
	:: atomic { !was_atomic -> now = 0; which = 0; more = 0; break }
	od
}

inline returned() { held = held - n; n = 0 }

/* Afterwards n is 0, or the lock is next. */
inline uncharge_atomically()
{
	if
	:: atomic { MAY_UNCHARGE -> more = NET(me) - quota[me] }
		if
		:: atomic { is_atomic -> word = word + more; now = word }
			quota[me] = NET(me);
			atomic {
				if
				:: ABOVE_MIN -> returned()
				:: else
				fi;
				now = 0
			}
		:: atomic { !is_atomic -> skip }
		fi;
		more = 0
	:: atomic { !(MAY_UNCHARGE) -> skip }
	fi
}

/* ---- Operations ---- */

/* Lock held, own cell settled. Denied, a holder keeps no cap. */
inline refill()
{
	if
	:: reserved <= LOW && reserved < limit ->
		settle(me, NET(me) + 1);
		cap[me] = CAP;
		holder[me] = true
	:: reserved <= LOW -> cap[me] = CAP; holder[me] = true
	:: else -> cap[me] = 0
	fi
}

inline allocate()
{
	if
	:: atomic { n <= STOCK(me) ->
		grant();
		allocated[me] = allocated[me] + n;
		had() }
	:: atomic { n > STOCK(me) -> skip }
		charge_atomically();
		if
		:: n -> charge_with_lock()
		:: else
		fi
	fi
}

inline charge_with_lock()
{
	enter();
	atomic { settle(me, NET(me)) }
	if
	:: reserved + n > limit -> drain()
	:: else
	fi;
	atomic {
		if
		:: reserved + n <= limit ->
			grant();
			allocated[me] = allocated[me] + n;
			settle(me, NET(me));
			had();
			refill();
			was_atomic = reserved > LOW
		:: else -> refused()
		fi
	}
	/* Denied, so this mode may begin. */
	if
	:: was_atomic -> was_atomic = false; drain()
	:: else
	fi;
	leave()
}

inline free()
{
	atomic {
		freed[me] = freed[me] + n;
		used = used - n;
		least = LEAST(least, used)
	}
	if
	:: atomic { STOCK(me) >= 0 && STOCK(me) < cap[me] -> returned() }
	:: atomic { STOCK(me) < 0 || STOCK(me) >= cap[me] -> skip }
		uncharge_atomically();
		if
		:: n ->
			enter();
			atomic { settle(me, NET(me)); returned(); refill() }
			leave()
		:: else
		fi
	fi
}

#define BLOCKS (blocks[1] + blocks[BIG])
#define EVERYBODY (THREADS + 1)

/* The last one asks for all of it in one piece: (3). */
#define LAST (me == 0 && ended == EVERYBODY - 1 && round == ROUNDS_OF_ME && \
	      !BLOCKS)

proctype thread(byte me)
{
	byte round, n, which;
	short seen, now, more;
	bool was_atomic;

	do
	:: atomic { round < ROUNDS_OF_ME || LAST ->
		if
		:: round < ROUNDS_OF_ME -> n = 1
		:: round < ROUNDS_OF_ME -> n = BIG
		:: round == ROUNDS_OF_ME ->
			n = limit;
			assert(!is_atomic || word > word_min);	/* (5) */
			assert(holder[0] || quota[0] == NET(0));	/* (6) */
			assert(holder[1] || quota[1] == NET(1))
		fi;
		asked[me] = n;
		legal[me] = false;
		observe();
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
	:: atomic { round > ROUNDS_OF_ME -> assert(used == limit); ended++; break }
	od
}

/* First the watermark, then the limit. It has no cell, and begins no mode. */
proctype bound()
{
	short seen;

	enter();
	high = MARK;
	lock = false;
	enter();
#if LESS > 1
	assert(reserved <= LESS || NO_HOLDERS);
#else
	if
	:: reserved > LESS -> drain()
	:: reserved <= LESS
	fi;
#endif
	limit = LESS;
	atomic { lock = false; in_force = limit; observe(); ended++ }
}

#ifdef READER
proctype reader()
{
	short sum;

	atomic { least = used }
	if
	:: atomic { is_atomic -> assert(word >= least) }	/* (7) */
	:: atomic { !is_atomic -> skip }
		assert(reserved >= least)
	fi
}
#endif

init {
	atomic {
		for (ended : 0 .. THREADS - 1) {
			run thread(ended)
		}
		ended = 0;
#ifdef READER
		run reader();
#endif
		run bound()
	}
}
