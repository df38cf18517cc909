/* SPDX-License-Identifier: MIT */
/*
 * notifier.h: the thread that runs callbacks.
 */
#ifndef PORTER_NOTIFIER_H
#define PORTER_NOTIFIER_H

#include "5-watch/delivery.h"

/* Takes the lock. One more wants a notifier; or -1 with errno EAGAIN. */
int porter__notifier_join(void);
/* With the lock. */
void porter__notifier_leave(void);
/* With the lock: whether the calling thread is the notifier. */
bool porter__is_notifier(void);
/* With the lock: whether there is something to do and nobody who does it. */
bool porter__notifier_is_missing(void);
/* With no lock. */
void porter__notifier_revive(void);

#endif /* PORTER_NOTIFIER_H */
