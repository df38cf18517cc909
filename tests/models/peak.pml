/* SPDX-License-Identifier: MIT */
/*
 * peak.pml: the peak's two bounds, and one order of operations they hold (G8).
 *
 * Idea: upper is the most that was ever reserved, raised under the lock before
 * any cell may count on it. Lower is the most that `reserved - caps of all other
 * holders` has been, worked out under the lock with the own cell settled and
 * before it is refilled: a holder keeps no more stock than its cap, once its
 * operation is over.
 *
 * The monitor keeps every order of operations that is still possible: poss[mask]
 * is the set (as bits) of peaks so far, if those operations of mask that are
 * under way have taken effect already. A read keeps the peaks within [lower,
 * upper] and drops the others; when none is left, no order of the operations
 * explains what was read. (1) There is always one. (2) lower <= upper. (3) With
 * one thread they are equal whenever no operation is under way. (4) Else they
 * are at most as far apart as all caps may be.
 *
 * A cap is chosen anew at each refill, half of it is given as stock, and no more
 * than lifts reserved to upper if no other cell is a holder. A drain takes all
 * caps away; it may come before a charge (for a limit) and after the refill
 * (idle holders). Both tables: a bounded one charges, and the underlying allocator
 * may fail; that is a charge and an uncharge that happened. An unbounded one
 * counts, and settles if no stock is left: below 0 the cell is overdrawn, and at 0
 * it may have been drained. A drain settles what is overdrawn as well, and raises
 * upper with that. (One of the two would be enough here, but not for lower, and for
 * what else the call has to look at: two-levels.pml.)
 *
 * Leaves out: the steps of marking (charge.pml: mark, membarrier and wait are one
 * step here); atomic mode, which never passes upper (atomic-mode.pml); parents
 * (two-levels.pml); how a pair is published (pair.pml). Memory: what is stored is
 * seen at once.
 *
 * Size: 2 threads with ROUNDS allocations of 1 or BIG units, the second FEWER
 * less, and any number of frees, of their own blocks and of others'; caps of 1
 * and 2; one read at any time, and one at the end. UNBOUNDED; FAILS: the
 * underlying allocator may; RESET: one new period; ALONE: one thread.
 *
 *	search	-DUNBOUNDED -DFEWER=1 -DBIG=1
 *	search	-DFEWER=1 -DBIG=1
 *	search	-DFAILS -DROUNDS=1
 *	search	-DUNBOUNDED -DFAILS -DROUNDS=1
 *	search	-DRESET -DUNBOUNDED -DFEWER=1 -DBIG=1
 *	search	-DALONE -DROUNDS=3 -DFAILS
 *	search	-DALONE -DROUNDS=3 -DUNBOUNDED
 *	deeper	-DFEWER=1
 *	deeper	-DUNBOUNDED -DFEWER=1
 *	deeper	-DBIG=1
 *	deeper	-DRESET -DFEWER=1 -DBIG=1
 *
 * Faults, and which of the four spin finds broken:
 *
 *	fault	drained_returns
 *		1: neither of the two; the peak of a call that returned is not
 *		raised yet
 *	fault	caps_ignored
 *		1: stock of others counts as charged
 *	fault	cap_not_summed
 *		1, 2: the same
 *	fault	upper_not_raised_at_charge	-DFEWER=1 -DBIG=1
 *		1, 2: lower passes it
 *	fault	upper_not_raised_at_refill	-DFEWER=1 -DBIG=1
 *		1: stock above it is charged, and nobody asks
 *	fault	lower_after_refill
 *		1: the own stock counts as charged
 *	fault	reset_does_not_drain	-DRESET -DUNBOUNDED -DFEWER=1 -DBIG=1
 *		1: stock is no charge of the new period
 *	fault	lone_stock_above_peak	-DALONE -DROUNDS=3 -DFAILS
 *		3: a single holder passes the peak, and does not raise it
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef FEWER
#define FEWER 0
#endif
#ifndef BIG
#define BIG 2
#endif
#ifdef ALONE
#define THREADS 1
#else
#define THREADS 2
#endif
#define MAX_CAP 2
#define MARK 100		/* stands for 2^62 */

/* Cells. */
byte allocated[2], freed[2];
short quota[2];
byte cap[2];
bool holder[2];

/* The account. */
bool lock;
short reserved, upper, lower;
byte caps;

byte blocks[BIG + 1];
byte ended, reads;

#define NET(t) (allocated[t] - freed[t])
#define STOCK(t) (quota[t] - NET(t))
#define OTHER (1 - me)

/* ---- The monitor ---- */

int poss[4];			/* [which of the two have taken effect] */
short base;			/* charged by the operations that are over */
short change[2];		/* by the one under way */
bool under_way[2];
int low_;
byte at_;

/* An operation takes effect, and c is charged then. */
inline effect(from, to, c)
{
	at_ = c;
	low_ = poss[from] & ((1 << at_) - 1);
	poss[to] = poss[to] | (poss[from] - low_) | (low_ -> 1 << at_ : 0);
	low_ = 0;
	at_ = 0
}

/* Those that are under way may have taken effect by now, in any order. */
inline may_have_effect()
{
	if
	:: under_way[0] -> effect(0, 1, base + change[0])
	:: else
	fi;
	if
	:: under_way[1] -> effect(0, 2, base + change[1])
	:: else
	fi;
	if
	:: under_way[0] && under_way[1] ->
		effect(1, 3, base + change[0] + change[1]);
		effect(2, 3, base + change[0] + change[1])
	:: else
	fi
}

inline begin(c) { d_step { under_way[me] = true; change[me] = c } }

/* It must have. */
inline end()
{
	d_step {
		may_have_effect();
		if
		:: me == 0 ->
			poss[0] = poss[1]; poss[2] = poss[3];
			poss[1] = 0; poss[3] = 0
		:: me == 1 ->
			poss[0] = poss[2]; poss[1] = poss[3];
			poss[2] = 0; poss[3] = 0
		fi;
		base = base + change[me];
		change[me] = 0;
		under_way[me] = false;
		assert(THREADS > 1 || lower == upper && poss[0] == 1 << lower)
			/* (3) */
	}
}

inline read_peak()
{
	d_step {
		assert(lower <= upper);				/* (2) */
		assert(under_way[0] || under_way[1] ||
		       upper - lower <= 2 * MAX_CAP);		/* (4) */
		may_have_effect();
		low_ = ((1 << (upper + 1)) - 1) - ((1 << lower) - 1);
		poss[0] = poss[0] & low_;
		poss[1] = poss[1] & low_;
		poss[2] = poss[2] & low_;
		poss[3] = poss[3] & low_;
		assert(poss[0] | poss[1] | poss[2] | poss[3]);	/* (1) */
		low_ = 0
	}
}

/* A new period: its peak, to begin with, is what is charged. */
inline begin_period()
{
	d_step {
		may_have_effect();
		poss[0] = (poss[0] -> 1 << base : 0);
		poss[1] = (poss[1] -> 1 << (base + change[0]) : 0);
		poss[2] = (poss[2] -> 1 << (base + change[1]) : 0);
		poss[3] = (poss[3] -> 1 << (base + change[0] + change[1]) : 0)
	}
}

/* ---- With the lock ---- */

#define LARGER(a, b) (a > b -> a : b)

/* So much becomes the quota. What is reserved may rise, before the quota does. */
inline settle(t, to)
{
	reserved = reserved + to - quota[t];
#ifndef MUTATION_drained_returns
	upper = LARGER(reserved, upper);
#endif
	quota[t] = to
}

inline drain_cell(t)
{
	if
	:: atomic { holder[t] -> quota[t] = quota[t] - MARK; cap[t] = 0 }
		seen = freed[t];
		atomic {
			seen = allocated[t] - seen;
			quota[t] = quota[t] + MARK;
			settle(t, seen);
			holder[t] = false;
			seen = 0 }
	:: atomic { !holder[t] -> skip }
	fi
}

/* Nobody else looks at the own cell meanwhile. */
inline drain()
{
	drain_cell(OTHER);
	atomic { settle(me, NET(me)); holder[me] = false; cap[me] = 0; caps = 0 }
}

#ifdef MUTATION_caps_ignored
#define CAPS_OF_OTHERS 0
#else
#define CAPS_OF_OTHERS (caps - cap[me])
#endif

/* The own cell is settled. */
inline raise_peak()
{
#ifndef MUTATION_upper_not_raised_at_charge
	upper = LARGER(reserved, upper);
#endif
#ifndef MUTATION_lower_after_refill
	lower = LARGER(reserved - CAPS_OF_OTHERS, lower)
#endif
}

inline set_cap(c)
{
#ifndef MUTATION_cap_not_summed
	caps = caps + c - cap[me];
#endif
	cap[me] = c;
	holder[me] = true
}

#ifdef MUTATION_lone_stock_above_peak
#define MAY_HAVE_STOCK true
#else
#define MAY_HAVE_STOCK (holder[OTHER] || reserved < upper)
#endif

inline refill()
{
	if
	:: set_cap(1)
	:: set_cap(MAX_CAP);
		if
		:: MAY_HAVE_STOCK ->
			reserved++;
#ifndef MUTATION_upper_not_raised_at_refill
			upper = LARGER(reserved, upper);
#endif
			quota[me]++
		:: else
		fi
	:: cap[me] -> set_cap(0)
	:: !cap[me]
	fi
#ifdef MUTATION_lower_after_refill
	;
	lower = LARGER(reserved - CAPS_OF_OTHERS, lower)
#endif
}

/* Charges so much, or 0. */
inline with_lock(charge)
{
	atomic { !lock -> lock = true; settle(me, NET(me)) }
	if
	:: drain()
	:: skip
	fi;
	atomic {
		reserved = reserved + charge;
		raise_peak();
		quota[me] = quota[me] + charge;
		allocated[me] = allocated[me] + charge
	}
	atomic { refill() }
	if
	:: drain()
	:: skip
	fi;
	lock = false
}

/* ---- Operations ---- */

/* A cell that is no holder, or was drained, has cap 0. */
#define TOO_MUCH_STOCK (STOCK(me) < 0 || STOCK(me) >= cap[me])
#ifdef MUTATION_drained_returns
#define OUT_OF_STOCK (STOCK(me) < 0)
#else
#define OUT_OF_STOCK (STOCK(me) <= 0)
#endif

inline uncharge()
{
	freed[me] = freed[me] + n;
	if
	:: atomic { !TOO_MUCH_STOCK -> skip }
	:: atomic { TOO_MUCH_STOCK -> skip }
		with_lock(0)
	fi
}

inline allocate()
{
	begin(n);
#ifdef UNBOUNDED
	allocated[me] = allocated[me] + n;
	if
	:: atomic { !OUT_OF_STOCK -> skip }
	:: atomic { OUT_OF_STOCK -> skip }
		with_lock(0)
	fi;
#else
	if
	:: atomic { n <= STOCK(me) -> allocated[me] = allocated[me] + n }
	:: atomic { n > STOCK(me) -> skip }
		with_lock(n)
	fi;
#endif
	if
	:: atomic { end(); blocks[n]++; n = 0 }
#ifdef FAILS
	:: atomic { end(); begin(-n) }
		uncharge();
		atomic { end(); n = 0 }
#endif
	fi
}

inline free()
{
	begin(-n);
	uncharge();
	atomic { end(); n = 0 }
}

#define BLOCKS (blocks[1] + blocks[BIG])
#define ROUNDS_OF_ME (ROUNDS - (me -> FEWER : 0))

proctype thread(byte me)
{
	byte round, n;
	short seen;

	do
	:: atomic { round < ROUNDS_OF_ME ->
		if :: n = 1 :: n = BIG fi;
		round++ }
		allocate()
	:: atomic { BLOCKS ->
		if
		:: blocks[1] -> n = 1
		:: BIG > 1 && blocks[BIG] -> n = BIG
		fi;
		blocks[n]-- }
		free()
	:: atomic { round == ROUNDS_OF_ME && !BLOCKS -> ended++; break }
	od
}

proctype reader()
{
	do
	:: atomic { !reads -> reads++; read_peak() }
	:: atomic { ended == THREADS -> read_peak(); break }
	od
}

#ifdef RESET
proctype reset()
{
	short seen;

	atomic { !lock -> lock = true }
#ifndef MUTATION_reset_does_not_drain
	drain_cell(0);
	drain_cell(1);
	caps = 0;
#endif
	atomic { upper = reserved; lower = reserved; begin_period() }
	lock = false
}
#endif

init {
	atomic {
		poss[0] = 1;
		for (ended : 0 .. THREADS - 1) {
			run thread(ended)
		}
		ended = 0;
		run reader();
#ifdef RESET
		run reset();
#endif
	}
}
