/* SPDX-License-Identifier: MIT */
/*
 * calm.pml: a limit that holds to the byte, where all change one number.
 *
 * Idea: near the limit the centre lends no room. As long as nobody has any, an
 * operation takes no lock: it changes what is reserved, the word calm, up to a
 * bound that whoever had the lock last has worked out. Who takes the lock takes
 * the number out of the word first, and with that the calm is over.
 *
 *	allocate:  not in the list?      lock:    calm -> reserved; no calm
 *	           look at calm                   settle, take back, lend
 *	           look at the bound     unlock:  the bound
 *	           calm: compare,                 reserved -> calm
 *	                 exchange
 *	           QUOTA, ALLOCATED
 *	free:      FREED
 *	           not in the list?
 *	           calm: add
 *	           QUOTA
 *
 * limit.pml is about taking room back, where all others wait for the lock. Here
 * an allocation from a thread's own room is one step, as that model has shown
 * it to be, and so is to divert a cell; but each look at a word of the centre,
 * and at one that others may settle, is a step of its own. Somebody without a
 * cell sets a mark that nobody may pass without the lock, and lowers the limit.
 *
 * The truth is known to the model, as in limit.pml: `used` grows when an
 * allocation is decided upon, and shrinks when a free is counted; `held`
 * shrinks when the free has settled or returned. (1) No overshoot: what is
 * granted is within the limit. (2) No false refusal: at some instant of a call
 * that is refused it could not have been granted besides `held`. (3) Nothing is
 * lost: in the end one thread can have the whole limit. (4) Nobody waits for
 * good. (5) Nobody passes the mark in the calm. A new limit or mark holds from
 * when it has been set, not while it is.
 *
 * Memory: what is stored is seen at once. The code makes it so where it counts:
 * bounds, limit and calm are published and subscribed, so who sees a new one
 * sees that the calm before is over; the words of a cell are for its thread
 * alone in the calm, and behind a membarrier else.
 *
 * Leaves out: parents; lower bounds but the one below which room is lent;
 * subtracting in vain from a word that is not calm any more; numbers of calms
 * that come round again, after 65,536.
 *
 * Size: 2 threads, with ROUNDS (2) and FEWER (1) less allocations of 1 or 2
 * units, and any number of frees, of their own blocks and of others'; a limit of
 * LIMIT (4) units, then a mark and then a limit of LESS (2) units; EXTRA (1)
 * lent. Searched once without errors, too: LESS 3; FEWER 0; two changes, each of
 * the mark or of the limit.
 *
 * Faults, and which of the five spin finds broken, searching for each alone:
 *
 *	add_without_compare	1, 5: two find room, and it is for one
 *	calm_not_ended		1, 2, 3, 5: who has the lock reckons with a
 *				   number that others go on changing
 *	ended_in_two_steps	1, 2, 3: what is changed between them is lost
 *	calm_without_number	1, 5: looks at the bound of one calm, and
 *				   exchanges in the next
 *	bounds_after_calm	1, 5: the bound of the calm before still stands
 *	calm_while_lent		1, 2, 3: the number has room in it, for others
 *				   to use
 *	listed_settles_too	1: so does who takes room back, of the same cell
 *	listed_takes_too	1: what it reckons with is settled meanwhile
 *	limit_looked_at_once	2: what was in use under one limit is held
 *				   against the next
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef FEWER
#define FEWER 1
#endif
#ifndef LIMIT
#define LIMIT 4
#endif
#ifndef LESS
#define LESS 2
#endif
#define EXTRA 1
#define LOW (LIMIT - 3)		/* reserved, up to which room is lent */

/* Cells. */
byte allocated[2], freed[2];
short quota[2];
bool lent[2];
bool listed[2];			/* in the centre's list of who was lent room */

/* The centre. */
bool lock;
short reserved, limit = LIMIT;
short calm_most;

/* Its word calm: is it calm, what is reserved, which calm is it. */
bool calm;
short calm_reserved;
byte calm_which;

byte blocks[3];			/* [size]: those that the program holds */
byte ended;

short used, held;		/* the truth */
short in_force = LIMIT;		/* limit, once its change is done */
short mark = LIMIT;		/* likewise: to pass it wants the lock */
byte asked[2];			/* for how much, in the call under way */
bool legal[2];			/* to refuse it */

#define NET(t) (allocated[t] - freed[t])
#define ROOM(t) (quota[t] - NET(t))
#define OTHER (1 - me)
#define ROUNDS_OF_ME (ROUNDS - me * FEWER)

/* After a call began, held grew, or the limit became less. */
inline observe()
{
	d_step {
		legal[0] = legal[0] || asked[0] && held + asked[0] > in_force;
		legal[1] = legal[1] || asked[1] && held + asked[1] > in_force
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

/* ---- The lock, and when it is calm ---- */

inline enter()
{
	atomic { !lock -> lock = true }
#ifdef MUTATION_ended_in_two_steps
	if
	:: atomic { calm -> reserved = calm_reserved }
		calm = false
	:: atomic { !calm -> skip }
	fi
#else
	atomic {
		if
		:: calm ->
			reserved = calm_reserved;
#ifndef MUTATION_calm_not_ended
			calm = false
#endif
		:: else
		fi
	}
#endif
}

inline publish_calm()
{
	atomic {
		calm_reserved = reserved;
#ifndef MUTATION_calm_without_number
		calm_which++;
#endif
		calm = true
	}
}

#ifdef MUTATION_calm_while_lent
#define NOBODY_HAS_ROOM true
#else
#define NOBODY_HAS_ROOM (!listed[0] && !listed[1])
#endif

#define MAY_BE_CALM (NOBODY_HAS_ROOM && reserved > LOW && \
		     reserved <= limit && reserved <= mark)
#define LEAST(a, b) (a < b -> a : b)

inline leave()
{
	if
	:: atomic { MAY_BE_CALM -> skip }
#ifdef MUTATION_bounds_after_calm
		publish_calm();
		calm_most = LEAST(limit, mark)
#else
		calm_most = LEAST(limit, mark);
		publish_calm()
#endif
	:: atomic { !MAY_BE_CALM -> skip }
	fi;
	lock = false
}

/* Lock held. The marking, the membarrier and the waiting are one step. */
inline take_back(t)
{
	if
	:: atomic { listed[t] -> lent[t] = false }
		seen = freed[t];
		atomic { settle(t, allocated[t] - seen); seen = 0 }
		listed[t] = false
	:: atomic { !listed[t] -> skip }
	fi
}

/* ---- Operations in the calm ---- */

inline look_at_calm()
{
	was_calm = calm;
	now = calm_reserved;
	which = calm_which
}

#define SAME_CALM (calm && calm_which == which)

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
#define STILL SAME_CALM
#endif

#ifdef MUTATION_add_without_compare
#define UNCHANGED calm
#else
#define UNCHANGED (SAME_CALM && calm_reserved == now)
#endif

/* Afterwards n is 0, or the lock is next. */
inline calm_take()
{
	if
#ifdef MUTATION_listed_takes_too
	:: atomic { true ->
#else
	:: atomic { !listed[me] ->
#endif
		more = NET(me) + n - quota[me] }
		atomic { look_at_calm() }
#ifndef MUTATION_listed_takes_too
	:: atomic { listed[me] -> skip }
#endif
	fi;
	do
	:: atomic { was_calm -> fits = now + more <= calm_most }
		if
		:: atomic { !fits -> was_calm = now + more > limit }
			atomic {
				if
				:: was_calm && STILL -> refused()
				:: else
				fi;
				was_calm = false
			}
		:: atomic { fits && UNCHANGED ->
			calm_reserved = calm_reserved + more;
			assert(calm_reserved <= mark);	/* (5) */
			grant();
			was_calm = false }
			atomic {
				quota[me] = NET(me) + n;
				allocated[me] = allocated[me] + n;
				had()
			}
		:: atomic { fits && !UNCHANGED -> look_at_calm() }
		fi;
		fits = false
	:: atomic { !was_calm -> now = 0; which = 0; more = 0; break }
	od
}

inline returned() { held = held - n; n = 0 }

/* Afterwards n is 0, or the lock is next. */
inline calm_settle()
{
	if
#ifdef MUTATION_listed_settles_too
	:: atomic { true ->
#else
	:: atomic { !listed[me] ->
#endif
		more = NET(me) - quota[me] }
		if
		:: atomic { calm ->
			calm_reserved = calm_reserved + more;
			returned();
			was_calm = calm_reserved > LOW }
			quota[me] = NET(me)
		:: atomic { !calm -> skip }
		fi;
		more = 0
#ifndef MUTATION_listed_settles_too
	:: atomic { listed[me] -> skip }
#endif
	fi
}

/* ---- Operations ---- */

/* Lock held, own cell settled. */
inline lend()
{
	if
	:: reserved <= LOW && reserved + EXTRA <= limit ->
		settle(me, NET(me) + EXTRA);
		lent[me] = true;
		listed[me] = true
	:: else
	fi
}

inline allocate()
{
	if
	:: atomic { lent[me] && n <= ROOM(me) ->
		grant();
		allocated[me] = allocated[me] + n;
		had() }
	:: atomic { !lent[me] || n > ROOM(me) -> skip }
		calm_take();
		if
		:: n -> allocate_slowly()
		:: else
		fi
	fi
}

inline allocate_slowly()
{
	enter();
	atomic { lent[me] = false; settle(me, NET(me)) }
	if
	:: reserved + n > limit -> take_back(OTHER); listed[me] = false
	:: else
	fi;
	atomic {
		if
		:: reserved + n <= limit ->
			grant();
			allocated[me] = allocated[me] + n;
			settle(me, NET(me));
			had()
		:: else -> refused()
		fi;
		lend()
	}
	leave()
}

inline free()
{
	atomic { freed[me] = freed[me] + n; used = used - n }
	if
	:: atomic { lent[me] && ROOM(me) <= EXTRA -> returned() }
	:: atomic { !lent[me] || ROOM(me) > EXTRA -> skip }
		calm_settle();
		if
		:: atomic { was_calm -> was_calm = false }
		:: atomic { !was_calm -> skip }
			enter();
			atomic {
				lent[me] = false;
				settle(me, NET(me));
				returned();
				lend()
			}
			leave()
		fi
	fi
}

#define BLOCKS (blocks[1] + blocks[2])
#define EVERYBODY 3

/* The last one asks for all of it in one piece: (3). */
#define LAST (me == 0 && ended == EVERYBODY - 1 && round == ROUNDS_OF_ME && !BLOCKS)

proctype thread(byte me)
{
	byte round, n, which;
	short seen, now, more;
	bool was_calm, fits;

	do
	:: atomic { round < ROUNDS_OF_ME || LAST ->
		if
		:: round < ROUNDS_OF_ME -> n = 1
		:: round < ROUNDS_OF_ME -> n = 2
		:: round == ROUNDS_OF_ME -> n = limit
		fi;
		asked[me] = n;
		legal[me] = false;
		observe();
		round++ }
		allocate()
	:: atomic { BLOCKS ->
		if
		:: blocks[1] -> n = 1
		:: blocks[2] -> n = 2
		fi;
		blocks[n]-- }
		free()
	:: atomic { me && round == ROUNDS_OF_ME && !BLOCKS -> ended++; break }
	:: atomic { round > ROUNDS_OF_ME -> assert(used == limit); ended++; break }
	od
}

/* First the mark, then the limit. It has no cell, and begins no calm. */
proctype bound()
{
	short seen;
	bool me;

	enter();
	mark = LESS;
	lock = false;
	enter();
	limit = LESS;
	if
	:: reserved > limit -> take_back(0); take_back(1)
	:: reserved <= limit
	fi;
	atomic { lock = false; in_force = limit; observe(); ended++ }
}

init {
	atomic { run thread(0); run thread(1); run bound() }
}
