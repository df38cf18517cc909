/* SPDX-License-Identifier: MIT */
/*
 * locks.pml: forks, grace periods, first touches and signals do not block each
 * other for good.
 *
 * Idea: a thread that forks takes all locks: liburcu's, then the library's.
 * The program may use the same liburcu: one of its threads waits in
 * synchronize_rcu(), with liburcu's lock held, for another one that reads; and
 * that one may touch a counter for the first time while it reads, which takes
 * a lock of the library. If the thread that forks held that one already while
 * it waits for liburcu's, all three would wait in a ring. So liburcu's locks
 * come first. Spin looks for states from which nothing goes on.
 *
 * Stands for: before_fork(), after_fork() (fork.c); hold_liburcu (urcu-glue.c);
 * porter__lock() (lock.c); porter__block_signals() (platform.c); porter__pool_take()
 * (pool.c); urcu_bp_before_fork(), urcu_bp_register(),
 * urcu_bp_synchronize_rcu() of liburcu 0.13, whose registry lock is let go of
 * while it waits.
 *
 * Leaves out: what the locks guard. One lock stands for all of the library's
 * that fork() takes but the first, since threads take them in the order of their
 * ranks (rank.h; lock-order.c looks).
 *
 * Size: 2 threads that fork; 1 that waits for a grace period; 1 that reads and
 * takes a slot within; 1 that takes a slot and is struck by a signal whose
 * handler takes one, at any moment when signals are open.
 */

bool forking, gp, registry, pool;	/* locks */
bool registered, reading;		/* of the reader */

inline lock(mutex) { atomic { !mutex -> mutex = true } }
inline unlock(mutex) { mutex = false }

proctype fork_thread()
{
	lock(forking);
#ifdef MUTATION_liburcu_last
	lock(pool); lock(gp); lock(registry);
#else
	lock(gp); lock(registry); lock(pool);
#endif
	unlock(registry);
	unlock(gp);
	unlock(pool);
	unlock(forking)
}

proctype synchronize()
{
	lock(gp);
	lock(registry);
	do
	:: atomic { registered && reading -> registry = false }
		lock(registry)
	:: atomic { !(registered && reading) -> break }
	od;
	unlock(registry);
	unlock(gp)
}

proctype reader()
{
	lock(registry);
	registered = true;
	unlock(registry);
	reading = true;
	lock(pool);			/* the first touch */
	unlock(pool);
	reading = false
}

inline handler()
{
	if
	:: pending -> pending = false; lock(pool); unlock(pool)
	:: true
	fi
}

proctype struck()
{
	bool pending = true;

	handler();
	lock(pool);
#ifdef MUTATION_signals_open_under_the_lock
	handler();
#endif
	unlock(pool);
	handler()
}

init {
	atomic {
		run fork_thread();
		run fork_thread();
		run synchronize();
		run reader();
		run struck()
	}
}
