/* SPDX-License-Identifier: MIT */
/*
 * adapt-expat.h: expat's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-expat expat)
 *
 * The tracker counts the sizes that expat requests. expat has no number of its own.
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
 * Call the function once in the process. The tracker counts the parsers that the
 * program makes with porter_expat_memory():
 *
 *	XML_ParserCreate_MM(NULL, porter_expat_memory(), NULL)
 *
 * Other parsers use malloc, and so do parsers that were made before.
 *
 * Ownership: the caller still owns @t, which must outlive every parser that was made
 * with porter_expat_memory().
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already.
 * Threads: not safe: one thread, before the first parser. Signals: not safe.
 */
int porter_expat_install(porter_tracked *t);

/**
 * porter_expat_memory - get the functions for XML_ParserCreate_MM()
 *
 * A handler that must free a content model uses XML_FreeContentModel(). Parsers for
 * external entities use the functions of their parents.
 *
 * Ownership: the library owns the struct; expat copies it.
 * Return: the functions; or NULL if no tracker is installed. With NULL expat uses
 * malloc.
 * Errors: none.
 * Threads: safe, once the installation is done. Signals: safe.
 */
const XML_Memory_Handling_Suite *porter_expat_memory(void);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_EXPAT_H */
