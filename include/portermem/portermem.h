/* SPDX-License-Identifier: MIT */
/*
 * portermem.h: the whole library.
 *
 *	tracked.h     trackers: allocators that count their bytes; start here
 *	limit.h       limits, peaks and hierarchies of trackers
 *	allocator.h   allocators, backends, the default of the process
 *	counter.h     the sharded counter, for any quantity
 *	process.h     the memory of the whole process, from the kernel
 *	thread.h      the slot of a thread
 *	version.h     the version
 *	watch.h       notifications when a tracker crosses a watermark
 *
 * This header does not include the adapters to other libraries (adapt-*.h). Each
 * of them needs the header of the library that it adapts.
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
