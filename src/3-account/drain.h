/* SPDX-License-Identifier: MIT */
/*
 * drain.h: the holders of a subtree, and taking all their stock back.
 *
 * When a limit seems to be reached, cells may still have stock that they do not
 * use, and it would be wrong to refuse. A drain takes all of it back; then what
 * is reserved is what is charged.
 *
 *	the thread that owns a cell		the drain, with the lock
 *
 *	1 attempt = 1				1 mark: quota -= 2^62, cap = 0
 *	  compiler barrier			2 membarrier
 *	2 enough stock? else slow path		3 wait while attempt
 *	3 allocated += n			4 quota = allocated - freed
 *	4 attempt = 0 (release)			5 link = 0 (release)
 *
 * An allocation. Either the thread sees the mark at its 2, and comes to the lock. Or
 * it had stored its attempt before the barrier; then the drain waits for the attempt
 * at 3, and sees at 4 what the thread has counted.
 *
 * A free has no attempt. The thread adds to freed, and then looks at quota and cap.
 * Either the drain sees the free at 4, or the thread sees the mark. In both cases
 * the thread comes to the lock, since its cap is 0 (has_too_much_stock()). If the
 * drain has settled the free already, the thread's settle finds nothing to change.
 * The call that frees returns only after that, so the free may be taken to happen
 * at any instant until then.
 *
 * The quota of a holder changes only with the lock. Once its thread has seen 5, the
 * cell is no holder; from then on nobody but its thread changes the quota, and the
 * thread needs no lock for that (atomic-mode.h).
 * (tests/models/charge.pml: no_mark, no_membarrier, no_wait, cap_not_marked)
 *
 * A drain walks over holders, never over slots or members. The holders of an
 * account are linked through their cells; accounts that have holders, in
 * themselves or below, are linked in their parent:
 *
 *	root --active--> child 7 --active--> ...
 *	  |                 |
 *	  holders           holders: slot 3 -> slot 0 -> end
 */
#ifndef PORTER_DRAIN_H
#define PORTER_DRAIN_H

#include "3-account/account.h"

/* With the lock: nobody in the subtree has stock any more. */
SLOW_PATH void porter__drain(struct account *a);

/*
 * Waits until the cell's thread is in no attempt. The generation is that of the
 * process whose thread it is (fork.h): a signal handler may interrupt the wait and
 * fork. In the child the waiter goes on, and the thread of the attempt does not exist.
 */
void porter__wait_for_attempt(const struct cell *cell, uint32_t generation);

/*
 * With the lock, for the calling thread's cell, which is settled: its cap from
 * now on. The first time, the cell becomes a holder.
 */
void porter__set_cap(struct account *a, struct cell *cell, uint64_t cap);

#endif /* PORTER_DRAIN_H */
