/* SPDX-License-Identifier: MIT */
/*
 * slots.pml: slots are handed on, and nothing is lost or counted twice (G4).
 *
 * Idea: `counted` is what all updates have added, changed in one step with the
 * store that makes an update visible. An add is what the machine makes of
 * `addq`: a load and a store, between which other threads run, but no signal
 * handler of the same thread. A reader must see no less than was counted when
 * it began and no more than was counted when it ended; at the end all cells
 * together hold what was counted, and every slot is free again.
 *
 * Stands for: word_add(), shared_add() (atomic.h); porter__pool_take(),
 * porter__pool_give() (pool.c); porter__this_cell(), take_slot(),
 * on_thread_end() (slots.c); porter__counter_add_slow() (counter.c);
 * porter__id_word() (ids.c).
 *
 * Leaves out: the order of memory (weak.pml, publish.pml); blocks beyond the
 * first. One word stands for a cell.
 *
 * Size: 3 threads; each adds once, ends, and adds once more from a destructor
 * that runs after its slot was left; one signal handler, which adds as well,
 * strikes one of them once, wherever signals are open, before the first touch
 * too; one reader with one scan.
 */

#define THREADS 3
#define NO_SLOT 8		/* values of self */
#define LEFT_SLOT 9

byte cell[THREADS];
byte shared;			/* the id's shared cell */
bool is_free[THREADS];
byte count;
byte ended;

byte counted;			/* the truth */

#ifdef MUTATION_take_without_lock
#define UNDER_LOCK
#else
#define UNDER_LOCK atomic	/* nobody else comes between */
#endif

inline pool_take(element)
{
	UNDER_LOCK {
		if
		:: is_free[0] -> element = 0; is_free[0] = false
		:: !is_free[0] && is_free[1] -> element = 1; is_free[1] = false
		:: else ->
			element = count;
			count = element + 1
		fi
	}
}

inline pool_give(element)
{
	is_free[element] = true
}

/* In the own slot: a load and a store; nobody else writes the word. */
inline add_to_slot(value)
{
	value = cell[self];
	atomic { cell[self] = value + 1; counted++; value = 0 }
}

/* In the shared cell, which anybody may write. */
inline add_to_shared(value)
{
#ifdef MUTATION_plain_add_to_shared_cell
	value = shared;
	atomic { shared = value + 1; counted++; value = 0 }
#else
	atomic { shared++; counted++ }
#endif
}

/* Signals are blocked in here: no strike(). */
inline take_slot(value)
{
	pool_take(value);
	atomic { self = value; value = 0 }
}

/*
 * A signal handler, run to its end by the thread that it interrupts: before
 * the first touch, when the thread has its slot, and when it has left it.
 */
#define STRIKE(handler)                                    \
	if                                                 \
	:: atomic { pending -> pending = false } handler \
	:: true                                            \
	fi

#define STRIKE_EARLY STRIKE(take_slot(inner); add_to_slot(inner))
#define STRIKE_IN_SLOT STRIKE(add_to_slot(inner))
#define STRIKE_LATE STRIKE(add_to_shared(inner))

proctype thread(bool pending)	/* a signal that has not struck yet */
{
	byte self = NO_SLOT, outer, inner;

	/* porter__this_cell(); take_slot() looks again with signals blocked */
	STRIKE_EARLY;
	if
#ifdef MUTATION_signals_open_in_take_slot
	:: self == NO_SLOT -> STRIKE_EARLY; take_slot(outer)
#else
	:: self == NO_SLOT -> take_slot(outer)
#endif
	:: else
	fi;
#ifdef MUTATION_add_in_three_instructions
	outer = cell[self];
	STRIKE_IN_SLOT;
	atomic { cell[self] = outer + 1; counted++; outer = 0 }
#else
	add_to_slot(outer);
#endif
	STRIKE_IN_SLOT;
	/* on_thread_end() */
#ifdef MUTATION_handed_on_before_left
	pool_give(self);
	STRIKE_IN_SLOT;
	self = LEFT_SLOT;
#else
	atomic { outer = self; self = LEFT_SLOT }
	STRIKE_LATE;
	pool_give(outer);
#endif
	/* a destructor that comes later */
#ifdef MUTATION_slot_taken_again_at_the_end
	take_slot(outer);
	add_to_slot(outer);
#else
	add_to_shared(outer);
#endif
	ended++
}

proctype reader()
{
	byte before, sum, i, n;

	atomic { before = counted; sum = shared }
	n = count;
	do
	:: atomic { i < n -> sum = sum + cell[i]; i++ }
	:: atomic { i >= n -> break }
	od;
	assert(before <= sum && sum <= counted)
}

proctype at_rest()
{
	ended == THREADS;
	d_step {
		assert(shared + cell[0] + cell[1] + cell[2] == counted);
		assert(is_free[0] + is_free[1] + is_free[2] == count)
	}
}

init {
	atomic {
		run thread(true);
		run thread(false);
		run thread(false);
		run reader();
		run at_rest()
	}
}
