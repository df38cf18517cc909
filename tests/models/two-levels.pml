/* SPDX-License-Identifier: MIT */
/*
 * two-levels.pml: a parent and two children, under the root's lock.
 *
 * Idea: what a cell reserves is reserved at all levels at once. A level that
 * would refuse drains the holders of its subtree, whoever they belong to. So a
 * thread may be drained by one that works in another tracker, and never looks at
 * the bounds of this one: whatever that thread is in the middle of comes to the
 * lock by itself, and looks.
 *
 *	parent P: limit, peak
 *	  |- child A: limit, peak, lower watermark	thread 0
 *	  `- child B: peak				thread 1
 *
 * (1) No overshoot at any level. (2) No false refusal. (3) Nothing is lost: in
 * the end, with all drained, nothing is reserved. (4) Each level's peak is between
 * its bounds at any time, by one order of operations: a charge takes effect where
 * it is decided upon; a free, or an allocation of an unbounded tracker, when it is
 * counted, if the stock stays from 0 to below the cap, and else when it is settled.
 * A child's bounds are equal when its thread's operation is over, as no other thread
 * works there. (5) A watermark at 0 that was set while more was charged is crossed
 * in the end, and somebody has noticed.
 *
 * A drain may also come after the refill, when the watermarks have been looked at
 * (idle holders).
 *
 * Leaves out: store buffers and the steps of marking (charge.pml); atomic mode.
 *
 * Size: ROUNDS allocations of 1 or BIG units for each thread, and any number of
 * frees of its own blocks; limits of LIMIT_A and LIMIT_P units; caps of 1 and 2,
 * half of them as stock, or none. UNBOUNDED: no limits and no watermark.
 *
 *	search	-DLIMIT_P=3
 *	search	-DUNBOUNDED
 *	deeper	-DROUNDS=3 -DBIG=1 -DLIMIT_P=2
 *	deeper	-DLIMIT_P=4 -DLIMIT_A=3
 *
 * Faults, and which of these spin finds broken:
 *
 *	fault	no_wait
 *		1: an attempt is ignored
 *	fault	only_own_level_drained
 *		2: the other child has stock
 *	fault	parent_not_settled
 *		1, 4: it does not know what its children have
 *	fault	caps_of_other_child_ignored
 *		4: its stock counts as charged
 *	fault	lone_stock_above_peak
 *		4: the child's only holder goes on without raising it
 *	fault	drained_free_returns
 *		5: it is settled by another child's thread, which does not look
 *	fault	drained_returns	-DUNBOUNDED
 *		4: the same, of an allocation; it does not raise this child's peak
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef BIG
#define BIG 2
#endif
#ifndef LIMIT_P
#define LIMIT_P 3
#endif
#ifndef LIMIT_A
#define LIMIT_A 2
#endif
#define MARK 100		/* stands for 2^62 */
#define A 0
#define B 1
#define P 2

/* Cells: of thread 0 in A, of thread 1 in B. */
byte allocated[2], freed[2];
short quota[2];
byte cap[2];
bool holder[2], attempt[2];

/* Accounts. */
bool lock;
short reserved[3], limit[3], upper[3], lower[3];
byte caps[3];
bool watching;			/* for the watermark of A */

short used[3], held[3];		/* the truth */
short in_order[3], peak[3];	/* by that order of operations */
short later[2];			/* not in effect yet, of the call under way */

byte blocks_a[BIG + 1], blocks_b[BIG + 1];	/* [size] */
byte ended;

#define NET(t) (allocated[t] - freed[t])
#define STOCK(t) (quota[t] - NET(t))
#define OTHER (1 - me)
#define LARGER(a, b) (a > b -> a : b)

#define add(words, t, d) words[t] = words[t] + (d); words[P] = words[P] + (d)

inline effect(t, d)
{
	add(in_order, t, d);
	peak[t] = LARGER(in_order[t], peak[t]);
	peak[P] = LARGER(in_order[P], peak[P])
}

inline takes_effect(t) { effect(t, later[t]); later[t] = 0 }

/* ---- With the lock ---- */

inline reserve(t, d)
{
	reserved[t] = reserved[t] + d;
#ifndef MUTATION_parent_not_settled
	reserved[P] = reserved[P] + d
#endif
}

inline raise_upper(t)
{
	upper[t] = LARGER(reserved[t], upper[t]);
	upper[P] = LARGER(reserved[P], upper[P])
}

inline settle(t)
{
	reserve(t, NET(t) - quota[t]);
	raise_upper(t);
	quota[t] = NET(t);
	takes_effect(t)
}

inline set_cap(t, c)
{
	caps[t] = c;
	caps[P] = caps[P] + c - cap[t];
	cap[t] = c
}

#ifdef MUTATION_no_wait
#define IS_OVER(t) true
#else
#define IS_OVER(t) !attempt[t]
#endif

/* Of a child: there is only the own cell, and that is settled. */
inline drain_child()
{
	atomic { settle(me); set_cap(me, 0); holder[me] = false }
}

inline drain_parent()
{
	if
	:: atomic { holder[OTHER] ->
		quota[OTHER] = quota[OTHER] - MARK;
		set_cap(OTHER, 0) }
		IS_OVER(OTHER);
		seen = freed[OTHER];
		atomic {
			if
			:: later[OTHER] > 0 || seen == freed[OTHER] ->
				takes_effect(OTHER)
			:: else
			fi;
			seen = allocated[OTHER] - seen;
			quota[OTHER] = quota[OTHER] + MARK;
			reserve(OTHER, seen - quota[OTHER]);
			raise_upper(OTHER);
			quota[OTHER] = seen;
			holder[OTHER] = false;
			seen = 0 }
	:: atomic { !holder[OTHER] -> skip }
	fi;
	drain_child()
}

#ifdef MUTATION_caps_of_other_child_ignored
#define CAPS_OF_OTHERS(x) 0
#else
#define CAPS_OF_OTHERS(x) (caps[x] - cap[me])
#endif

inline raise_peak(x)
{
	upper[x] = LARGER(reserved[x], upper[x]);
	lower[x] = LARGER(reserved[x] - CAPS_OF_OTHERS(x), lower[x])
}

#ifdef MUTATION_lone_stock_above_peak
#define BELOW_PEAK true
#else
#define BELOW_PEAK (reserved[me] < upper[me] && \
		    (holder[OTHER] || reserved[P] < upper[P]))
#endif

/* Where there is a watermark, caps stay above it. */
#define MAY_HAVE_CAP(c) \
	(reserved[me] <= limit[me] && reserved[P] <= limit[P] && \
	 (!watching || me == B || reserved[A] > c))

inline refill()
{
	if
	:: MAY_HAVE_CAP(1) -> set_cap(me, 1); holder[me] = true
	:: MAY_HAVE_CAP(2) ->
		set_cap(me, 2);
		holder[me] = true;
		if
		:: reserved[me] < limit[me] && reserved[P] < limit[P] &&
		   BELOW_PEAK ->
			reserve(me, 1);
			quota[me]++;
			raise_upper(me)
		:: else
		fi
	:: true -> set_cap(me, 0)
	fi
}

#define MAY_BE_CROSSED (reserved[A] - caps[A] <= 0)

/* Watermarks of the own levels, refill, perhaps idle holders. */
inline finish()
{
	if
	:: atomic { watching && me == A && MAY_BE_CROSSED -> skip }
		drain_child();
		atomic { watching = reserved[A] > 0 }
	:: atomic { !(watching && me == A && MAY_BE_CROSSED) -> skip }
	fi;
	atomic { refill() }
	if
	:: drain_parent()
	:: skip
	fi;
	atomic { lock = false; has_lock = false }
}

/* ---- Operations ---- */

#define FITS(x) (reserved[x] + n <= limit[x])
#define DRAIN_HELPS(x) (!FITS(x) && caps[x] && reserved[x] + n - caps[x] <= limit[x])

inline grant()
{
	add(used, me, n);
	add(held, me, n);
	assert(used[me] <= limit[me] && used[P] <= limit[P]);	/* (1) */
	effect(me, n)
}

inline end_of_allocation()
{
	if
	:: me == A -> blocks_a[n]++
	:: me == B -> blocks_b[n]++
	fi;
	n = 0
}

#ifdef MUTATION_drained_returns
#define OUT_OF_STOCK (STOCK(me) < 0)
#else
#define OUT_OF_STOCK (STOCK(me) <= 0)
#endif

#ifdef UNBOUNDED
inline allocate()
{
	atomic {
		allocated[me] = allocated[me] + n;
		if
		:: STOCK(me) >= 0 -> effect(me, n)
		:: else -> later[me] = n
		fi
	}
	if
	:: atomic { !OUT_OF_STOCK -> skip }
	:: atomic { OUT_OF_STOCK -> skip }
		atomic { !lock ->
			lock = true;
			has_lock = true;
			settle(me);
			raise_peak(me);
			raise_peak(P) }
	fi;
	atomic { end_of_allocation() }
}
#else
inline allocate()
{
	attempt[me] = true;
	if
	:: atomic { n <= STOCK(me) -> grant() }
		allocated[me] = allocated[me] + n;
		attempt[me] = false
	:: atomic { n > STOCK(me) -> attempt[me] = false }
		atomic { !lock -> lock = true; settle(me) }
		if
		:: atomic { DRAIN_HELPS(me) -> skip }
			drain_child()
		:: atomic { !DRAIN_HELPS(me) -> skip }
		fi;
#ifndef MUTATION_only_own_level_drained
		if
		:: atomic { FITS(me) && DRAIN_HELPS(P) -> skip }
			drain_parent()
		:: atomic { !(FITS(me) && DRAIN_HELPS(P)) -> skip }
		fi;
#endif
		atomic {
			if
			:: FITS(me) && FITS(P) ->
				reserve(me, n);
				raise_peak(me);
				raise_peak(P);
				grant();
				quota[me] = quota[me] + n;
				allocated[me] = allocated[me] + n
			:: else ->
				assert(held[me] + n > limit[me] ||
				       held[P] + n > limit[P]);	/* (2) */
				n = 0
			fi;
			has_lock = true
		}
	fi;
	atomic { end_of_allocation() }
}
#endif

/* A cell that is no holder, or was drained, has cap 0. */
#ifdef MUTATION_drained_free_returns
#define TOO_MUCH_STOCK (STOCK(me) < 0 || STOCK(me) > cap[me])
#else
#define TOO_MUCH_STOCK (STOCK(me) < 0 || STOCK(me) >= cap[me])
#endif

inline free()
{
	atomic {
		freed[me] = freed[me] + n;
		add(used, me, -n);
		later[me] = -n
	}
	if
	:: atomic { !TOO_MUCH_STOCK -> takes_effect(me); add(held, me, -n); n = 0 }
	:: atomic { TOO_MUCH_STOCK -> skip }
		atomic { !lock ->
			lock = true;
			has_lock = true;
			settle(me);
			add(held, me, -n);
			n = 0 }
	fi
}

/* (4) Without the lock; the reader looks at any time. */
inline is_over()
{
	atomic {
		assert(has_lock ||
		       lower[me] == upper[me] && lower[me] == peak[me])
	}
}

#define MINE(size) (me == A -> blocks_a[size] : blocks_b[size])
#define BLOCKS (MINE(1) || BIG > 1 && MINE(BIG))

proctype thread(byte me)
{
	byte round, n;
	short seen;
	bool has_lock;

	do
	:: atomic { has_lock -> skip }
		finish();
		is_over()
	:: atomic { !has_lock && round < ROUNDS ->
		if :: n = 1 :: n = BIG fi;
		round++ }
		allocate();
		is_over()
	:: atomic { !has_lock && BLOCKS ->
		if
		:: MINE(1) -> n = 1
		:: BIG > 1 && MINE(BIG) -> n = BIG
		fi;
		if
		:: me == A -> blocks_a[n]--
		:: me == B -> blocks_b[n]--
		fi }
		free();
		is_over()
	:: atomic { !has_lock && round == ROUNDS && !BLOCKS -> ended++; break }
	od
}

/* A watermark comes, at any time: A is drained, in one step here. */
proctype watch()
{
end_watch:
	atomic { !lock && !attempt[A] && reserved[A] > 0 ->
		settle(A);
		set_cap(A, 0);
		holder[A] = false;
		watching = reserved[A] > 0 }
}

/* (4) */
proctype reader()
{
	atomic {
		assert(lower[A] <= peak[A] && peak[A] <= upper[A]);
		assert(lower[B] <= peak[B] && peak[B] <= upper[B]);
		assert(lower[P] <= peak[P] && peak[P] <= upper[P])
	}
}

proctype last()
{
	short seen;
	byte me;

	ended == 2;
	assert(!watching);	/* (5) */
	drain_parent();
	assert(reserved[A] == 0 && reserved[B] == 0 && reserved[P] == 0)
				/* (3) */
}

init {
	atomic {
#ifdef UNBOUNDED
		limit[A] = 100;
		limit[P] = 100;
#else
		limit[A] = LIMIT_A;
		limit[P] = LIMIT_P;
#endif
		limit[B] = 100;
		run thread(A);
		run thread(B);
#ifndef UNBOUNDED
		run watch();
#endif
		run reader();
		run last()
	}
}
