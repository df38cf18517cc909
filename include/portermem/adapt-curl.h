/* SPDX-License-Identifier: MIT */
/*
 * adapt-curl.h: libcurl's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-curl libcurl)
 *
 * The tracker counts the sizes that libcurl requests. libcurl has no number of its
 * own. The tracker does not count what the libraries below libcurl allocate, for TLS,
 * compression and HTTP/2.
 */
#ifndef PORTER_ADAPT_CURL_H
#define PORTER_ADAPT_CURL_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_curl_install - let libcurl allocate through a tracker
 * @t: the tracker
 *
 * The function calls curl_global_init_mem() with CURL_GLOBAL_DEFAULT. A program calls
 * it once, instead of curl_global_init(), and calls curl_global_cleanup() at the end.
 * If the program must free what libcurl returns, use curl_free(), not free().
 *
 * Ownership: the caller still owns @t, which must outlive every use of libcurl, even
 * after curl_global_cleanup(). libcurl keeps the functions until it is initialized
 * again, by curl_global_init() or by the first curl_easy_init(). From then on it uses
 * malloc and does not need @t, and another installation fails with EBUSY.
 * Return: 0; or -1 with errno set, and nothing has changed except after ENOMEM.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already, or libcurl is
 * initialized already; ENOMEM, libcurl could not be initialized, but it has the
 * functions, so @t stays installed.
 * Threads: not safe, as curl_global_init_mem() is not. Signals: not safe.
 */
int porter_curl_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_CURL_H */
