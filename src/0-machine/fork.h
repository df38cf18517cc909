/* SPDX-License-Identifier: MIT */
/*
 * fork.h: what must hold still while the process forks.
 *
 * Only the thread that forks lives on in the child. A lock that another thread
 * held would stay locked there for ever. So every lock of the library is in a
 * table (but for the lock of a hierarchy, see below); fork() takes them all,
 * forks, and lets go of them on both sides. They are few, their number is
 * constant, and each is held for short with signals blocked.
 *
 * What the child's memory holds. The other threads run on while memory is
 * copied. Still the child's copy of their writes is consistent:
 *
 *	if a write is in the copy, all writes that happened before it are
 *
 * So a free that the child sees counted implies that it sees the allocation of
 * the same block counted; its sums are never low. Nothing has to be added up
 * before a fork.
 *
 * It is so because Linux copies in a way that lets no thread outrun it:
 *
 *	dup_mmap() holds the mmap_lock for writing, and each mapping's own lock
 *	for writing too, from before it copies the mapping until all is copied;
 *	it makes each writable page read-only, for both processes, as it copies
 *	the page's entry;
 *	it flushes the TLBs (flush_tlb_mm()) before it lets go of the locks.
 *
 * A thread that writes to a page meanwhile has one of three outcomes:
 *
 *	the page's entry is not copied yet	the child will see the write
 *	it is copied, but the thread's TLB	the write goes to the page that
 *	still allows the write			both processes share: so again
 *	it is copied, and the thread faults	the fault waits for a lock: the
 *						write is done when the copy is
 *						over, and the TLBs are flushed;
 *						the child will not see it
 *
 * A write of the third kind is done after the copy; so are all writes that
 * happen after it, in whichever thread, and by then every write faults and goes
 * to a page of the parent's own. The child sees none of them.
 * (tests/life/test_fork_cut.c. A page that is pinned for a device is copied in
 * another way. Nobody pins those of the library.)
 *
 * The lock of a hierarchy is not in the table: a process may have thousands, and
 * a signal handler that forks may have interrupted a thread that holds one.
 * While a thread holds it, its word is the number of this generation of
 * processes. The child has another number; so what a thread of the parent held
 * is free there, and an account that was made in another generation is worked
 * out anew from its cells when it is next asked.
 */
#ifndef PORTER_FORK_H
#define PORTER_FORK_H

#include "0-machine/lock.h"

#include <stdint.h>

/*
 * How many forks lie between the first process and this one, and 1. The child
 * counts before it does anything else.
 */
extern uint32_t porter__fork_generation;

/*
 * A lock, and what a module has done beside: right after the lock was taken;
 * and after the fork, in the parent or in the child, right before it is let go.
 * The lock tells the rank. A hold without a lock has its own.
 */
struct fork_hold {
	struct porter__lock *lock; /* or NULL */
	enum porter__rank rank;
	void (*before)(void); /* or NULL, as the others */
	void (*parent)(void);
	void (*child)(void);
};

/*
 * Defines a hold, outside functions. The linker collects all holds of the program
 * in one table, so they are there before any code has run. Constructors could not
 * do that: in a program with libportermem.a, its own may run, use the library and
 * fork before those of the archive do.
 */
#define FORK_HOLD(hold_name, ...)                                          \
	static const struct fork_hold hold_name = { __VA_ARGS__ };         \
	static const struct fork_hold *const hold_name##_entry             \
		__attribute__((section("porter_fork_holds"), FORK_KEEP)) = \
			&hold_name

/* Linkers that drop unused sections keep this one. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define FORK_KEEP used, retain
#endif
#endif
#ifndef FORK_KEEP
#define FORK_KEEP used
#endif

/*
 * Has fork() do all this, unless it does already. Whoever may take a lock for the
 * first time calls it before, with no lock held.
 */
void porter__fork_register(void);

#endif /* PORTER_FORK_H */
