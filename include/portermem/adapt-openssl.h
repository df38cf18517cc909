/* SPDX-License-Identifier: MIT */
/*
 * adapt-openssl.h: OpenSSL's memory through a tracked allocator.
 *
 * Link with -lportermem-openssl (pkg-config: portermem-openssl).
 *
 * For OpenSSL 3. What counts is what OpenSSL asks for; it has no number of its
 * own. Blocks of its secure heap, OPENSSL_secure_malloc() after
 * CRYPTO_secure_malloc_init(), are not among it.
 */
#ifndef PORTER_ADAPT_OPENSSL_H
#define PORTER_ADAPT_OPENSSL_H

#include <portermem/tracked.h>

PORTER_BEGIN_DECLS

/**
 * porter_openssl_install - let OpenSSL allocate through a tracker
 * @t: the tracker
 *
 * Calls CRYPTO_set_mem_functions(). Once for the process, and before OpenSSL
 * allocates anything, which it tells. What OpenSSL keeps for itself is given
 * back at the end of the process, by OPENSSL_cleanup(), which runs from
 * atexit(): @t had better not be destroyed.
 *
 * Ownership: @t stays the caller's. The functions stay installed: @t must
 * outlive every later use of OpenSSL in the process, that of atexit() included.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, @t is NULL; EBUSY, a tracker is installed already, or
 * OpenSSL has allocated already.
 * Threads: not safe, as CRYPTO_set_mem_functions() is not. Signals: not safe.
 */
int porter_openssl_install(porter_tracked *t);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_OPENSSL_H */
