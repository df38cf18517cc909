/* SPDX-License-Identifier: MIT */
/*
 * watch.h: notifications when the charged bytes of a tracker cross a watermark.
 *
 *	charged bytes
 *	  high ----------*-------------------------*-------
 *	                /  \    /\                /
 *	  low  --------/----\--/--\----*---------/---------
 *	              /      \/    `--'  `------'
 *	                 ^             ^           ^
 *	                HIGH          LOW         HIGH
 *
 * A watch has two watermarks. It reports the high watermark when the charged bytes
 * reach it. After that it reports the low watermark when the charged bytes have
 * come down to it. Then it reports the high watermark again, and so on. It reports
 * nothing while the charged bytes stay between the two. Charged bytes are those
 * that a limit bounds; they include the descendants of the tracker.
 *
 * Nothing polls. The thread that crosses a watermark makes a file descriptor
 * readable, for an event loop, or wakes the thread of the library that runs the
 * callbacks. The allocation that crosses a watermark does not wait for either.
 *
 * A notification reports the last crossing. Crossings before it that were not
 * reported are counted in suppressed. So a program may get the same watermark
 * twice in a row. The library always reports the last crossing of a watch.
 *
 * A tracker with a watch has the cost of a tracker with a limit, even after the
 * watch has been removed. When a tracker gets its first watch, and neither it nor
 * an ancestor had a limit or a watch before, calls of other threads may be in
 * progress. The watch notices those calls when they return.
 *
 * All calls may run at the same time on one tracker, except
 * porter_tracked_destroy(). A signal handler must not make any of them.
 */
#ifndef PORTER_WATCH_H
#define PORTER_WATCH_H

#include <portermem/tracked.h>

#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

/**
 * porter_watch_mark - the watermark that was crossed
 *
 * PORTER_WATCH_LOW is the low watermark, PORTER_WATCH_HIGH the high one.
 */
enum porter_watch_mark { PORTER_WATCH_LOW, PORTER_WATCH_HIGH };

/**
 * porter_watch_unit - the unit of the watermarks of a watch
 *
 * With PORTER_WATCH_BYTES the watermarks are numbers of bytes. With
 * PORTER_WATCH_PER_MILLE they are thousandths of the limit of the tracker itself,
 * and they follow the limit when it changes. If the tracker has no limit, the
 * limit counts as infinite: the charged bytes never reach the high watermark, and
 * a watch whose last crossing was HIGH reports LOW.
 */
enum porter_watch_unit { PORTER_WATCH_BYTES, PORTER_WATCH_PER_MILLE };

/**
 * porter_watch_event - a crossing of a watermark
 *
 * porter_watch_read() fills the struct, and a callback gets a pointer to one.
 * Initialize the struct with PORTER_WATCH_EVENT_INIT, which sets size, before you
 * pass it to porter_watch_read().
 *
 * size        sizeof(struct porter_watch_event)
 * mark        the watermark that was crossed last
 * reserved    0
 * bytes       the bytes that were charged at that crossing
 * crossing    the number of the crossing: the first crossing of a watch is 1. It is
 *             odd for the high watermark and even for the low one.
 * suppressed  the number of crossings between the last one that was reported and
 *             this one. A callback and porter_watch_read() count them separately.
 */
struct porter_watch_event {
	size_t size;
	enum porter_watch_mark mark;
	uint32_t reserved;
	int64_t bytes;
	uint64_t crossing;
	uint64_t suppressed;
};

/* Initializes the struct: sets its size. */
#define PORTER_WATCH_EVENT_INIT                                               \
	{                                                                     \
		sizeof(struct porter_watch_event), PORTER_WATCH_LOW, 0, 0, 0, \
			0                                                     \
	}

/**
 * porter_on_crossing - the callback of a watch
 *
 * A thread of the library runs the callbacks of all watches, one at a time. The
 * library holds no lock meanwhile.
 *
 * t        the tracker
 * watch    the number of the watch
 * event    the crossing; valid until the callback returns
 * context  the context of the watch
 *
 * The callback may do anything. It may allocate and free through the tracker, set
 * limits, add watches, remove watches (its own, too) and destroy the tracker. It
 * must return: it must not leave by longjmp() or end its thread, and an exception of
 * C++ that leaves it ends the program, as in any thread. Until it
 * returns, no other callback runs, and file descriptors of watches that have a
 * min_interval are delayed.
 */
typedef void (*porter_on_crossing)(porter_tracked *t, int watch,
				   const struct porter_watch_event *event,
				   void *context);

/**
 * porter_watch - the options of a watch
 *
 * Initialize the struct with PORTER_WATCH_INIT, which sets size and leaves all
 * other members 0. Then set the members that you need.
 *
 * size          sizeof(struct porter_watch)
 * high          the high watermark, which is crossed when at least so much is
 *               charged; greater than low
 * low           the low watermark, which is crossed when at most so much is
 *               charged; 0 or more
 * unit          PORTER_WATCH_BYTES; or PORTER_WATCH_PER_MILLE, with watermarks of at
 *               most 1000
 * reserved      0
 * min_interval  the least time between two notifications, in nanoseconds; 0: none.
 *               When it is over, the library reports the last crossing.
 * callback      the callback, or NULL to use porter_watch_fd() and
 *               porter_watch_read()
 * context       passed to the callback
 */
struct porter_watch {
	size_t size;
	int64_t high;
	int64_t low;
	enum porter_watch_unit unit;
	uint32_t reserved;
	uint64_t min_interval;
	porter_on_crossing callback;
	void *context;
};

/* Initializes the struct: sets its size, and all else to 0. */
#define PORTER_WATCH_INIT                                                    \
	{                                                                    \
		sizeof(struct porter_watch), 0, 0, PORTER_WATCH_BYTES, 0, 0, \
			NULL, NULL                                           \
	}

/**
 * porter_watch_add - add a watch to a tracker
 * @t: any tracker, including the default allocator of the process
 * @w: the options of the watch
 *
 * If the tracker is at or above the high watermark when the watch is added, the watch
 * reports a crossing at once. So the callback may run before this function has returned
 * the number of the watch.
 *
 * A watch reports HIGH and LOW in turn. After HIGH the charged bytes must come down to
 * the low watermark before it reports HIGH again. So a program that evicts must evict
 * down to the low watermark: if it stops above it, the watch does not report the next
 * rise. Each such eviction costs two notifications, HIGH and then LOW.
 *
 * A watch with a callback or a min_interval needs a thread of the library. The
 * first such watch starts it; it ends when the last such watch is removed. The
 * thread is named "porter-watch". It has all signals blocked except SIGABRT and the
 * signals of faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS), so that the
 * program's handler is called for a callback that faults.
 *
 * After fork() the child has the same watches. A crossing before the fork that has
 * not been reported yet is reported in both processes. A callback that was running
 * is called again in the child. Later crossings are reported only in the process
 * in which they happen. The file descriptors of watches keep their numbers, and the
 * child gets descriptors of its own. If the child cannot get one, the library
 * closes the number, and porter_watch_fd() tries again. An epoll(7) instance that
 * the child inherits still refers to the descriptors of the parent, so the child
 * must make one of its own. The thread of the library is started in the child at
 * the first crossing that needs it. If it cannot be started, operations on the
 * tracker try again, at most every 10 ms, until the crossing has been reported.
 *
 * Ownership: the function copies @w. The watch exists until porter_watch_remove() or
 * porter_tracked_destroy().
 * Return: the number of the watch, 0 or greater; or -1 with errno set, and there is
 * no watch. The number of a removed watch is not used again until 2^31 other
 * watches have been added to the same tracker.
 * Errors: EINVAL, @w is NULL, the watermarks or the unit are invalid, reserved is not
 * 0, size is less than the size of the first version of the struct, or a member that
 * the library does not know is not 0; ENOMEM, there is no memory; EAGAIN, the thread
 * could not be started.
 * Threads: safe. Signals: not safe.
 * Ordering: the watch reports a crossing by an allocation that begins after this
 * call has returned.
 */
int porter_watch_add(porter_tracked *t, const struct porter_watch *w);

/**
 * porter_watch_remove - remove a watch
 * @t: the tracker
 * @watch: the number of the watch
 *
 * When the function returns, the callback has returned and does not run again. The
 * function waits for a callback that is running, unless that callback made the
 * call. So the caller must not hold a lock that the callback takes.
 *
 * The function closes the file descriptor of the watch. Remove the descriptor from
 * your event loop first.
 *
 * porter_tracked_destroy() removes all watches of a tracker in the same way.
 *
 * Return: 0, or -1 with errno set.
 * Errors: ENOENT, the tracker has no such watch.
 * Threads: safe. Signals: not safe.
 */
int porter_watch_remove(porter_tracked *t, int watch);

/**
 * porter_watch_fd - get a file descriptor for an event loop
 * @t: the tracker
 * @watch: the number of the watch
 *
 * The descriptor becomes readable (POLLIN) when there is a crossing that
 * porter_watch_read() has not reported, but not before min_interval has passed since
 * the last time. It is an eventfd, non-blocking and close-on-exec. The first call
 * makes it. A watch may have a callback, too; then both report every crossing.
 *
 * The descriptor works with poll(), and with epoll both level-triggered and
 * edge-triggered (EPOLLET). For an edge one porter_watch_read() is enough. It may fail
 * with EAGAIN, if an earlier call has reported the crossing.
 *
 * A daemon that closes all file descriptors when it starts must call this function
 * again afterwards, to get a new descriptor. Before each use the library checks that
 * the number still refers to its own file. It leaves a file of the program alone
 * that has the number now. Until the daemon has called the function, only callbacks
 * and porter_watch_read() report crossings.
 *
 * Ownership: the watch owns the descriptor. Do not close it, and do not read from
 * it.
 * Return: the file descriptor, or -1 with errno set.
 * Errors: ENOENT, the tracker has no such watch; EMFILE, ENFILE, ENOMEM, as for
 * eventfd().
 * Threads: safe. Signals: not safe.
 */
int porter_watch_fd(porter_tracked *t, int watch);

/**
 * porter_watch_read - get the last crossing of a watch
 * @t: the tracker
 * @watch: the number of the watch
 * @out: the struct to fill; out->size is the size of the caller's struct
 *
 * After the call the file descriptor is not readable until the next crossing. The
 * function does not wait, works without porter_watch_fd(), and ignores
 * min_interval.
 *
 * Return: 0; or -1 with errno set, and @out is unchanged.
 * Errors: EAGAIN, there was no crossing since the last call; ENOENT, the tracker
 * has no such watch; EINVAL, @out is NULL or out->size is less than the size of the
 * first version of the struct.
 * Threads: safe; each crossing is reported to one caller. Signals: not safe.
 */
int porter_watch_read(porter_tracked *t, int watch,
		      struct porter_watch_event *out);

PORTER_END_DECLS

#endif /* PORTER_WATCH_H */
