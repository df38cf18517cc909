/* SPDX-License-Identifier: MIT */
/*
 * fork.h: what must hold still while the process forks.
 *
 * Only the thread that forks lives on in the child. A lock that another thread
 * held would stay locked there for ever; so every lock of the library joins a
 * list, and fork() takes them all, forks, and lets go of them on both sides.
 * A module may have something done beside: before, with the locks held; and
 * after in the parent or in the child, with the locks still held.
 */
#ifndef PORTER_FORK_H
#define PORTER_FORK_H

#include "0-machine/platform.h"

struct fork_hold {
	struct porter__lock *lock; /* or NULL */
	void (*before)(void);	   /* or NULL, as the others */
	void (*parent)(void);
	void (*child)(void);
	struct fork_hold *next;
};

/* At load time, from a constructor. */
void porter__fork_join(struct fork_hold *hold);

#endif /* PORTER_FORK_H */
