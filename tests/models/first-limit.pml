/* SPDX-License-Identifier: MIT */
/*
 * first-limit.pml: a first limit arrives while unbounded calls are under way.
 *
 * Idea: an unbounded tracker counts what it was given, and asks nobody. A first
 * limit changes its table of functions, and then drains. Calls that took the
 * table before are never refused, and count when they come back. Their own look
 * at the stock settles them; and a settle that finds more reserved than the limit
 * allows drains everybody before it lets go of the lock.
 *
 *	unbounded	count, look, ask	count, look, give back
 *			(large: ask, count, look)
 *	bounded		charge, ask		give back, count, look
 *	first limit	the table; lock; drain; the limit; unlock
 *
 * Each call takes the table once, when it begins. The truth, `charged`: from
 * before the underlying allocator is asked until it has got the bytes back.
 * (1) What a call that took the new table is granted is within the limit, but
 * for what is under way in calls that took the old one. (2) Once the limit has
 * been set, charged is above it by no more than what was under way then, or it
 * is no more than it was then. (3) No false refusal: of n bytes besides `held`.
 * (4) Nothing is lost: in the end, with all drained, nothing is reserved. (5)
 * Above the limit only a settle that raises what is reserved finds holders.
 *
 * Nested calls: while the underlying allocator is at work for an unbounded call
 * (it was asked, and nothing is counted; or it gets back what is counted), the
 * same thread does other operations, in either table.
 *
 * Leaves out: store buffers and the steps of marking (charge.pml); parents.
 *
 * Size: 2 threads with ROUNDS allocations of 1 or BIG units, the second FEWER
 * less, and any number of frees, of their own blocks and of others'; a limit of
 * LIMIT units; a cap of 2, and 1 as stock, or none.
 *
 *	search	-DFEWER=1
 *	search	-DBIG=1 -DLIMIT=1
 *	deeper
 *
 * Faults, and which of these spin finds broken:
 *
 *	fault	no_wait
 *		2: an attempt is ignored
 *	fault	not_looked_after_counting
 *		1, 4: what is above the stock is in no sum
 *	fault	above_limit_not_drained
 *		1: stock is used above the limit
 *	fault	limit_before_table
 *		2: calls go on beginning unbounded
 *	fault	frees_not_under_way
 *		2: what is counted as freed is not back yet
 */

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
#define CAP 2
#define MARK 100		/* stands for 2^62 */

/* Cells. */
byte allocated[2], freed[2];
short quota[2];
byte cap[2];
bool holder[2], attempt[2];

/* The account. */
bool lock;
bool bounded;			/* the table */
bool limit_known, limit_set;	/* under the lock; by the program */
short reserved;
byte caps;

byte blocks[BIG + 1];		/* [size]: those that the program holds */
byte ended;

/* Unbounded calls, and how much each is about. */
byte under_way[2];
byte begun[2];			/* malloc is not asked, nothing is counted */
byte counted[2];		/* it is asked for what is counted */
byte asked[2];			/* it has given them, nothing is counted */
byte giving[2];			/* counted as freed, not given back yet */

short charged, held;		/* the truth */
short before, in_flight;	/* when the limit was set */

#define NET(t) (allocated[t] - freed[t])
#define STOCK(t) (quota[t] - NET(t))
#define OTHER (1 - me)
#define ALL_UNDER_WAY (under_way[0] + under_way[1])

/* ---- With the lock ---- */

inline settle(t) { reserved = reserved + NET(t) - quota[t]; quota[t] = NET(t) }

#ifdef MUTATION_no_wait
#define IS_OVER(t) true
#else
#define IS_OVER(t) !attempt[t]
#endif

inline drain_cell(t)
{
	if
	:: atomic { holder[t] -> quota[t] = quota[t] - MARK; cap[t] = 0 }
		IS_OVER(t);
		seen = freed[t];
		atomic {
			seen = allocated[t] - seen;
			quota[t] = quota[t] + MARK;
			reserved = reserved + seen - quota[t];
			quota[t] = seen;
			holder[t] = false;
			seen = 0 }
	:: atomic { !holder[t] -> skip }
	fi
}

/* The own cell is settled. */
inline drain()
{
	drain_cell(OTHER);
	atomic { holder[me] = false; cap[me] = 0; caps = 0 }
}

#ifdef MUTATION_above_limit_not_drained
#define ABOVE_LIMIT false
#else
#define ABOVE_LIMIT (limit_known && reserved > LIMIT)
#endif

inline refill()
{
	if
	:: !limit_known || reserved < LIMIT ->
		caps = caps + CAP - cap[me];
		cap[me] = CAP;
		holder[me] = true;
		reserved++;
		quota[me]++
	:: true -> caps = caps - cap[me]; cap[me] = 0
	fi
}

inline enter() { atomic { !lock -> lock = true; settle(me) } }
inline leave() { atomic { refill(); lock = false } }

/* A cell that is no holder, or was drained, has no stock and cap 0. */
#define TOO_MUCH_STOCK (STOCK(me) < 0 || STOCK(me) >= cap[me])
#ifdef MUTATION_not_looked_after_counting
#define OUT_OF_STOCK false
#else
#define OUT_OF_STOCK (STOCK(me) <= 0)
#endif

inline look_after_counting()
{
	if
	:: atomic { !OUT_OF_STOCK -> skip }
	:: atomic { OUT_OF_STOCK -> skip }
		enter();
		if
		:: ABOVE_LIMIT -> drain()
		:: else
		fi;
		leave()
	fi
}

inline look_after_free()
{
	if
	:: atomic { !TOO_MUCH_STOCK -> skip }
	:: atomic { TOO_MUCH_STOCK -> skip }
		enter();
		assert(!ABOVE_LIMIT || !holder[OTHER]);	/* (5) */
		leave()
	fi
}

/* ---- Operations ---- */

inline check()
{
	assert(!limit_set || charged <= LIMIT + in_flight ||
	       charged <= before)	/* (2) */
}

inline grant()
{
	charged = charged + n;
	held = held + n;
	check();
	assert(!limit_set || charged <= LIMIT + ALL_UNDER_WAY)	/* (1) */
}

inline allocate_bounded()
{
	attempt[me] = true;
	if
	:: atomic { n <= STOCK(me) -> grant() }
		allocated[me] = allocated[me] + n;
		atomic { attempt[me] = false; blocks[n]++; n = 0 }
	:: atomic { n > STOCK(me) -> attempt[me] = false }
		enter();
		if
		:: reserved + n > LIMIT && reserved + n - caps <= LIMIT ->
			drain()
		:: else
		fi;
		atomic {
			if
			:: reserved + n <= LIMIT ->
				grant();
				allocated[me] = allocated[me] + n;
				settle(me);
				blocks[n]++
			:: else -> assert(held + n > LIMIT)	/* (3) */
			fi;
			n = 0
		}
		leave()
	fi
}

#define BLOCKS (blocks[1] + blocks[BIG])
#define ROUNDS_OF_ME (ROUNDS - (me -> FEWER : 0))
#define IN_MALLOC (counted[me] || asked[me] || giving[me])
#define MAY_BEGIN (!begun[me])

proctype thread(byte me)
{
	byte round, n;
	short seen;

	do
	/* Unbounded, in three steps; other operations come between. */
	:: atomic { round < ROUNDS_OF_ME && !bounded && MAY_BEGIN && !IN_MALLOC ->
		if :: n = 1 :: n = BIG fi;
		round++;
		under_way[me] = under_way[me] + n;
		begun[me] = n;
		n = 0 }
	:: atomic { begun[me] ->
		n = begun[me];
		begun[me] = 0;
		charged = charged + n;
		held = held + n;
		asked[me] = n;
		n = 0;
		check() }
	:: atomic { begun[me] ->
		n = begun[me];
		begun[me] = 0;
		allocated[me] = allocated[me] + n;
		charged = charged + n;
		held = held + n;
		check() }
		look_after_counting();
		atomic { counted[me] = n; n = 0 }
	:: atomic { counted[me] && MAY_BEGIN ->
		n = counted[me];
		counted[me] = 0;
		under_way[me] = under_way[me] - n;
		blocks[n]++;
		n = 0 }
	:: atomic { asked[me] && MAY_BEGIN ->
		n = asked[me];
		asked[me] = 0;
		allocated[me] = allocated[me] + n }
		look_after_counting();
		atomic { under_way[me] = under_way[me] - n; blocks[n]++; n = 0 }
	:: atomic { BLOCKS && !bounded && MAY_BEGIN && !giving[me] ->
		if
		:: blocks[1] -> n = 1
		:: BIG > 1 && blocks[BIG] -> n = BIG
		fi;
		blocks[n]--;
#ifndef MUTATION_frees_not_under_way
		under_way[me] = under_way[me] + n
#endif
		}
		freed[me] = freed[me] + n;
		look_after_free();
		atomic { giving[me] = n; n = 0 }
	:: atomic { giving[me] && MAY_BEGIN ->
		charged = charged - giving[me];
		held = held - giving[me];
#ifndef MUTATION_frees_not_under_way
		under_way[me] = under_way[me] - giving[me];
#endif
		giving[me] = 0 }
	/* Bounded. */
	:: atomic { round < ROUNDS_OF_ME && bounded && MAY_BEGIN ->
		if :: n = 1 :: n = BIG fi;
		round++ }
		allocate_bounded()
	:: atomic { BLOCKS && bounded && MAY_BEGIN ->
		if
		:: blocks[1] -> n = 1
		:: BIG > 1 && blocks[BIG] -> n = BIG
		fi;
		blocks[n]-- }
		atomic { freed[me] = freed[me] + n; charged = charged - n }
		look_after_free();
		atomic { held = held - n; n = 0 }
	:: atomic { round == ROUNDS_OF_ME && !BLOCKS && MAY_BEGIN && !IN_MALLOC ->
		ended++;
		break }
	od
}

proctype first_limit()
{
	short seen;

#ifndef MUTATION_limit_before_table
	bounded = true;
#endif
	atomic { !lock -> lock = true }
	drain_cell(0);
	drain_cell(1);
	caps = 0;
	limit_known = true;
	atomic {
		lock = false;
		limit_set = true;
		before = charged + begun[0] + begun[1];
		in_flight = ALL_UNDER_WAY;
		ended++
	}
	bounded = true
}

proctype last()
{
	short seen;

	ended == 3;
	atomic { !lock -> lock = true }
	drain_cell(0);
	drain_cell(1);
	assert(charged == 0 && held == 0 && reserved == 0)	/* (4) */
}

init {
	atomic {
		run thread(0);
		run thread(1);
		run first_limit();
		run last()
	}
}
