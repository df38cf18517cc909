/* SPDX-License-Identifier: MIT */
/*
 * tracked.h: trackers, which are allocators that count their bytes.
 *
 * A tracked allocator, or tracker, wraps another allocator. A tracker is an
 * allocator itself:
 *
 *	program --> tracker --> underlying allocator
 *	               `--> two additions in the cell of the calling thread
 *
 * A tracker counts the requested sizes exactly. It does not count what the
 * underlying allocator adds to round a size up. For a reallocation it counts the
 * difference between the two sizes. Any thread may free a block.
 *
 * Calls that may run at the same time on one tracker:
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

/**
 * porter_tracked - a tracked allocator, or tracker
 *
 * An opaque type. porter_tracked_new() and porter_tracked_new_with() make a
 * tracker, and porter_tracked_destroy() destroys it. Programs allocate through
 * the allocator that porter_tracked_allocator() returns.
 */
typedef struct porter_tracked porter_tracked;

/**
 * porter_stats - the numbers of a tracker
 *
 * porter_tracked_stats() fills the struct. Initialize it with PORTER_STATS_INIT,
 * which sets size.
 *
 * size             sizeof(struct porter_stats)
 * bytes_used       bytes in use: total_allocated - total_freed
 * total_allocated  bytes allocated since the tracker was made, including the
 *                  growth of reallocated blocks
 * total_freed      bytes freed since the tracker was made, including the shrinking
 *                  of reallocated blocks
 * allocations      blocks allocated since the tracker was made
 * frees            blocks freed since the tracker was made; allocations - frees
 *                  blocks are in use
 * reallocations    blocks resized. A reallocation to size 0 is not among them; it
 *                  counts as a free and an allocation.
 * failures         requests that returned NULL for another reason than a limit
 * refusals         requests that a limit refused
 *
 * The numbers of a tracker include those of its descendants, of destroyed
 * descendants too. A refusal counts in the tracker that received the request,
 * even if the limit is that of an ancestor, and so in the numbers of the ancestors of
 * that tracker. porter_last_refusal() tells whose limit it was. If the underlying
 * allocator is a tracker that refuses, the outer tracker counts a failure.
 *
 * An allocation and a porter_charge() count alike.
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

/* Initializes the struct: sets its size. */
#define PORTER_STATS_INIT                                           \
	{                                                           \
		sizeof(struct porter_stats), 0, 0, 0, 0, 0, 0, 0, 0 \
	}

/**
 * porter_tracked_new - make a tracker
 * @underlying: the allocator that the tracker wraps; NULL: the system backend. If
 * @underlying is a tracker, both trackers count each block.
 *
 * The tracker has no name, no parent and no limit. porter_tracked_new_with()
 * makes one that has them.
 *
 * Ownership: the caller owns the tracker until porter_tracked_destroy(). The
 * caller still owns @underlying, which must outlive the tracker.
 * Return: the tracker, or NULL with errno set.
 * Errors: ENOMEM, there is no memory; EINVAL, the table of @underlying lacks a
 * function.
 * Threads: safe. Signals: not safe.
 */
porter_tracked *porter_tracked_new(porter_allocator *underlying);

/**
 * porter_tracked_destroy - destroy a tracker
 * @t: the tracker; if it is NULL, the function sets @leaked to 0 and returns 0
 * @leaked: set to the number of bytes that are still in use; 0 if all blocks have
 * been freed; may be NULL
 *
 * No other call may use @t at the same time or later. Blocks that are still in
 * use can no longer be freed through @t.
 *
 * The function removes the watches of @t. If the callback of a watch is running,
 * the function waits for it, unless that callback made the call. So the caller
 * must not hold a lock that the callback takes.
 *
 * If @t has a parent, its ancestors count the bytes that are still in use as
 * freed, and their limits have that room again, although the memory has not been
 * freed. If @t only wraps another tracker, that tracker still counts them.
 *
 * Children may be destroyed in any order. The call does not wait for readers.
 *
 * To report what leaks, call porter_tracked_describe() first.
 *
 * @leaked may be negative if porter_free() was called with a wrong size.
 *
 * Return: 0; or -1 with errno set, and neither @t nor @leaked has changed.
 * Errors: EBUSY, @t is the default allocator of the process, or it has children.
 * If @t is not a tracker, or was destroyed before, the function ends the program
 * with a message. It cannot detect every such pointer.
 * Threads: safe, except that no other call may use @t. Signals: not safe.
 */
int porter_tracked_destroy(porter_tracked *t, int64_t *leaked);

/**
 * porter_tracked_allocator - get the allocator of a tracker
 * @t: the tracker
 *
 * porter_allocate() and its relatives take the result. What they allocate with it
 * counts in @t.
 *
 * Ownership: the allocator is a part of @t and exists as long as @t.
 * Return: the allocator, never NULL.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
porter_allocator *porter_tracked_allocator(porter_tracked *t);

/**
 * porter_tracked_cast - get the tracker of an allocator
 * @a: any allocator, or NULL
 *
 * The result is @a as a tracker, if @a is one. An allocator that embeds or wraps a
 * tracker is not a tracker itself.
 *
 * Return: the tracker, or NULL if @a is not a tracked allocator.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
porter_tracked *porter_tracked_cast(porter_allocator *a);

/**
 * porter_bytes_used - get the number of bytes in use
 * @t: the tracker
 *
 * A block is in use from the return of the call that allocates it to the
 * beginning of the call that frees it. The blocks of all descendants of @t are included.
 *
 * The result is exact if no update is in progress (G1). While other threads
 * allocate and free, the result is at least the number of bytes that were in use
 * at an instant inside the call (G2). It is never negative, and the library does
 * not clamp it to achieve that. Other threads may change the number before the
 * caller looks at the result.
 *
 * While other threads allocate and free, the result may be greater than the number
 * of bytes in use at any instant. It is never greater than the limit of @t or of
 * an ancestor, with two exceptions: the limit was set below the bytes that were
 * charged already, or it was a first limit that was set while calls were in
 * progress. See porter_tracked_set_limit().
 *
 * Return: the number of bytes.
 * Errors: none.
 * Threads: safe; takes no lock, does not wait, and makes no other thread wait
 * (G6). The first read of a thread registers the thread with liburcu under a lock
 * of liburcu. The cost is proportional to the number of slots, times the number of
 * trackers, which are @t and its descendants.
 * Signals: not safe.
 * Ordering: acquire, with the updates that the read sees.
 */
int64_t porter_bytes_used(const porter_tracked *t);

/**
 * porter_bytes_used_interval - get certified bounds of the bytes in use
 * @t: the tracker
 *
 * The function scans all cells twice. At every instant between the two scans the
 * number of bytes in use was within the bounds (G3). If both scans find the same
 * words, the bounds are equal. Then they are the exact number, even while other
 * threads allocate and free.
 *
 * Return: the bounds in bytes; lower is never below 0.
 * Errors: none.
 * Threads: as porter_bytes_used(). Signals: not safe.
 * Ordering: acquire, with the updates that the read sees.
 */
struct porter_interval porter_bytes_used_interval(const porter_tracked *t);

/**
 * porter_bytes_used_exact - try to get the exact number of bytes in use
 * @t: the tracker
 * @out: set to the number of bytes in use at an instant inside the call
 * @max_tries: how often to scan again; at least 1
 *
 * The function scans all cells until two successive scans find the same words.
 * That needs a pause between updates as long as a scan. It becomes more likely
 * with fewer slots and with less load.
 *
 * Return: 0, and @out is exact; or -1 with errno set.
 * Errors: EAGAIN, no two successive scans found the same words, and @out is set to
 * the lower bound of the narrowest interval that was found, which is not exact;
 * EINVAL, @out is NULL or @max_tries is 0, and nothing has changed.
 * Threads: as porter_bytes_used(). Signals: not safe.
 * Ordering: acquire, with the updates that the read sees.
 */
int porter_bytes_used_exact(const porter_tracked *t, int64_t *out,
			    unsigned max_tries);

/**
 * porter_tracked_stats - get all numbers of a tracker
 * @t: the tracker
 * @out: the struct to fill; out->size is the size of the caller's struct
 *
 * The numbers are exact if no update is in progress. While updates are in
 * progress, each number was right at an instant inside the call, but not all of
 * them at the same instant. Frees are read before allocations. bytes_used is the
 * difference of total_allocated and total_freed. It can exceed a limit while
 * updates are in progress; porter_bytes_used() does not.
 *
 * Members of the caller's struct that the library does not know are set to 0.
 *
 * Return: 0; or -1 with errno set, and @out is unchanged.
 * Errors: EINVAL, @out is NULL or out->size is less than the size of the first
 * version of the struct.
 * Threads: as porter_bytes_used(). Signals: not safe.
 * Ordering: acquire, with the updates that the read sees.
 */
int porter_tracked_stats(const porter_tracked *t, struct porter_stats *out);

/**
 * porter_tracked_describe - describe a tracker in one line of text
 * @t: the tracker
 * @out: set to the line, with a final 0 and without a newline; may be NULL if @size
 * is 0
 * @size: the size of @out in bytes; a longer line is cut between two characters
 *
 * The line is for a log. A program that calls the function before
 * porter_tracked_destroy() can report which tracker leaks, or which children prevent
 * its destruction. For example:
 *
 *	cache: 4096 bytes in 3 blocks, peak 8192
 *	queries: 900 bytes in 2 blocks, peak 9000 to 9100, 2 children: q17 800, q18 100
 *
 * If there are more than three children, the line names those with the most bytes in
 * use. Control characters in a name are replaced with '?'. While other threads use the
 * tracker, the numbers may be of different instants. The words may change in later
 * versions; a program that needs the numbers calls porter_tracked_stats().
 *
 * Return: the length of the whole line without its final 0, as snprintf() returns it;
 * the line was cut if the length is @size or more. Or -1 with errno set.
 * Errors: EINVAL, @out is NULL and @size is not 0.
 * Threads: as porter_bytes_used(). Signals: not safe.
 */
int porter_tracked_describe(const porter_tracked *t, char *out, size_t size);

/**
 * porter_charge - count memory that was not allocated through the tracker
 * @t: the tracker
 * @size: the size in bytes
 *
 * For memory that the program got elsewhere, such as a mapping or a buffer of
 * another library. The memory counts as a block of @size bytes would: in @t, in
 * its ancestors and in the trackers that @t wraps, against their limits and in
 * their peaks.
 *
 * To have a limit checked before the memory is obtained, call this function
 * first.
 *
 * Ownership: the function takes no memory. When the memory is released, call
 * porter_refund() with the same size, in any thread. When its size changes, call
 * porter_charge_resize().
 * Return: 0; or -1 with errno set, and the bytes are unchanged. A refusal or a
 * failure is counted, as for a block.
 * Errors: ENOMEM, a limit refuses the request (then porter_last_refusal() returns 0),
 * @size is above PTRDIFF_MAX, or more than 2^60 bytes would be charged.
 * Threads: safe. Signals: not safe.
 */
int porter_charge(porter_tracked *t, size_t size);

/**
 * porter_charge_resize - change the size of charged memory
 * @t: the tracker
 * @old_size: the size in bytes that is charged
 * @new_size: the new size in bytes
 *
 * The function charges the growth or refunds the shrinkage, in one operation. It
 * counts as one reallocation, even if the sizes are equal, in @t and in the
 * trackers that @t wraps. A shrinkage never fails, whatever the limits are.
 *
 * Ownership: when the memory is released, call porter_refund() with @new_size, or
 * with @old_size if this call failed.
 * Return: 0; or -1 with errno set, and the bytes are unchanged. A refusal or a
 * failure is counted.
 * Errors: ENOMEM, @new_size is greater than @old_size, and a limit refuses the
 * difference (then porter_last_refusal() returns 0), @new_size is above PTRDIFF_MAX, or
 * more than 2^60 bytes would be charged.
 * Threads: safe. Signals: not safe.
 */
int porter_charge_resize(porter_tracked *t, size_t old_size, size_t new_size);

/**
 * porter_refund - uncount memory that porter_charge() counted
 * @t: the tracker
 * @size: the size that was passed to porter_charge(), or the new size that was
 * last passed to porter_charge_resize()
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe. Signals: not safe.
 */
void porter_refund(porter_tracked *t, size_t size);

/**
 * porter_malloc - allocate a block that stores its size
 * @t: the tracker
 * @size: the size in bytes; a block of size 0 must not be dereferenced
 *
 * For callers that do not know the size of a block when they free it. Such a
 * block has a header of PORTER_ALIGNMENT bytes, which comes from the underlying
 * allocator. The tracker counts @size bytes, without the header.
 *
 * Ownership: the caller owns the block until it passes it to porter_mfree() or
 * porter_realloc(), with the same tracker, in any thread. The block must not be
 * passed to porter_free().
 * Return: the block, with the alignment of malloc, or NULL with errno set.
 * Errors: ENOMEM, there is no memory, a limit refuses the request (then
 * porter_last_refusal() returns 0), or @size plus the header is above PTRDIFF_MAX.
 * Threads: safe if the underlying allocator is. Signals: not safe.
 */
void *porter_malloc(porter_tracked *t, size_t size);

/**
 * porter_calloc - allocate a block of zeros that stores its size
 * @t: the tracker
 * @count: the number of elements
 * @size: the size of an element in bytes
 *
 * If the underlying allocator has an allocate_zeroed function, as the backends of
 * the library do, the library does not write to the block. Then the pages of a
 * large block take memory only when the program touches them.
 *
 * Ownership: as porter_malloc().
 * Return: the block, with all bytes 0, or NULL with errno set.
 * Errors: ENOMEM, there is no memory, a limit refuses the request (then
 * porter_last_refusal() returns 0), or the product is too large.
 * Threads: as porter_malloc(). Signals: not safe.
 */
void *porter_calloc(porter_tracked *t, size_t count, size_t size);

/**
 * porter_realloc - resize a block that stores its size
 * @t: the tracker that the block came from
 * @ptr: a block of porter_malloc(); if it is NULL, the function allocates
 * @size: the new size in bytes; 0 frees @ptr and returns a block of size 0
 *
 * Ownership: on success @ptr is no longer valid and the caller owns the new
 * block. On failure the caller still owns @ptr, which is unchanged.
 * Return: the block, or NULL with errno set.
 * Errors: ENOMEM, there is no memory, a limit refuses the request (then
 * porter_last_refusal() returns 0), or @size plus the header is above PTRDIFF_MAX.
 * Threads: as porter_malloc(). Signals: not safe.
 */
void *porter_realloc(porter_tracked *t, void *ptr, size_t size);

/**
 * porter_mfree - free a block that stores its size
 * @t: the tracker that the block came from
 * @ptr: a block of porter_malloc(); if it is NULL, the function does nothing
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe; any thread may free any block. Signals: not safe.
 */
void porter_mfree(porter_tracked *t, void *ptr);

/**
 * porter_mfree_sized - free a block of porter_malloc() whose size is known
 * @t: the tracker that the block came from
 * @ptr: a block of porter_malloc(); if it is NULL, the function does nothing
 * @size: the size that was last requested for the block
 *
 * The same as porter_mfree(), for callers that know the size, such as
 * free_sized() of C23 and the sized delete of C++. The library cannot detect a
 * wrong size. After a wrong size, the numbers of the tracker stay wrong.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe; any thread may free any block. Signals: not safe.
 */
void porter_mfree_sized(porter_tracked *t, void *ptr, size_t size);

/**
 * porter_msize - get the requested size of a block
 * @t: the tracker that the block came from
 * @ptr: a block of porter_malloc(), or NULL
 *
 * Return: the size that was last requested for the block, in bytes; 0 if @ptr is
 * NULL.
 * Errors: none.
 * Threads: safe. Signals: safe.
 */
size_t porter_msize(porter_tracked *t, const void *ptr);

PORTER_END_DECLS

#endif /* PORTER_TRACKED_H */
