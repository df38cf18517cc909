/* SPDX-License-Identifier: MIT */
/*
 * tracked.h: an allocator that knows how many bytes it holds.
 *
 * A tracked allocator wraps any other and is one itself:
 *
 *	program --> tracked --> underlying allocator
 *	               `--> two adds into the calling thread's own cell
 *
 * What counts are the sizes asked for, exactly; the rounding of the
 * underlying allocator does not. A reallocation counts the difference. A
 * block may be freed in any thread.
 *
 * Which calls may run side by side, on one tracker:
 *
 *	                  allocate/free   read   destroy
 *	allocate/free          yes        yes      no
 *	read                   yes        yes      no
 *	destroy                no         no       no
 */
#ifndef PORTER_TRACKED_H
#define PORTER_TRACKED_H

#include <portermem/allocator.h>
#include <portermem/counter.h>

#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

typedef struct porter_tracked porter_tracked;

/*
 * The numbers of a tracked allocator. The caller sets size to
 * sizeof(struct porter_stats) before the call, or begins with PORTER_STATS_INIT,
 * so that the struct can grow.
 *
 * bytes_used       bytes in use: total_allocated - total_freed
 * total_allocated  bytes ever handed out; reallocations count their growth
 * total_freed      bytes ever given back; reallocations count their shrinking
 * allocations      blocks ever handed out
 * frees            blocks ever given back; allocations - frees are in use
 * reallocations    blocks resized (to size 0: a free and an allocation)
 * failures         requests that got NULL, but for those that a limit refused
 * refusals         requests that a limit refused (limit.h)
 *
 * A tracker with children (limit.h) has all of them counted in: those that
 * live, and those that were destroyed. A refusal is one of the tracker that was
 * asked, whichever limit it was; so a parent's tell of all its descendants. A
 * tracker over another that refuses has a failure.
 */
struct porter_stats {
	size_t size;
	int64_t bytes_used;
	uint64_t total_allocated;
	uint64_t total_freed;
	uint64_t allocations;
	uint64_t frees;
	uint64_t reallocations;
	uint64_t failures;
	uint64_t refusals;
};

/* The struct with its size set, to be filled. */
#define PORTER_STATS_INIT                                           \
	{                                                           \
		sizeof(struct porter_stats), 0, 0, 0, 0, 0, 0, 0, 0 \
	}

/**
 * porter_tracked_new - a tracked allocator over another
 * @underlying: where its blocks come from; NULL means the system backend.
 * May be a tracked allocator itself: then both count.
 *
 * Ownership: the tracker is the caller's until porter_tracked_destroy();
 * @underlying stays the caller's and must outlive it.
 * Return: the tracker, or NULL with errno.
 * Errors: ENOMEM, no memory; EINVAL, the table of @underlying lacks a function.
 * Threads: safe. Signals: not safe.
 */
porter_tracked *porter_tracked_new(porter_allocator *underlying);

/**
 * porter_tracked_destroy - end a tracked allocator
 * @t: the tracker; NULL does nothing, and nothing is leaked
 * @leaked: on success, the bytes still in use, 0 when all came back; may be NULL
 *
 * No other call on @t may run at the same time or come later; blocks that are
 * still in use cannot be freed through it any more. Its watches (watch.h) are
 * removed: a callback of one that runs is waited for, unless it is that which
 * calls; so do not hold a lock that it takes.
 *
 * What a child (limit.h) has still in use leaves its ancestors with it: they
 * count it as freed, and their limits have that room again, though the memory
 * is still out. A tracker that merely stands on another leaves it counted there.
 * Children leave in any order at the same cost, and wait for no reader.
 *
 * After a wrong size given to porter_free() @leaked may be negative.
 *
 * Return: 0; or -1 with errno, with nothing changed and @leaked as it was.
 * Errors: EBUSY, @t is the default allocator of the process, or has children
 * (limit.h). A pointer that is no tracker, or one that was destroyed already,
 * ends the program with a message, as far as that can be told.
 * Threads: safe, but see above. Signals: not safe.
 */
int porter_tracked_destroy(porter_tracked *t, int64_t *leaked);

/**
 * porter_tracked_allocator - the allocator that a tracker is
 * @t: the tracker
 *
 * Ownership: lives as long as @t.
 * Return: the allocator, never NULL.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
porter_allocator *porter_tracked_allocator(porter_tracked *t);

/**
 * porter_tracked_cast - the tracker that an allocator is
 * @a: any allocator, or NULL
 *
 * An allocator of your own that embeds or wraps a tracker is not one itself.
 *
 * Return: the tracker, or NULL when @a is not a tracked allocator.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
porter_tracked *porter_tracked_cast(porter_allocator *a);

/**
 * porter_bytes_used - the bytes in use through a tracker
 * @t: the tracker
 *
 * Exact when no update is under way (G1); otherwise at least what was in use
 * at an instant inside the call, and never negative, without being clamped
 * (G2). A block is in use from the return of the call that gave it until the
 * call that takes it back. Ask for a moment: the number may be old by the time
 * it is looked at. Descendants (limit.h) are counted in.
 *
 * While others allocate and free it may be more than is in use at any instant,
 * but never more than a limit of @t or of an ancestor (limit.h): unless that was
 * set below what was charged, or was a first one and calls were under way.
 *
 * Return: bytes.
 * Errors: none.
 * Threads: safe; takes no lock, waits for nobody, makes nobody wait (G6). The
 * first read of a thread registers it with liburcu, once, under a lock of
 * liburcu's. Cost grows linearly with the number of slots, times that of the
 * descendants and one.
 * Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
int64_t porter_bytes_used(const porter_tracked *t);

/**
 * porter_bytes_used_interval - bounds of the bytes in use, certified
 * @t: the tracker
 *
 * Scans all cells twice. At every instant between the two scans the
 * bytes in use lay within the bounds (G3). Where both scans agree the
 * bounds are equal: then this is an exact number, under load.
 *
 * Return: the bounds in bytes, lower never below 0; lower == upper: exact.
 * Errors: none.
 * Threads: as porter_bytes_used(). Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
struct porter_interval porter_bytes_used_interval(const porter_tracked *t);

/**
 * porter_bytes_used_exact - the bytes in use at an instant, or nothing
 * @t: the tracker
 * @out: the bytes in use at an instant inside the call
 * @max_tries: how often to scan again, at least 1
 *
 * Scans until two scans in a row agree. That takes a gap in the updates
 * as long as a walk over the slots; the fewer slots and the less load, the
 * sooner it comes.
 *
 * Return: 0 and the exact number in @out; or -1 with errno.
 * Errors: EAGAIN, no two scans agreed: then @out has the lower bound of
 * the narrowest interval that was seen, which is not exact; EINVAL, @out is
 * NULL or @max_tries is 0, and nothing was changed.
 * Threads: as porter_bytes_used(). Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
int porter_bytes_used_exact(const porter_tracked *t, int64_t *out,
			    unsigned max_tries);

/**
 * porter_tracked_stats - all numbers of a tracker
 * @t: the tracker
 * @out: filled; out->size says how large the caller's struct is
 *
 * Each number is exact when no update is under way. While updates run, each
 * is right by itself at an instant inside the call, frees are read before
 * allocations, and bytes_used is what total_allocated and total_freed say: it
 * may be above a limit then, where porter_bytes_used() is not.
 * What the caller's struct has beyond what the library knows is set to 0.
 *
 * Return: 0, or -1 with errno and @out unchanged.
 * Errors: EINVAL, @out is NULL or out->size is less than that of the first
 * version of the struct.
 * Threads: as porter_bytes_used(). Signals: not safe.
 * Ordering: acquire, against the updates that it sees.
 */
int porter_tracked_stats(const porter_tracked *t, struct porter_stats *out);

/**
 * porter_charge - count bytes that came from elsewhere
 * @t: the tracker
 * @size: bytes
 *
 * For memory that the program holds and did not allocate here: a mapping, a
 * buffer that another library handed over. It counts as a block of @size does,
 * in @t, and in the trackers that @t stands on; against limits and in peaks
 * (limit.h), too. Charge before the memory is there, if a limit is to keep it
 * from being asked for.
 *
 * Ownership: none; porter_refund() with the same size, in any thread, when the
 * memory is gone; porter_charge_resize() when its size changes.
 * Return: 0, or -1 with errno and the bytes as before. A refusal or a failure
 * is counted, as it is for a block.
 * Errors: ENOMEM, a limit refuses, @size is above PTRDIFF_MAX, or more than 2^60
 * bytes would be charged.
 * Threads: safe. Signals: not safe.
 */
int porter_charge(porter_tracked *t, size_t size);

/**
 * porter_charge_resize - count that what porter_charge() counted changes in size
 * @t: the tracker
 * @old_size: the bytes that are charged for it
 * @new_size: the bytes that it is to have
 *
 * The growth is charged or the shrinking refunded, in one operation. It counts
 * as one reallocation, also with equal sizes, in @t and in the trackers that @t
 * stands on. Shrinking never fails, whatever the limits are.
 *
 * Ownership: porter_refund() with @new_size when the memory is gone; after a
 * failure, with @old_size.
 * Return: 0, or -1 with errno and the bytes as before. A refusal or a failure is
 * counted.
 * Errors: ENOMEM, only where @new_size is more than @old_size: a limit refuses
 * the difference, @new_size is above PTRDIFF_MAX, or more than 2^60 bytes would
 * be charged.
 * Threads: safe. Signals: not safe.
 */
int porter_charge_resize(porter_tracked *t, size_t old_size, size_t new_size);

/**
 * porter_refund - count back what porter_charge() counted
 * @t: the tracker
 * @size: the bytes that were given to porter_charge(), or last to
 * porter_charge_resize()
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe. Signals: not safe.
 */
void porter_refund(porter_tracked *t, size_t size);

/**
 * porter_malloc - allocate a block that remembers its size
 * @t: the tracker
 * @size: bytes; 0 gives a block that is not to be read
 *
 * For libraries whose free has no size. The block carries a header of
 * PORTER_ALIGNMENT bytes, which the underlying allocator gives and which does
 * not count: the tracker counts @size.
 *
 * Ownership: the block is the caller's until porter_mfree() or
 * porter_realloc() of the same tracker, in any thread; porter_free() must not
 * be given it.
 * Return: the block, aligned as malloc aligns, or NULL with errno.
 * Errors: ENOMEM, no memory, a limit refuses (limit.h), or @size above
 * PTRDIFF_MAX less the header.
 * Threads: as safe as the underlying allocator. Signals: not safe.
 */
void *porter_malloc(porter_tracked *t, size_t size);

/**
 * porter_calloc - allocate a zeroed block that remembers its size
 * @t: the tracker
 * @count: how many
 * @size: bytes of each
 *
 * Where the underlying allocator has zeroed memory by itself, as the backends
 * that come with the library do, the block is not written: pages of a large one
 * take memory when they are first touched, and not before.
 *
 * Ownership: as porter_malloc().
 * Return: the block, all bytes 0, or NULL with errno.
 * Errors: ENOMEM, no memory, a limit refuses (limit.h), or the product too
 * large.
 * Threads: as porter_malloc(). Signals: not safe.
 */
void *porter_calloc(porter_tracked *t, size_t count, size_t size);

/**
 * porter_realloc - resize a block that remembers its size
 * @t: the tracker that it came from
 * @ptr: a block of porter_malloc(); NULL makes this an allocation
 * @size: bytes; 0 frees @ptr and returns a block of size 0
 *
 * Ownership: on success @ptr is gone and the new block is the caller's; on
 * failure @ptr is whole and still the caller's.
 * Return: the block, or NULL with errno.
 * Errors: ENOMEM, no memory, a limit refuses (limit.h), or @size above
 * PTRDIFF_MAX less the header.
 * Threads: as porter_malloc(). Signals: not safe.
 */
void *porter_realloc(porter_tracked *t, void *ptr, size_t size);

/**
 * porter_mfree - give back a block that remembers its size
 * @t: the tracker that it came from
 * @ptr: a block of porter_malloc(); NULL does nothing
 *
 * Return: nothing.
 * Errors: none.
 * Threads: any thread may free what any other allocated. Signals: not safe.
 */
void porter_mfree(porter_tracked *t, void *ptr);

/**
 * porter_mfree_sized - give back a block of porter_malloc() whose size is known
 * @t: the tracker that it came from
 * @ptr: a block of porter_malloc(); NULL does nothing
 * @size: the bytes it was last asked for with
 *
 * As porter_mfree(), for those who know the size, C23's free_sized() and C++'s
 * sized delete for example. A wrong size is not noticed, and makes the numbers
 * wrong from then on.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: any thread may free what any other allocated. Signals: not safe.
 */
void porter_mfree_sized(porter_tracked *t, void *ptr, size_t size);

/**
 * porter_msize - the size that a block was asked for with
 * @t: the tracker that it came from
 * @ptr: a block of porter_malloc(); NULL has size 0
 *
 * Return: bytes.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
size_t porter_msize(porter_tracked *t, const void *ptr);

PORTER_END_DECLS

#endif /* PORTER_TRACKED_H */
