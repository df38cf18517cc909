/* SPDX-License-Identifier: MIT */
/*
 * watch.h: to be told when a tracker holds much, and when it no longer does.
 *
 *	charged bytes
 *	  high ----------*-------------------------*-------
 *	                /  \    /\                /
 *	  low  --------/----\--/--\----*---------/---------
 *	              /      \/    `--'  `------'
 *	                 ^             ^           ^
 *	                HIGH          LOW         HIGH
 *
 * A watch has two watermarks. It tells of the high one when the charged bytes
 * reach it, then of the low one when they come down to that, then of the high
 * one again: each crossing once, and no flutter as long as the bytes stay
 * between. Charged is what a limit is compared with (limit.h): bytes count from
 * before the underlying allocator is asked for them until it has got them back,
 * descendants included.
 *
 * Nobody polls. The thread that crosses a watermark notifies an event loop, by a
 * file descriptor, or the one thread of the library, which runs callbacks. The
 * allocation that crosses never waits for either.
 *
 * What is told is the state of now: crossings that were not told before the next
 * one came are counted in suppressed, so the same watermark may be told twice in
 * a row. A crossing that lasts is always told.
 *
 * A tracker with a watch costs what one with a limit does (limit.h); that stays
 * when the watch is removed. At the first watch of a tracker, where neither it
 * nor an ancestor had a limit or a watch before, calls of other threads may be
 * under way. They are noticed when they return.
 *
 * Which calls may run side by side, on one tracker: all but
 * porter_tracked_destroy(). None may be called in a signal handler.
 */
#ifndef PORTER_WATCH_H
#define PORTER_WATCH_H

#include <portermem/tracked.h>

#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

enum porter_watch_mark { PORTER_WATCH_LOW, PORTER_WATCH_HIGH };

/*
 * What the watermarks of a watch are given in. Per mille of the limit that is
 * set for the tracker itself: they follow it when it changes. Where there is
 * none, it counts as endless: the high watermark is never reached, and what was
 * above comes down.
 */
enum porter_watch_unit { PORTER_WATCH_BYTES, PORTER_WATCH_PER_MILLE };

/*
 * A crossing. For porter_watch_read() the caller sets size to
 * sizeof(struct porter_watch_event) before the call, or begins with
 * PORTER_WATCH_EVENT_INIT, so that it can grow.
 *
 * mark        which watermark was crossed last: the state of the watch
 * bytes       what was charged at that crossing
 * crossing    which crossing of this watch it is, from 1: odd at the high
 *             watermark, even at the low one
 * suppressed  crossings since the last that was told, and before this one; by
 *             callback, or by porter_watch_read(): each counts for itself
 */
struct porter_watch_event {
	size_t size;
	enum porter_watch_mark mark;
	int64_t bytes;
	uint64_t crossing;
	uint64_t suppressed;
};

/* The struct with its size set, to be filled. */
#define PORTER_WATCH_EVENT_INIT                                              \
	{                                                                    \
		sizeof(struct porter_watch_event), PORTER_WATCH_LOW, 0, 0, 0 \
	}

/*
 * Called by a thread of the library, one at a time, with no lock held. It may
 * do everything: allocate and free, in the tracker as well, add and remove
 * watches, its own as well, set limits, destroy the tracker. It must return,
 * and until then holds up all other callbacks, and file descriptors of watches
 * with a min_interval.
 *
 * t        the tracker that is watched
 * watch    the number of the watch
 * event    the crossing; only for the time of the call
 * context  that of the watch
 */
typedef void (*porter_on_crossing)(porter_tracked *t, int watch,
				   const struct porter_watch_event *event,
				   void *context);

/*
 * What a watch is made with. Begin with PORTER_WATCH_INIT, or zero it and set
 * size to sizeof(struct porter_watch); then set what is wanted.
 *
 * high          told of when so much is charged, or more; above low
 * low           told of when so much is charged, or less; 0 or more
 * unit          PORTER_WATCH_BYTES, or PORTER_WATCH_PER_MILLE with watermarks
 *               of at most 1000
 * min_interval  nanoseconds from one telling to the next, at least; 0: none.
 *               What the state is when it is over is told then.
 * callback      or NULL: then porter_watch_fd() and porter_watch_read() tell
 * context       for the callback
 */
struct porter_watch {
	size_t size;
	int64_t high;
	int64_t low;
	enum porter_watch_unit unit;
	uint64_t min_interval;
	porter_on_crossing callback;
	void *context;
};

/* The struct with its size set and nothing wanted. */
#define PORTER_WATCH_INIT                                                 \
	{                                                                 \
		sizeof(struct porter_watch), 0, 0, PORTER_WATCH_BYTES, 0, \
			NULL, NULL                                        \
	}

/**
 * porter_watch_add - watch the charged bytes of a tracker
 * @t: any tracker, the default one as well
 * @w: the watermarks, and what happens at them
 *
 * When the high watermark is reached already, that is a crossing; so a callback may
 * be called before its number is returned here.
 *
 * The first watch with a callback, or with a min_interval, starts a thread that
 * is called "porter-watch" and has all signals blocked; it ends when the last
 * such watch goes. A watch without either needs no thread.
 *
 * In a child of fork() there are the same watches. What was crossed before and
 * not told yet is told in both, and a callback that was running is called again
 * in the child; what is crossed later is each process's own. File descriptors
 * keep their numbers and become the child's own; one that cannot be had is
 * closed, and porter_watch_fd() tries again. A poll set of epoll(7) that the
 * child inherits is still about the parent's: it makes one of its own. The
 * thread is started in the child when it is needed, by the thread that crosses a
 * watermark.
 *
 * Ownership: what @w points to is copied. The watch lives until
 * porter_watch_remove() or the end of its tracker.
 * Return: the number of the watch, 0 or more, for the calls below; or -1 with
 * errno and no watch. A number that was removed does not come again for another
 * watch of the same tracker before 2^31 others were added.
 * Errors: EINVAL, @w is NULL, the watermarks or the unit make no sense, or size is
 * less than that of the first version of the struct; ENOMEM, no memory; EAGAIN,
 * no thread.
 * Threads: safe. Signals: not safe.
 * Ordering: a crossing by an allocation that begins after the call has returned
 * is told.
 */
int porter_watch_add(porter_tracked *t, const struct porter_watch *w);

/**
 * porter_watch_remove - end a watch
 * @t: its tracker
 * @watch: its number
 *
 * When this returns, its callback is over and is not called again. For a
 * callback that is running this waits, unless it is that callback which calls:
 * so do not call it with a lock held that the callback takes. Its file
 * descriptor is closed; take it out of a poll set before.
 *
 * porter_tracked_destroy() removes all watches of the tracker, in the same way.
 *
 * Return: 0, or -1 with errno.
 * Errors: ENOENT, the tracker has no such watch.
 * Threads: safe. Signals: not safe.
 */
int porter_watch_remove(porter_tracked *t, int watch);

/**
 * porter_watch_fd - a file descriptor for an event loop
 * @t: the tracker
 * @watch: its watch
 *
 * It becomes readable (POLLIN) when there is a crossing that porter_watch_read()
 * has not told of, but no sooner than min_interval after the last time. An
 * eventfd, non-blocking, closed on exec; made by the first call. A watch may
 * have a callback as well: each is told of everything.
 *
 * Ownership: the watch's: do not close it, nor read from it.
 * Return: the file descriptor, or -1 with errno.
 * Errors: ENOENT, the tracker has no such watch; EMFILE, ENFILE, ENOMEM, as
 * eventfd(2).
 * Threads: safe. Signals: not safe.
 */
int porter_watch_fd(porter_tracked *t, int watch);

/**
 * porter_watch_read - what was crossed, and take note of it
 * @t: the tracker
 * @watch: its watch
 * @out: the last crossing
 *
 * The file descriptor is not readable any more, until the next crossing. Does
 * not wait, needs no file descriptor, and asks for no min_interval.
 *
 * Return: 0, or -1 with errno and @out unchanged.
 * Errors: EAGAIN, no crossing since the last call; ENOENT, the tracker has no
 * such watch; EINVAL, @out is NULL or its size less than that of the first
 * version of the struct.
 * Threads: safe; each crossing is told to one of them. Signals: not safe.
 */
int porter_watch_read(porter_tracked *t, int watch,
		      struct porter_watch_event *out);

PORTER_END_DECLS

#endif /* PORTER_WATCH_H */
