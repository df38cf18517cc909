/* SPDX-License-Identifier: MIT */
/*
 * adapt-expat.h: expat's memory through a tracked allocator.
 *
 * Link with -lportermem-expat (pkg-config: portermem-expat).
 *
 * What counts is what expat asks for; it has no number of its own.
 */
#ifndef PORTER_ADAPT_EXPAT_H
#define PORTER_ADAPT_EXPAT_H

#include <expat.h>

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_expat_install - let expat allocate through a tracker
 * @t: the tracker
 *
 * Once for the process. Parsers that shall be counted are made with
 * porter_expat_memory():
 *
 *	XML_ParserCreate_MM(NULL, porter_expat_memory(), NULL)
 *
 * Others stay on malloc, and so do those that were made before.
 *
 * Ownership: @t stays the caller's. porter_expat_memory() gives its functions
 * from now on: @t must outlive every parser that is made with them.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already.
 * Threads: not safe: one thread, before the first parser. Signals: not safe.
 */
int porter_expat_install(porter_tracked *t);

/**
 * porter_expat_memory - the functions for XML_ParserCreate_MM()
 *
 * What a handler gets and must free, a content model, goes back with
 * XML_FreeContentModel(). Parsers for external entities are as their parents.
 *
 * Ownership: the library's; expat copies it.
 * Return: the functions; or NULL, with which expat takes malloc, when no
 * tracker is installed.
 * Errors: none.
 * Threads: safe, once the installation is done. Signals: safe.
 */
const XML_Memory_Handling_Suite *porter_expat_memory(void);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_EXPAT_H */
