/* SPDX-License-Identifier: MIT */
/*
 * limit.h: trackers that bound what they count: limits, peaks, hierarchies.
 *
 *	server          limit 8 GiB
 *	 |-- cache      limit 2 GiB        an allocation through "query 17" is
 *	 `-- queries    limit 6 GiB        checked against its own limit, that of
 *	      |-- query 17   256 MiB       "queries" and that of "server", and
 *	      `-- query 18   256 MiB       counts in all three
 *
 * What is compared with a limit. Each tracker has an account, from birth, to
 * which bytes are charged: from before the underlying allocator is asked for
 * them until it has got them back. Limits, peaks and watches (watch.h) are about
 * charged bytes. They are the bytes in use, and beside them those of calls that
 * are under way. A tracker's account has the bytes of its descendants, too.
 *
 * How it stays cheap. A thread gets a stock of bytes, charged beforehand at all
 * levels of the hierarchy. What it then allocates and frees within its stock
 * asks nobody. A stock is 4 KiB to 256 KiB, the larger the fewer threads have
 * one. All stocks below a limit are together at most a quarter of what is left
 * to it. Before a request is refused all stock is drained, which means taken
 * back, so nothing is refused while there is room.
 *
 * Near a limit, where that quarter is less than 4 KiB for each, there is no
 * stock. A tracker without parent and children is then in atomic mode: an
 * operation is one compare-and-exchange, as with an atomic counter. In a
 * hierarchy an operation takes the lock of the hierarchy for an instant.
 *
 * To drain, the library asks the kernel for a barrier in all threads
 * (membarrier); where that is not to be had, nobody ever gets a stock.
 *
 * Which number to choose: a limit is about the sizes asked for. What the process
 * takes from the system is more: code, stacks, what is not tracked, what the
 * underlying allocator rounds up and cannot give back. So it has to lie well
 * below what porter_process_memory() has for the cgroup; how far, only a look at
 * both numbers under load can tell.
 *
 * Which calls may run side by side, on one tracker and its hierarchy: all but
 * porter_tracked_destroy(), which may run beside all calls on other members.
 *
 * A signal handler may call those functions that say so, and must not allocate
 * or free through a tracker.
 */
#ifndef PORTER_LIMIT_H
#define PORTER_LIMIT_H

#include <portermem/tracked.h>

#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

/* Names are copied; what is longer is cut, with the 0 at its end. */
#define PORTER_NAME_SIZE 48

/*
 * Called in the thread whose request is about to be refused by a limit, that of
 * porter_charge() as well, with no lock of the library held and nothing half
 * done. It runs inside the call that asks, with the locks that the caller holds.
 * It may free, allocate (in this tracker, too; a refusal in there calls it again,
 * so it must come to an end by itself), set limits, and ask
 * porter_last_refusal() which limit it was. Several threads may be in it at
 * once. It must not destroy the tracker or an ancestor, and must return: nonzero
 * to have the request tried once more, 0 to have it refused. It is not called
 * when the underlying allocator has no memory.
 *
 * t        the tracker that was asked; the limit may be that of an ancestor
 * size     bytes that were asked for, or by which a block was to grow
 * context  that of the tracker whose function this is
 */
typedef int (*porter_on_refused)(porter_tracked *t, size_t size, void *context);

/*
 * What a tracker can be made with. Begin with PORTER_TRACKED_OPTIONS_INIT, or
 * zero it and set size to sizeof(struct porter_tracked_options); then set what
 * is wanted.
 *
 * name             for people, or NULL
 * parent           the tracker that this one counts in as well, or NULL. Its
 *                  limit binds, too. The underlying allocator is chosen for
 *                  each tracker by itself: do not make it the parent, or blocks
 *                  count twice there.
 * limit            most bytes charged, descendants included; 0: none
 * quantum          how large a thread's stock is, about; 0: chosen as said
 *                  above. Below 512 there is no stock.
 * on_refused       called before a refusal, or NULL: then that of the nearest
 *                  ancestor which has one. One is called, for all limits that
 *                  may refuse.
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

/* The struct with its size set and nothing wanted. */
#define PORTER_TRACKED_OPTIONS_INIT                                            \
	{                                                                      \
		sizeof(struct porter_tracked_options), NULL, NULL, 0, 0, NULL, \
			NULL                                                   \
	}

/**
 * porter_tracked_new_with - a tracked allocator with a limit, a name, a parent
 * @underlying: where its blocks come from; NULL means the system backend
 * @o: what it is made with; NULL makes this porter_tracked_new()
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
 * porter_tracked_set_limit - bound the charged bytes, from now on
 * @t: any tracker, the default one as well
 * @bytes: most bytes charged, descendants included; 0: no limit
 *
 * No request that is granted later brings the charged bytes above the limit, at
 * no instant, and none is refused while there is room (G7). When more is charged
 * already, all requests for more are refused until enough has been freed; those
 * for 0 bytes, and to make a block smaller, never are. A refused request gets
 * NULL with errno ENOMEM, is counted in refusals, and leaves everything as it
 * was; a block to be resized is whole. porter_last_refusal() tells more.
 *
 * A first limit, where neither @t nor an ancestor had a limit or a watch, binds
 * every call that begins after it was set. Calls that began before are not
 * refused. Until they return, the charged bytes may exceed the limit by what
 * those calls have in flight; after that, by no more than was charged when the
 * limit was set. Other limits, as often as they change, are kept from the call
 * on.
 *
 * For the whole process: porter_tracked_cast(porter_get_allocator()), and all
 * that is to be bound allocates through that allocator, or is its child.
 *
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @bytes is negative.
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
 * porter_tracked_set_on_refused - what is called before a refusal, from now on
 * @t: any tracker, the default one as well
 * @f: the function; NULL: that of the nearest ancestor which has one, if any
 * @context: for @f
 *
 * The function and its context change together: nobody calls one with the
 * context of the other. A call of another thread that began before may still
 * call the function that was there before, also after this has returned.
 *
 * Ownership: @context stays the caller's, and must live as long as @f may be
 * called.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: ENOMEM, no memory.
 * Threads: safe. Signals: not safe.
 * Ordering: a request that begins after the call has returned calls @f.
 */
int porter_tracked_set_on_refused(porter_tracked *t, porter_on_refused f,
				  void *context);

/* How many children a refusal tells of, at most. */
#define PORTER_REFUSAL_CHILDREN 3

/* A child of the tracker whose limit refused, and what it has in use. */
struct porter_refusal_child {
	char name[PORTER_NAME_SIZE];
	int64_t bytes_used;
};

/*
 * A request that a limit refused. The caller sets size to
 * sizeof(struct porter_refusal) before the call, or begins with
 * PORTER_REFUSAL_INIT, so that the struct can grow.
 *
 * As it was when the request was refused:
 *
 * asked           bytes that were asked for, or by which a block was to grow
 * limit           the limit that refused
 * charged         what was charged to the tracker that has that limit:
 *                 charged + asked > limit
 *
 * As it is when porter_last_refusal() is called:
 *
 * stock           what threads hold as stock below that limit, at most
 * children_count  how many of the array largest are filled
 * reserved        0
 * largest         the children of the tracker that has the limit which have
 *                 most in use, the largest first
 *
 * And the names:
 *
 * asked_name      of the tracker that was asked
 * name            of the tracker that has the limit: the one that was asked, or
 *                 an ancestor
 */
struct porter_refusal {
	size_t size;
	size_t asked;
	int64_t limit;
	int64_t charged;
	int64_t stock;
	uint32_t children_count;
	uint32_t reserved;
	struct porter_refusal_child largest[PORTER_REFUSAL_CHILDREN];
	char asked_name[PORTER_NAME_SIZE];
	char name[PORTER_NAME_SIZE];
};

/* The struct with its size set, to be filled. */
#define PORTER_REFUSAL_INIT                                         \
	{                                                           \
		sizeof(struct porter_refusal), 0, 0, 0, 0, 0, 0,    \
			{ { "", 0 }, { "", 0 }, { "", 0 } }, "", "" \
	}

/**
 * porter_last_refusal - the last request of this thread that a limit refused
 * @out: filled; out->size says how large the caller's struct is
 *
 * Each thread has its own. The request is noted before on_refused is called, so
 * on_refused may ask here; a request that on_refused then made room for stays
 * noted until the next one. A refusal of porter_charge() and
 * porter_charge_resize() is one, too. A request that failed because the
 * underlying allocator has no memory is not. The note is kept in the thread's
 * slot: porter_thread_unregister() forgets it, and without memory for a slot
 * there is none.
 *
 * The note is made without memory, and names and children are looked up now: a
 * walk over the children and the slots. What the caller's struct has beyond what
 * the library knows is set to 0.
 *
 * Return: 0, or -1 with errno and @out unchanged.
 * Errors: ENOENT, no limit ever refused a request of this thread, or the tracker
 * that was asked or the one that has the limit was destroyed since; EINVAL, @out
 * is NULL or out->size is less than that of the first version of the struct.
 * Threads: safe. Signals: not safe.
 */
int porter_last_refusal(struct porter_refusal *out);

/**
 * porter_tracked_trim - evict until no more than so much is charged
 * @t: the tracker
 * @target: the bytes to come down to, descendants included; 0 or more
 * @evict: frees something through @t or a descendant, and returns nonzero; or
 * returns 0: there is nothing more to evict
 * @context: for @evict
 *
 * Calls @evict until at most @target bytes are charged, until it returns 0, or
 * until a call of it has freed nothing. It is not called when no more than
 * @target is charged to begin with. It is called in this thread, with no lock of
 * the library held, and may do everything but destroy @t.
 *
 * For a cache: call it from on_refused, or where a watch told of the high
 * watermark.
 *
 * Return: the bytes charged in the end: at most @target when it got there; or -1
 * with errno.
 * Errors: EINVAL, @target is negative or @evict is NULL; it was not called then.
 * Threads: safe. Signals: not safe.
 */
int64_t porter_tracked_trim(porter_tracked *t, int64_t target,
			    int (*evict)(void *context), void *context);

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
 * porter_peak - the most bytes that were charged at once, between two bounds
 * @t: the tracker
 *
 * The peak is the most that was charged at one time in the period, descendants
 * included: the least limit that would have refused nothing. It is at least
 * lower and at most upper (G8): there is one order of all operations, each of
 * which takes effect at one instant inside its call, in which that holds at
 * every read. Every tracker keeps its peak, however it was made. The period
 * begins when @t is made and with each porter_peak_reset() of @t.
 *
 * How wide: nothing, lower == upper, for a tracker without children that one
 * thread uses. Otherwise at most the largest of 64 KiB, 1/256 of the peak, and
 * 4 KiB for each thread that holds stock.
 *
 * Return: the bounds in bytes.
 * Errors: none.
 * Threads: safe; takes no lock, waits for nobody, makes nobody wait (G6).
 * Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
struct porter_interval porter_peak(const porter_tracked *t);

/**
 * porter_peak_reset - begin a new period for the peak
 * @t: the tracker
 *
 * All stock of @t and its descendants is drained; then both bounds of the new
 * period are what is charged now. The periods of ancestors and descendants go
 * on.
 *
 * Return: the bounds for the period that ends, as porter_peak().
 * Errors: none.
 * Threads: safe. Signals: not safe.
 */
struct porter_interval porter_peak_reset(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_LIMIT_H */
