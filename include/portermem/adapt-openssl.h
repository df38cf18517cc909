/* SPDX-License-Identifier: MIT */
/*
 * adapt-openssl.h: OpenSSL's memory through a tracked allocator.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-openssl libcrypto)
 *
 * For OpenSSL 3. The tracker counts the sizes that OpenSSL requests. OpenSSL has no
 * number of its own. The tracker does not count the secure heap, which
 * OPENSSL_secure_malloc() uses after CRYPTO_secure_malloc_init().
 */
#ifndef PORTER_ADAPT_OPENSSL_H
#define PORTER_ADAPT_OPENSSL_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_openssl_install - let OpenSSL allocate through a tracker
 * @t: the tracker
 *
 * The function calls CRYPTO_set_mem_functions(). Call it once in the process, before
 * OpenSSL allocates anything. It detects an earlier allocation.
 *
 * Ownership: the caller still owns @t. The functions stay installed, so @t must
 * outlive every later use of OpenSSL in the process. OpenSSL frees its last blocks in
 * OPENSSL_cleanup(), which runs from atexit(), so do not destroy @t.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already, or
 * OpenSSL has allocated already.
 * Threads: not safe, as CRYPTO_set_mem_functions() is not. Signals: not safe.
 */
int porter_openssl_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_OPENSSL_H */
