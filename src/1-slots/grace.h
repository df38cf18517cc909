/* SPDX-License-Identifier: MIT */
/*
 * grace.h: when nobody can be looking any more at what was taken out.
 *
 * What readers find by links, the children of a tracker, must not be used for
 * something else while a reader stands on it. A grace period is over when each
 * thread that was reading at its beginning has left that section since.
 *
 *	reader				the thread that takes something out
 *
 *	1 reading = odd			1 takes it out
 *	  compiler barrier		2 membarrier
 *	2 follows links			3 notes reading, of each slot
 *	3 reading = even (release)	  ... later, another time:
 *					4 all that were odd have changed (acquire)?
 *
 * Either the barrier comes before a reader's 2, which then finds no link any more;
 * or its 1 was before the barrier, and is noted at 3. (Without membarrier liburcu's
 * read lock, which comes between 1 and 2, is a barrier by itself.)
 *
 * Nobody waits: the library asks again when it has something to gain from the
 * answer. rcu_synchronize() would wait, with locks of liburcu held that fork()
 * wants, too; and a signal handler may fork in the middle of a read.
 */
#ifndef PORTER_GRACE_H
#define PORTER_GRACE_H

#include <stdbool.h>

/* One grace period at a time; with a lock of the caller's. */
void porter__grace_begin(void);
bool porter__grace_is_over(void);

#endif /* PORTER_GRACE_H */
