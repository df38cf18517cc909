/* SPDX-License-Identifier: MIT */
/*
 * adapt-libxml2.h: libxml2's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-libxml2 libxml-2.0)
 *
 * The tracker counts the sizes that libxml2 requests. porter_bytes_used() equals, to
 * the byte, the result of xmlMemUsed() in a process that has installed the counting
 * functions of libxml2, xmlMemMalloc() and its relatives, instead. Those functions
 * take a mutex at every allocation.
 */
#ifndef PORTER_ADAPT_LIBXML2_H
#define PORTER_ADAPT_LIBXML2_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_libxml2_install - let libxml2 allocate through a tracker
 * @t: the tracker
 *
 * The function calls xmlMemSetup(). Call it once in the process, before libxml2
 * allocates anything, and so before xmlInitParser(). It cannot detect an earlier
 * allocation; a block that was allocated before would be freed wrongly. After
 * xmlCleanupParser() libxml2 holds no block.
 *
 * If the program must free what libxml2 returns, use xmlFree(), not free().
 *
 * Ownership: the caller still owns @t. The functions stay installed, even after
 * xmlCleanupParser(), so @t must outlive every later use of libxml2 in the process.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker or other functions are
 * installed already.
 * Threads: not safe, as xmlMemSetup() is not. Signals: not safe.
 */
int porter_libxml2_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_LIBXML2_H */
