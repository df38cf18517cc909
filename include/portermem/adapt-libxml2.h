/* SPDX-License-Identifier: MIT */
/*
 * adapt-libxml2.h: libxml2's memory through a tracked allocator.
 *
 * Link with -lportermem-libxml2 (pkg-config: portermem-libxml2).
 *
 * The number is that of xmlMemUsed() in a process that has installed libxml2's
 * own counting functions, xmlMemMalloc() and its relatives, instead: to the
 * byte. Those take a mutex at every allocation.
 */
#ifndef PORTER_ADAPT_LIBXML2_H
#define PORTER_ADAPT_LIBXML2_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_libxml2_install - let libxml2 allocate through a tracker
 * @t: the tracker
 *
 * Calls xmlMemSetup(). Once for the process, and before libxml2 allocates
 * anything, xmlInitParser() included, which it cannot tell: a block that was
 * allocated before would be freed wrongly. After xmlCleanupParser() nothing is
 * left. What libxml2 returns to be freed by the caller is freed by xmlFree(),
 * not by free().
 *
 * Ownership: @t stays the caller's. The functions stay installed, also after
 * xmlCleanupParser(): @t must outlive every later use of libxml2 in the process.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker or other functions are
 * installed already.
 * Threads: not safe, as xmlMemSetup() is not. Signals: not safe.
 */
int porter_libxml2_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_LIBXML2_H */
