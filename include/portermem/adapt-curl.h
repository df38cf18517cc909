/* SPDX-License-Identifier: MIT */
/*
 * adapt-curl.h: libcurl's memory through a tracked allocator.
 *
 * Link with -lportermem-curl (pkg-config: portermem-curl).
 *
 * What counts is what libcurl asks for; it has no number of its own. The
 * libraries that it uses, for TLS, compression and HTTP/2, allocate by
 * themselves.
 */
#ifndef PORTER_ADAPT_CURL_H
#define PORTER_ADAPT_CURL_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_curl_install - let libcurl allocate through a tracker
 * @t: the tracker
 *
 * Calls curl_global_init_mem() with CURL_GLOBAL_DEFAULT, so a program calls
 * this instead of curl_global_init(), and curl_global_cleanup() at the end.
 * Once for the process. What libcurl returns to be freed by the caller is
 * freed by curl_free(), not by free().
 *
 * Ownership: @t stays the caller's and must outlive every use of libcurl, also
 * after curl_global_cleanup(): libcurl keeps the functions until it is
 * initialized again, by curl_global_init() or the first curl_easy_init(). From
 * then on it is on malloc, is not counted, and does not need @t any more;
 * installing again fails with EBUSY.
 * Return: 0, or -1 with errno; nothing changed, but for ENOMEM.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already, or
 * libcurl is initialized already; ENOMEM, libcurl cannot be initialized, and
 * has the functions all the same: @t stays installed.
 * Threads: not safe, as curl_global_init_mem() is not. Signals: not safe.
 */
int porter_curl_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_CURL_H */
