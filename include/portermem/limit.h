/* SPDX-License-Identifier: MIT */
/*
 * limit.h: trackers that bound what they count: limits, peaks, families.
 *
 *	server          limit 8 GiB
 *	 |-- cache      limit 2 GiB        an allocation through "query 17" is
 *	 `-- queries    limit 6 GiB        checked against its own limit, that of
 *	      |-- query 17   256 MiB       "queries" and that of "server", and
 *	      `-- query 18   256 MiB       counts in all three
 *
 * How it stays cheap. A thread reserves bytes ahead, a quantum at a time, and
 * what it then allocates and frees within that asks nobody; reserving goes
 * through all levels of a family at once. When a limit seems to be reached, all
 * that is reserved and not used is taken back first, so a refusal is never a
 * mistake. Close to a limit nothing is reserved ahead: each operation then goes
 * to one place for all threads. In a tracker that was made with its options, and
 * has neither parent nor children, most change one number there, as with an
 * atomic counter; else each takes a lock of the family for an instant. Close is
 * where less is left than 1/64 of the limit or 256 KiB, whichever is more (of a
 * limit below 1 MiB: a quarter), or than 8 KiB for each thread. Taking back asks
 * the kernel for a barrier in all threads (membarrier); where that is not to be
 * had, nothing is ever reserved ahead.
 *
 * Which number to choose: a limit is about the sizes asked for. What the process
 * takes from the system is more: code, stacks, what is not tracked, what the
 * underlying allocator rounds up and cannot give back. So it has to lie well
 * below what porter_process_memory() has for the cgroup; how far, only a look at
 * both numbers under load can tell.
 *
 * What counts against a limit: bytes from before the underlying allocator is
 * asked for them until it has got them back.
 *
 * Which calls may run side by side, on one tracker and its family: all but
 * porter_tracked_destroy(), which may run beside all calls on other members.
 *
 * A signal handler may call those functions that say so, and must not allocate
 * or free through a tracker that has a limit, a peak, a family or a watch.
 */
#ifndef PORTER_LIMIT_H
#define PORTER_LIMIT_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/* Names are copied; what is longer is cut, with the 0 at its end. */
#define PORTER_NAME_SIZE 48

/*
 * Called in the thread whose request is about to be refused by a limit, that of
 * porter_charge() as well, with no lock held and nothing half done: it may free,
 * allocate (in this tracker, too; a refusal in there calls it again, so it must
 * come to an end by itself), set limits. Several threads may be in it at once.
 * It must not destroy the tracker or an ancestor, and must return: nonzero to
 * have the request tried once more, 0 to have it refused. It is not called when
 * the underlying allocator has no memory.
 *
 * t        the tracker that was asked; the limit may be that of an ancestor
 * size     bytes that were asked for, or by which a block was to grow
 * context  refused_context of the tracker whose function this is
 */
typedef int (*porter_on_refused)(porter_tracked *t, size_t size, void *context);

/*
 * What a tracker can be made with. Zero it, set size to
 * sizeof(struct porter_tracked_options), then what is wanted.
 *
 * name             for people, or NULL
 * parent           the tracker that this one counts in as well, or NULL. Its
 *                  limit binds, too. The underlying allocator is chosen for
 *                  each tracker by itself: do not make it the parent, or blocks
 *                  count twice there.
 * limit            most bytes in use, descendants included; 0: none
 * quantum          how many bytes a thread reserves ahead, about; 0: chosen by
 *                  how much is left to the limits and how precise the peak is
 *                  to be. Below 512 nothing is reserved ahead.
 * on_refused       called before a refusal, or NULL: then that of the nearest
 *                  ancestor which has one. One is called, for all limits that
 *                  may refuse, and none can be set later.
 * refused_context  for on_refused
 */
struct porter_tracked_options {
	size_t size;
	const char *name;
	porter_tracked *parent;
	int64_t limit;
	int64_t quantum;
	porter_on_refused on_refused;
	void *refused_context;
};

/**
 * porter_tracked_new_with - a tracked allocator with a limit, a peak, a parent
 * @underlying: where its blocks come from; NULL means the system backend
 * @o: what it is made with; NULL makes this porter_tracked_new()
 *
 * A tracker made with options keeps a peak, whatever they say. A parent that
 * was made without gets a peak now, as by porter_peak_reset().
 *
 * Ownership: as porter_tracked_new(). Options are copied, name and all. A
 * parent stays the caller's, and cannot be destroyed before its children.
 * Return: the tracker, or NULL with errno.
 * Errors: ENOMEM, no memory; EINVAL, the table of @underlying lacks a
 * function, size is less than that of the first version of the struct, or a
 * number is negative. A parent that is no tracker ends the program with a
 * message, as far as that can be told.
 * Threads: safe. Signals: not safe.
 */
porter_tracked *porter_tracked_new_with(porter_allocator *underlying,
					const struct porter_tracked_options *o);

/**
 * porter_tracked_set_limit - bound the bytes in use, from now on
 * @t: any tracker, the default one as well
 * @bytes: most bytes in use, descendants included; 0: no limit
 *
 * No allocation that is granted later brings the bytes in use above the limit,
 * at no instant, and none is refused while there is room (G7). When more is in
 * use already, all requests for more are refused until enough has been freed;
 * those for 0 bytes, and to make a block smaller, never are. A refused request
 * gets NULL with errno ENOMEM, is counted in refusals, and leaves everything as
 * it was; a block to be resized is whole.
 *
 * The first limit is better given when the tracker is made. Later, where no
 * ancestor has one and nobody has a watch, calls of other threads that are under
 * way are counted when they return, and may exceed it. And to a tracker of
 * porter_tracked_new() two things happen: a period of its peak begins, and close
 * to a limit each operation takes a lock. Other limits, as often as they change,
 * are kept from the call on.
 *
 * For the whole process: porter_tracked_cast(porter_get_allocator()), and all
 * that is to be bound allocates through that allocator, or is its child.
 *
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @bytes is negative; ENOMEM, no memory, or more in use than
 * there can be, 2^60 bytes (only for a tracker of porter_tracked_new(), for the
 * first time).
 * Threads: safe. Signals: not safe.
 * Ordering: an allocation that begins after the call has returned is bound.
 */
int porter_tracked_set_limit(porter_tracked *t, int64_t bytes);

/**
 * porter_tracked_limit - the limit of a tracker
 * @t: the tracker
 *
 * Return: bytes; 0: none.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
int64_t porter_tracked_limit(const porter_tracked *t);

/**
 * porter_tracked_name - the name of a tracker
 * @t: the tracker
 *
 * Ownership: lives as long as @t.
 * Return: the name, or an empty one; never NULL.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
const char *porter_tracked_name(const porter_tracked *t);

/**
 * porter_tracked_parent - the parent of a tracker
 * @t: the tracker
 *
 * Return: the parent, or NULL.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
porter_tracked *porter_tracked_parent(const porter_tracked *t);

/**
 * porter_tracked_foreach_child - visit the children of a tracker
 * @t: the tracker
 * @visit: called with each child, and @context; stops when it returns nonzero
 * @context: for @visit
 *
 * Children that are made meanwhile may be missed. A child that may be destroyed
 * by another thread meanwhile can be read from in @visit (its numbers, its
 * name), but not allocated through. @visit runs inside the RCU read lock: it
 * must not destroy a tracker, nor wait for anybody who might.
 *
 * Return: what the last call of @visit returned, 0 without children.
 * Errors: none of its own.
 * Threads: safe. Signals: not safe.
 */
int porter_tracked_foreach_child(const porter_tracked *t,
				 int (*visit)(porter_tracked *child,
					      void *context),
				 void *context);

/**
 * porter_peak - the most bytes that were in use at once, between two bounds
 * @t: the tracker
 *
 * The most that was in use, descendants included, since @t was made with
 * options or since the last porter_peak_reset() of @t, is at least lower and at
 * most upper (G8). Bytes that were in flight at the time, between the tracker
 * and the underlying allocator, may be counted in upper; never in lower.
 *
 * How wide: nothing, lower == upper, as long as the tracker was used by one
 * thread at a time. With several at once, up to 1/256 of the peak or 64 KiB,
 * whichever is more, plus what threads have in flight, plus what they reserve
 * since the last certificate: about as much again; less than 1 percent
 * together for peaks above 64 MiB.
 *
 * Where neither @t nor an ancestor has a limit or a watch, and blocks come from
 * malloc, threads do not say when they have up to 4,096 bytes in flight. Then
 * upper has as much on top for each slot of the process, from when several
 * threads were seen at work at once. Threads that overlap in small blocks alone
 * may not be seen: then the bounds are those of an order in which each call
 * takes effect at once, and such a block in flight may be missing in upper.
 *
 * A tracker of porter_tracked_new() keeps no peak: then lower is what is in use
 * now, and upper all that it has ever handed out. porter_peak_reset() makes it
 * keep one, and so does its first limit, child or watch: what was before is
 * forgotten, and calls of other threads that are under way at that moment may be
 * missed by this first period.
 *
 * Return: the bounds in bytes.
 * Errors: none.
 * Threads: safe; without a lock. Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
struct porter_interval porter_peak(const porter_tracked *t);

/**
 * porter_peak_reset - begin a new period for the peak
 * @t: the tracker
 *
 * The peak of the new period is at least what is in use now. The periods of
 * ancestors and descendants go on.
 *
 * Return: the bounds for the period that ends, as porter_peak().
 * Errors: none. Without memory for a first period of a tracker of
 * porter_tracked_new() none begins.
 * Threads: safe. Signals: not safe.
 */
struct porter_interval porter_peak_reset(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_LIMIT_H */
