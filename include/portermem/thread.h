/* SPDX-License-Identifier: MIT */
/*
 * thread.h: the slot of a thread.
 *
 * Most programs do not need these functions: a thread takes a slot at its first
 * update or read, and releases it when it ends. A program calls them to choose when
 * that happens, for example before a thread begins work that must not be delayed.
 */
#ifndef PORTER_THREAD_H
#define PORTER_THREAD_H

#include <portermem/export.h>

PORTER_BEGIN_DECLS

/**
 * porter_thread_register - take a slot for the calling thread
 *
 * Takes a slot for the calling thread and registers the thread with liburcu.
 * Otherwise the first update or read takes the slot, and the first read registers the
 * thread. If the thread is registered already, the function does nothing.
 *
 * Ownership: the thread owns the slot until porter_thread_unregister() or until
 * it ends.
 * Return: 0, or -1 with errno set.
 * Errors: ENOMEM, there is no memory for a slot or for liburcu, and the updates
 * of the thread are counted in a shared cell; ECANCELED, the thread is ending and
 * has released its slot already.
 * Threads: safe. Signals: not safe; the function blocks all signals for a short
 * time.
 */
int porter_thread_register(void);

/**
 * porter_thread_unregister - release the slot of the calling thread
 *
 * What the thread has counted stays counted. The next thread that needs a slot
 * takes this one, with its values. The next update of the calling thread takes a
 * slot again. If the thread has no slot, the function does nothing.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe. Signals: not safe, because the handler may have interrupted an
 * update that uses the slot.
 */
void porter_thread_unregister(void);

PORTER_END_DECLS

#endif /* PORTER_THREAD_H */
