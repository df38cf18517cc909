/* SPDX-License-Identifier: MIT */
/*
 * plain.h: the malloc and free that the program is linked with.
 */
#ifndef PORTER_PEERS_PLAIN_H
#define PORTER_PEERS_PLAIN_H

#include <malloc.h>

#include <cstdint>
#include <cstdlib>

struct plain {
	static constexpr bool falls = true;

	static void *allocate(size_t size)
	{
		return malloc(size);
	}
	static void release(void *ptr, size_t)
	{
		free(ptr);
	}
	static int64_t counts(void *ptr, size_t)
	{
		return static_cast<int64_t>(malloc_usable_size(ptr));
	}
};

#endif /* PORTER_PEERS_PLAIN_H */
