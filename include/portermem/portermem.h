/* SPDX-License-Identifier: MIT */
/*
 * portermem.h: the whole library.
 *
 *	tracked.h     an allocator that knows how many bytes it holds: start here
 *	limit.h       limits, peaks, hierarchies of trackers
 *	allocator.h   what an allocator is; the backends; the process default
 *	counter.h     the sharded counter underneath, for any quantity
 *	process.h     what the kernel says about the whole process
 *	thread.h      a thread's slot, for who wants to choose the moment
 *	version.h     which version this is
 *	watch.h       to be told when a tracker holds much
 *
 * Adapters to other libraries (adapt-*.h) are not included here: each belongs
 * to a library of its own.
 */
#ifndef PORTER_PORTERMEM_H
#define PORTER_PORTERMEM_H

#include <portermem/allocator.h>
#include <portermem/counter.h>
#include <portermem/limit.h>
#include <portermem/process.h>
#include <portermem/thread.h>
#include <portermem/tracked.h>
#include <portermem/version.h>
#include <portermem/watch.h>

#endif /* PORTER_PORTERMEM_H */
