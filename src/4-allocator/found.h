/* SPDX-License-Identifier: MIT */
/*
 * found.h: libraries that are looked for at run time.
 *
 *	porter_backend() -> dlopen() -> malloc -> porter_backend()
 *	 once: begins                    the        the same thread, in the middle
 *	                              program's
 *
 * The dynamic linker calls malloc. Where that is the program's own, it may come
 * back here, in the middle of what is done once: it must not wait for itself.
 */
#ifndef PORTER_FOUND_H
#define PORTER_FOUND_H

#include "0-machine/atomic.h"
#include "0-machine/fork.h"

#include <portermem/allocator.h>

#include <pthread.h>
#include <stdbool.h>

/* What is done once, by a thread that says so meanwhile. */
struct search {
	pthread_once_t once;
	uint32_t generation; /* of the process: a child of fork begins anew */
	uintptr_t thread;    /* the one that searches, or 0 */
};

#define SEARCH_INIT                       \
	{                                 \
		.once = PTHREAD_ONCE_INIT \
	}

/* Whether the calling thread is in the middle of it. */
static inline bool is_searching(const struct search *s)
{
	return load_relaxed(&s->thread) == (uintptr_t)pthread_self() &&
	       load_relaxed(&s->generation) == porter__fork_generation;
}

/* Around what pthread_once() runs. */
static inline void search_begin(struct search *s)
{
	store_relaxed(&s->generation, porter__fork_generation);
	store_relaxed(&s->thread, (uintptr_t)pthread_self());
}

static inline void search_end(struct search *s)
{
	store_relaxed(&s->thread, 0);
}

/*
 * The allocator, once look_up() has been called, which sets its table where it finds
 * the library. NULL with errno: ENOENT, it did not; EBUSY, the calling thread is in
 * the middle of it.
 */
porter_allocator *porter__find_once(struct search *s, void (*look_up)(void),
				    porter_allocator *a);

/*
 * What has the symbol: the program and what it has loaded, or the shared library
 * of that name; for porter__find(). Opened without putting its malloc in front of
 * the program's, and never closed: its blocks may live as long as the process.
 */
void *porter__find_library(const char *symbol, const char *file);

/* Stores the address of the function, or NULL: then false. */
bool porter__find(void *library, const char *name, void *function);

/*
 * The same for a function whose name others may have, as malloc: it must come from
 * the same file as one that only the right library has.
 */
bool porter__find_beside(void *library, const char *name, void *function,
			 const char *beside);

#endif /* PORTER_FOUND_H */
