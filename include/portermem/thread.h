/* SPDX-License-Identifier: MIT */
/*
 * thread.h: a thread's own slot.
 *
 * Nobody needs these functions: a thread takes a slot by itself with its
 * first update and hands it on when it ends. They are for programs that want
 * that moment to be of their choosing, before a thread turns to work that
 * must not be disturbed.
 */
#ifndef PORTER_THREAD_H
#define PORTER_THREAD_H

#include <portermem/export.h>

PORTER_BEGIN_DECLS

/**
 * porter_thread_register - take the calling thread's slot now
 *
 * Takes a slot for the calling thread and registers the thread with liburcu,
 * so that neither the first update nor the first read has to. Registering a
 * thread that is registered does nothing.
 *
 * Ownership: the slot belongs to the thread until porter_thread_unregister()
 * or the end of the thread.
 * Return: 0, or -1 with errno.
 * Errors: ENOMEM, no memory for a slot or for liburcu (updates are counted all
 * the same); ECANCELED, the thread is ending and has handed its slot on
 * already.
 * Threads: safe. Signals: not safe; it blocks all signals for a moment.
 */
int porter_thread_register(void);

/**
 * porter_thread_unregister - hand the calling thread's slot on now
 *
 * What the thread has counted stays counted. The next thread that needs a
 * slot goes on in this one. A later update of this thread takes a slot anew.
 * A thread that has no slot may call this: nothing happens.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe. Signals: not safe: a handler must not take the slot away
 * from the update that it interrupted.
 */
void porter_thread_unregister(void);

PORTER_END_DECLS

#endif /* PORTER_THREAD_H */
