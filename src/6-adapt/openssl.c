/* SPDX-License-Identifier: MIT */
/*
 * openssl.c: OpenSSL's hooks on a tracked allocator.
 *
 * They come with the place in OpenSSL's source that asks, which is of no use
 * here. OpenSSL's own functions give NULL for 0 bytes, so these do, too.
 */
#include <portermem/adapt-openssl.h>

#include "6-adapt/thunks.h"

#include <openssl/crypto.h>

static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size == 0 ? NULL : thunk_malloc(size);
}

static void *reallocate(void *ptr, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return !ptr && size == 0 ? NULL : thunk_realloc(ptr, size);
}

static void release(void *ptr, const char *file, int line)
{
	(void)file;
	(void)line;
	thunk_free(ptr);
}

int porter_openssl_install(porter_tracked *t)
{
	if (bind_tracker(t) != 0)
		return -1;
	if (!CRYPTO_set_mem_functions(allocate, reallocate, release))
		return unbind_tracker(EBUSY);
	return 0;
}
