/* SPDX-License-Identifier: MIT */
/*
 * barrier.h: a memory barrier in all threads of the process at once.
 *
 * One side of a pair of threads that each write and then look can be relieved
 * of its barrier, if the other pays for both:
 *
 *	often					seldom
 *	store_relaxed(mine)			store_relaxed(theirs)
 *	compiler_barrier()			porter__barrier_everywhere()
 *	load_relaxed(theirs)			load_relaxed(mine)
 *
 * At least one of them sees what the other wrote: when the barrier comes to
 * the left thread before its load, it sees theirs; otherwise its store was
 * before the barrier, and the right one sees mine. (membarrier(2), private
 * expedited)
 */
#ifndef PORTER_BARRIER_H
#define PORTER_BARRIER_H

#include <stdbool.h>

/*
 * Whether there is such a barrier; asks the kernel for it the first time. Old
 * kernels, some sandboxes and some emulators have none. Leaves errno alone.
 */
bool porter__barrier_possible(void);

/*
 * Only where it is possible. Costs some microseconds; the last time, if it is
 * not possible any more, some milliseconds. Leaves errno alone. No cancellation
 * of the thread happens in here.
 */
void porter__barrier_everywhere(void);

#endif /* PORTER_BARRIER_H */
