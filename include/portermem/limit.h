/* SPDX-License-Identifier: MIT */
/*
 * limit.h: limits, peaks and hierarchies of trackers.
 *
 *	server          limit 8 GiB
 *	 |-- cache      limit 2 GiB        an allocation through "query 17" is
 *	 `-- queries    limit 6 GiB        checked against the limits of "query 17",
 *	      |-- query 17   256 MiB       "queries" and "server", and counts in all
 *	      `-- query 18   256 MiB       three trackers
 *
 * Charged bytes are those in use and those of calls in progress, descendants
 * included. Limits, peaks and watches are about them. An allocation charges its bytes
 * before it calls the underlying allocator, and a free uncharges them after the
 * underlying allocator has taken the block back. So a request that the underlying
 * allocator does not satisfy was charged for a moment, too.
 *
 * Stock. The account of a tracker also holds the stock of each thread: bytes that the
 * thread may charge at all levels of the hierarchy without touching the account. Stock
 * is not charged. A stock is between 4 KiB and 256 KiB; it is larger if
 * fewer threads have one. All stocks below a limit together are at most a quarter
 * of the room that is left to the limit. Before the library refuses a request, it
 * drains the stocks, which means that it takes them back. So it refuses nothing
 * while there is room.
 *
 * Near a limit there is no stock, because a quarter of the room would be less
 * than 4 KiB for each thread. A tracker without parent and children is then in
 * atomic mode: an operation is one compare-and-exchange, as with an atomic
 * counter. In a hierarchy an operation takes the lock of the hierarchy for a
 * short time.
 *
 * To drain stocks, the library uses membarrier(2). If the kernel does not offer
 * it, no thread gets a stock.
 *
 * How to choose a limit. A limit counts requested sizes. The process takes more
 * from the system: code, stacks, memory that no tracker counts, and memory that
 * the underlying allocator adds by rounding or cannot return. So choose a limit
 * well below the limit of the cgroup. To find the distance, compare
 * porter_bytes_used() with porter_process_memory() under load.
 *
 * All calls may run at the same time on one tracker and its hierarchy, except
 * porter_tracked_destroy(). That may run at the same time as calls on other
 * trackers of the hierarchy.
 */
#ifndef PORTER_LIMIT_H
#define PORTER_LIMIT_H

#include <portermem/tracked.h>

#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

/*
 * The size of a name with its final 0. A longer name is cut, in UTF-8 between two
 * characters.
 */
#define PORTER_NAME_SIZE 48

/**
 * porter_on_refused - the callback that runs before a limit refuses a request
 *
 * The library calls the callback once for each request that a limit would refuse:
 * an allocation, a reallocation or a porter_charge(). It calls it in the thread that
 * made the request. It does not call it if the underlying allocator has no memory.
 *
 * t        the tracker that received the request; the limit may be that of an
 *          ancestor
 * size     the requested bytes, or the bytes by which a block was to grow
 * context  the context that was set together with the callback
 *
 * Return nonzero, and the library tries the request exactly once more; it does not
 * call the callback a second time. So make room for all of @size, below the limit that
 * refuses: porter_last_refusal() has the limit and its tracker. Return 0 to have the
 * request refused. In C++ the callback may throw an exception: then the request is
 * refused, and the exception reaches the caller. The callback must not leave by
 * longjmp().
 *
 * Do not hold a lock that the callback takes while you allocate through this tracker or
 * a descendant. The callback runs inside the call that made the request, with all locks
 * that the caller holds. The library holds none of its own locks meanwhile.
 *
 * The callback may free, allocate, set limits, and call porter_last_refusal() to
 * find out which limit would refuse. It may allocate through @t. If a limit would
 * refuse that request, the library calls the callback again, inside itself; the
 * callback must limit such a recursion. It must not destroy @t or an ancestor.
 *
 * Threads: several threads may be in the callback at the same time.
 */
typedef int (*porter_on_refused)(porter_tracked *t, size_t size, void *context);

/**
 * porter_tracked_options - the options of a new tracker
 *
 * Initialize the struct with PORTER_TRACKED_OPTIONS_INIT, which sets size and
 * leaves all other members 0. Then set the members that you need.
 *
 * size             sizeof(struct porter_tracked_options)
 * name             a name for messages and statistics, or NULL, which is the same as
 *                  an empty string. PORTER_NAME_SIZE is 48: a name of more than 47
 *                  bytes is cut, in UTF-8 between two characters.
 * parent           the parent, or NULL. The new tracker counts in its parent, too,
 *                  and the limit of the parent applies to it. The underlying
 *                  allocator is independent of the parent. Do not use the parent
 *                  as the underlying allocator; blocks would count there twice.
 * limit            the limit of the charged bytes, descendants included; 0: none
 * quantum          the approximate size of a thread's stock in bytes; 0: the
 *                  library chooses it. With a quantum below 512 there is no stock.
 * on_refused       a callback that runs before a limit refuses a request, or
 *                  NULL: the callback of the nearest ancestor that has one. The
 *                  library calls one callback, whichever level would refuse.
 * refused_context  the context of on_refused
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

/* Initializes the struct: sets its size, and all else to 0. */
#define PORTER_TRACKED_OPTIONS_INIT                                            \
	{                                                                      \
		sizeof(struct porter_tracked_options), NULL, NULL, 0, 0, NULL, \
			NULL                                                   \
	}

/**
 * porter_tracked_new_with - make a tracker with a limit, a name or a parent
 * @underlying: the allocator that the tracker wraps; NULL: the system backend
 * @o: the options; NULL: as porter_tracked_new()
 *
 * Ownership: as porter_tracked_new(). The function copies the options and the
 * name. The caller still owns the parent, which cannot be destroyed before its
 * children.
 * Return: the tracker, or NULL with errno set.
 * Errors: ENOMEM, there is no memory; EINVAL, the table of @underlying lacks a
 * function, size is less than the size of the first version of the struct, a member
 * that the library does not know is not 0, or a number is negative. If the parent is
 * not a tracker, the function ends the program with a message. It cannot detect every
 * such pointer.
 * Threads: safe. Signals: not safe.
 */
porter_tracked *porter_tracked_new_with(porter_allocator *underlying,
					const struct porter_tracked_options *o);

/**
 * porter_tracked_set_limit - set the limit of a tracker
 * @t: any tracker, including the default allocator of the process
 * @bytes: the limit of the charged bytes, descendants included; 0: no limit
 *
 * A limit is exact (G7). No request that is granted raises the charged bytes above
 * the limit at any instant, and no request is refused while there is room for it.
 * The limits of all ancestors apply as well.
 *
 * A refused allocation returns NULL with errno set to ENOMEM, and a refused
 * porter_charge() returns -1. It counts in the refusals of porter_tracked_stats()
 * and changes nothing else. A block that was to be resized is unchanged.
 * porter_last_refusal() has the details. Before a request is refused, the
 * callback of porter_tracked_set_on_refused() runs.
 *
 * If more than the limit is charged when it is set, every request that needs more
 * bytes is refused until enough has been freed. Requests of size 0 and
 * requests to shrink a block are never refused.
 *
 * A limit is a first limit if neither @t nor an ancestor had a limit or a watch
 * before. A first limit applies to every call that begins after it was set. Calls
 * that began before are not refused. Until they have returned, the charged bytes
 * may exceed the limit by the bytes of those calls. After that they exceed it by at
 * most what was charged when the limit was set. All other limits apply from this
 * call on.
 *
 * To limit the whole process, set the limit of
 * porter_tracked_cast(porter_get_allocator()). It applies to what is allocated
 * through that allocator and through its children.
 *
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, @bytes is negative.
 * Threads: safe. Signals: not safe.
 * Ordering: the limit applies to allocations that begin after this call has
 * returned.
 */
int porter_tracked_set_limit(porter_tracked *t, int64_t bytes);

/**
 * porter_tracked_limit - get the limit of a tracker
 * @t: the tracker
 *
 * Return: the limit in bytes; 0: there is none.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
int64_t porter_tracked_limit(const porter_tracked *t);

/**
 * porter_tracked_set_on_refused - set the callback that runs before a refusal
 * @t: any tracker, including the default allocator of the process
 * @f: the callback; NULL: the callback of the nearest ancestor that has one
 * @context: passed to @f
 *
 * The callback and its context change together. A request of another thread that
 * began before this call may still run the previous callback, even after this call
 * has returned.
 *
 * Ownership: the caller still owns @context, which must exist as long as @f may
 * run.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: ENOMEM, there is no memory.
 * Threads: safe. Signals: not safe.
 * Ordering: a request that begins after this call has returned runs @f.
 */
int porter_tracked_set_on_refused(porter_tracked *t, porter_on_refused f,
				  void *context);

/* The number of children in a struct porter_refusal. */
#define PORTER_REFUSAL_CHILDREN 3

/**
 * porter_refusal_child - a child of the tracker whose limit refused
 *
 * name        the name of the child
 * bytes_used  the bytes in use by the child and its descendants
 */
struct porter_refusal_child {
	char name[PORTER_NAME_SIZE];
	int64_t bytes_used;
};

/**
 * porter_refusal - a request that a limit refused
 *
 * porter_last_refusal() fills the struct. Initialize it with PORTER_REFUSAL_INIT,
 * which sets size.
 *
 * size            sizeof(struct porter_refusal)
 * asked           the requested bytes, or the bytes by which a block was to grow
 * limit           the limit that refused the request
 * charged         the bytes that were charged to the tracker with this limit when
 *                 it refused, the stock of threads included: charged + asked > limit
 * stock           at most so many of these bytes were stock. If it is not 0, the
 *                 request was too large to fit even without any stock
 * children_count  the number of elements of largest that are filled, at most
 *                 PORTER_REFUSAL_CHILDREN, which is 3
 * reserved        always 0
 * largest         the children of the tracker with this limit that have the most
 *                 bytes in use, the largest first
 * asked_name      the name of the tracker that received the request
 * name            the name of the tracker with this limit: the one that received
 *                 the request, or an ancestor
 *
 * PORTER_NAME_SIZE is 48: names have at most 47 bytes. The name of a tracker without a
 * name is the empty string.
 *
 * The members asked, limit, charged and stock were noted when the request was
 * refused. The library determines all others when porter_last_refusal() is called.
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

/* Initializes the struct: sets its size. */
#define PORTER_REFUSAL_INIT                                         \
	{                                                           \
		sizeof(struct porter_refusal), 0, 0, 0, 0, 0, 0,    \
			{ { "", 0 }, { "", 0 }, { "", 0 } }, "", "" \
	}

/**
 * porter_last_refusal - find out whether a limit refused, and which
 * @out: the struct to fill; out->size is the size of the caller's struct
 *
 * The function tells of the last request of this thread that failed: a request to
 * allocate or to resize a block of a tracker, a porter_charge() or a
 * porter_charge_resize(). It fails with ENOENT if that request was not refused by a
 * limit. So after a call that returned NULL with ENOMEM, the result 0 means that a limit
 * refused, and ENOENT means that there is no memory or that the size is too large. A
 * request that succeeds changes nothing.
 *
 * There is one exception. An allocator of the program may have a tracker below it. If
 * it fails under a tracker, the library cannot tell why, and leaves what was noted
 * before. Such a program compares out->asked with the size that it requested.
 *
 * The library notes the request before it calls on_refused. So on_refused may call
 * this function. If on_refused then makes room and the request succeeds, the note
 * stays until the next request that fails.
 *
 * The note is kept in the slot of the thread, and making it needs no memory. So
 * porter_thread_unregister() discards it, and a thread for which there was no
 * memory for a slot has none. This function looks up the names and the children,
 * which takes a walk over the children and the slots.
 *
 * Members of the caller's struct that the library does not know are set to 0.
 *
 * Return: 0, the request was refused by a limit; or -1 with errno set, and @out is
 * unchanged.
 * Errors: ENOENT, no request of this thread has failed, the last one that failed did so
 * for another reason, or one of the two trackers has been destroyed since; EINVAL,
 * @out is NULL or out->size is less than the size of the first version of the struct.
 * Threads: safe. Signals: not safe.
 */
int porter_last_refusal(struct porter_refusal *out);

/**
 * porter_tracked_trim - evict until at most a target is charged
 * @t: the tracker
 * @target: the charged bytes to reach, descendants included; 0 or more
 * @evict: a function that frees something through @t or a descendant and returns
 * nonzero, or returns 0 if there is nothing left to evict
 * @context: passed to @evict
 *
 * The function calls @evict until at most @target bytes are charged, until @evict
 * returns 0, or until the charged bytes have not fallen after a call of @evict. If at
 * most @target bytes are charged already, it does not call @evict.
 *
 * @evict runs in the calling thread. The library holds no lock meanwhile. @evict may
 * do anything except destroy @t. In C++ it may throw an exception, which ends the
 * call.
 *
 * A cache calls this function in on_refused, or when a watch reports the high
 * watermark.
 *
 * Return: the bytes that are charged at the end, which are at most @target if the
 * target was reached; or -1 with errno set.
 * Errors: EINVAL, @target is negative or @evict is NULL, and nothing was called.
 * Threads: safe. Signals: not safe.
 */
int64_t porter_tracked_trim(porter_tracked *t, int64_t target,
			    int (*evict)(void *context), void *context);

/**
 * porter_tracked_name - get the name of a tracker
 * @t: the tracker
 *
 * Ownership: the string exists as long as @t.
 * Return: the name; the empty string if the tracker has none; never NULL.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
const char *porter_tracked_name(const porter_tracked *t);

/**
 * porter_tracked_parent - get the parent of a tracker
 * @t: the tracker
 *
 * Return: the parent, or NULL if @t has none.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
porter_tracked *porter_tracked_parent(const porter_tracked *t);

/**
 * porter_tracked_foreach_child - call a function for each child of a tracker
 * @t: the tracker
 * @visit: called with a child and @context; if it returns nonzero, the function
 * stops
 * @context: passed to @visit
 *
 * The children come in no particular order. The function may miss children that are
 * made while it runs.
 *
 * @visit may read the numbers and the name of the child, print, and wait for slow input
 * and output. No other thread waits for it meanwhile, but the library cannot use the
 * memory of destroyed children again. If another thread may destroy the child, @visit
 * must not allocate through it. @visit runs inside an RCU read-side critical section of
 * liburcu. It must not destroy a tracker, wait for a thread that does, or call fork().
 * In C++ it may throw an exception, which ends the walk. It must not leave by
 * longjmp().
 *
 * Return: what the last call of @visit returned; 0 if there are no children.
 * Errors: none.
 * Threads: safe. Signals: not safe.
 */
int porter_tracked_foreach_child(const porter_tracked *t,
				 int (*visit)(porter_tracked *child,
					      void *context),
				 void *context);

/**
 * porter_peak - get bounds of the peak
 * @t: the tracker
 *
 * The peak is the largest number of bytes that were charged at one time in the
 * present period, descendants included. In other words, it is the smallest limit
 * that would have refused nothing. The period begins when @t is made and at each
 * porter_peak_reset() of @t. Every tracker keeps its peak.
 *
 * The peak is at least lower and at most upper (G8). Do not compare the peaks of a
 * parent and a child: the bounds hold for each tracker by itself.
 *
 * The bounds are equal for a tracker that has no children and that only one thread
 * uses. Otherwise they differ by at most the largest of 64 KiB, 1/256 of the peak,
 * and 4 KiB for each thread that holds stock.
 *
 * Return: the bounds in bytes.
 * Errors: none.
 * Threads: safe; takes no lock, does not wait, and makes no other thread wait
 * (G6).
 * Signals: not safe.
 * Ordering: acquire, with the updates that the read sees.
 */
struct porter_interval porter_peak(const porter_tracked *t);

/**
 * porter_peak_reset - begin a new period of the peak
 * @t: the tracker
 *
 * The function drains all stock of @t and its descendants. Then it sets both bounds
 * to the number of bytes that are charged now. The periods of ancestors and
 * descendants do not change.
 *
 * Return: the bounds of the period that ends, as porter_peak().
 * Errors: none.
 * Threads: safe. Signals: not safe.
 */
struct porter_interval porter_peak_reset(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_LIMIT_H */
