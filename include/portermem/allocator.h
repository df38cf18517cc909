/* SPDX-License-Identifier: MIT */
/*
 * allocator.h: allocators, the functions that call them, and the default.
 *
 * An allocator is a struct whose first member points to a table of functions.
 * To write an allocator, embed that struct:
 *
 *	struct arena {
 *		struct porter_allocator base;	the first member
 *		char *next, *end;		the allocator's own data
 *	};
 *
 *	your program --porter_allocate()--> vtable --> your allocator
 *	                                          `--> or a tracked allocator,
 *	                                               which wraps another one
 *
 * The caller passes the size of a block when it frees or resizes the block. So
 * no allocator has to store sizes. porter_malloc() is for callers that do not
 * know the size.
 *
 * The functions porter_allocate() to porter_free_aligned() apply the following
 * rules to every allocator. The functions of a table need not check them.
 *
 *	size 0			returns a pointer that is not NULL and that
 *				must not be dereferenced
 *	free of NULL		does nothing
 *	reallocate of NULL	allocates
 *	reallocate to size 0	frees the block and returns a block of size 0
 *	size > PTRDIFF_MAX	NULL, ENOMEM; the allocator is not called
 *	alignment is not a	NULL, EINVAL; the allocator is not called
 *	power of 2
 *	out of memory		NULL, ENOMEM; reallocate leaves the old block
 *				as it was
 */
#ifndef PORTER_ALLOCATOR_H
#define PORTER_ALLOCATOR_H

#include <portermem/export.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

typedef struct porter_allocator porter_allocator;

/**
 * porter_allocator_vtable - the functions of an allocator
 *
 * Programs do not call these functions. They call porter_allocate() and its
 * relatives, which check the arguments first: size is at most PTRDIFF_MAX,
 * alignment is a power of two, ptr is not NULL, and new_size is not 0. A size of
 * 0 can reach allocate and allocate_zeroed, and it can reach reallocate (as
 * old_size) and free as the size of an existing block.
 *
 * size             sizeof(struct porter_allocator_vtable); later versions of the
 *                  library can add functions at the end
 * name             a name for messages
 * allocate         returns a block, or NULL with errno set to ENOMEM
 * reallocate       resizes a block, and moves it if necessary. The contents stay
 *                  the same up to the smaller of the two sizes. On failure it
 *                  returns NULL with errno set to ENOMEM and leaves the block as
 *                  it was.
 * free             frees a block. size is the size that was last requested for
 *                  the block; alignment is the alignment that was requested.
 * release_unused   returns unused memory to the system; may be NULL
 * allocate_zeroed  returns a block as allocate does, with all bytes 0. It may be
 *                  NULL; then the library calls allocate and clears the block.
 *                  An allocator that knows which of its memory is zero already
 *                  saves that work. free and reallocate must accept these blocks.
 *
 * A table may end after free; its size member tells the library where it ends. A
 * table may also be longer: the library does not call functions that it does not know.
 * A table must not change while it is in use.
 *
 * The functions may call the library. They may even allocate through the tracker
 * that wraps the allocator. Each must return in the thread that called it. If it
 * calls porter_thread_register() or porter_thread_unregister(), it must restore
 * the thread's state before it returns.
 *
 * In C++ the functions may throw exceptions through a tracker. An exception from
 * allocate, allocate_zeroed or reallocate counts as a failure, as NULL does, and
 * must leave the block that was to be resized as it was. After an exception from
 * free the block counts as freed. The functions must not leave by longjmp().
 *
 * Threads: the tracker calls the functions from every thread that uses it, without
 * a lock. Signals: not safe.
 */
struct porter_allocator_vtable {
	size_t size;
	const char *name;
	void *(*allocate)(porter_allocator *self, size_t size,
			  size_t alignment);
	void *(*reallocate)(porter_allocator *self, void *ptr, size_t old_size,
			    size_t new_size, size_t alignment);
	void (*free)(porter_allocator *self, void *ptr, size_t size,
		     size_t alignment);
	void (*release_unused)(porter_allocator *self);
	void *(*allocate_zeroed)(porter_allocator *self, size_t size,
				 size_t alignment);
};

/* A table with its size set and no function yet. */
#define PORTER_ALLOCATOR_VTABLE_INIT                                      \
	{                                                                 \
		sizeof(struct porter_allocator_vtable), NULL, NULL, NULL, \
			NULL, NULL, NULL                                  \
	}

/**
 * porter_allocator - an allocator
 *
 * The first member of every struct that is an allocator. A program can define
 * such a struct of its own: it sets vtable, and the functions of the table cast
 * the pointer that they get back to the struct. porter_backend(),
 * porter_get_allocator() and porter_tracked_allocator() return allocators that
 * exist already.
 *
 * vtable  the functions of the allocator
 */
struct porter_allocator {
	const struct porter_allocator_vtable *vtable;
};

/* The first limit of a tracker replaces its table while threads use it. */
#define PORTER_TABLE(a) __atomic_load_n(&(a)->vtable, __ATOMIC_RELAXED)

/*
 * The alignment of porter_allocate(), in bytes: malloc's. The allocators of the
 * library keep it at every size, whichever malloc is in the process.
 */
#ifdef __i386__
#define PORTER_ALIGNMENT ((size_t)16)
#else
#define PORTER_ALIGNMENT (2 * sizeof(void *))
#endif

/**
 * porter_refuse - fail an allocation whose arguments are invalid
 * @a: the allocator, which is not called
 * @error: ENOMEM for a size above PTRDIFF_MAX, EINVAL for an alignment that is
 * not a power of two
 *
 * Internal; programs do not call it. porter_allocate() and its relatives, which
 * are inline functions, call it. It sets errno to @error. If @a is a tracked
 * allocator, it counts one failure.
 *
 * Return: always NULL.
 * Errors: EINVAL or ENOMEM, as @error says.
 * Threads: safe. Signals: not safe.
 */
void *porter_refuse(porter_allocator *a, int error);

/**
 * porter_allocate_aligned - allocate a block with a given alignment
 * @a: the allocator
 * @size: the size in bytes; a block of size 0 must not be dereferenced
 * @alignment: the alignment in bytes, a power of two
 *
 * Ownership: the caller owns the block. It passes the block to
 * porter_free_aligned() or porter_reallocate_aligned(), with the same allocator
 * and the same alignment, in any thread.
 * Return: the block, or NULL with errno set.
 * Errors: ENOMEM, there is no memory, a limit refuses the request (then
 * porter_last_refusal() returns 0), or @size is above PTRDIFF_MAX; EINVAL, @alignment
 * is not a power of two.
 * Threads: safe if the allocator is; all allocators of the library are.
 * Signals: not safe.
 */
PORTER_INLINE void *porter_allocate_aligned(porter_allocator *a, size_t size,
					    size_t alignment)
{
	if (alignment == 0 || (alignment & (alignment - 1)) != 0)
		return porter_refuse(a, EINVAL);
	if (size > PTRDIFF_MAX)
		return porter_refuse(a, ENOMEM);
	return (PORTER_TABLE(a)->allocate)(a, size, alignment);
}

/**
 * porter_free_aligned - free a block that has a given alignment
 * @a: the allocator that the block came from
 * @ptr: the block; if it is NULL, the function does nothing
 * @size: the size that was last requested for the block
 * @alignment: the alignment that was requested for the block
 *
 * The library cannot detect a wrong size. After a wrong size, the numbers of a
 * tracker stay wrong. A wrong alignment can free the wrong address.
 *
 * Return: nothing; errno may change.
 * Errors: none.
 * Threads: safe; any thread may free any block. Signals: not safe.
 */
PORTER_INLINE void porter_free_aligned(porter_allocator *a, void *ptr,
				       size_t size, size_t alignment)
{
	if (ptr)
		(PORTER_TABLE(a)->free)(a, ptr, size, alignment);
}

/**
 * porter_reallocate_aligned - resize a block that has a given alignment
 * @a: the allocator that the block came from
 * @ptr: the block; if it is NULL, the function allocates
 * @old_size: the size that was last requested for the block; 0 if @ptr is NULL
 * @new_size: the new size in bytes; 0 frees @ptr and returns a block of size 0
 * @alignment: the alignment that was requested for the block; the new block has
 * the same
 *
 * Ownership: on success @ptr is no longer valid and the caller owns the new
 * block. On failure the caller still owns @ptr, which is unchanged.
 * Return: the block, or NULL with errno set.
 * Errors: ENOMEM, there is no memory, a limit refuses the request (then
 * porter_last_refusal() returns 0), or @new_size is above PTRDIFF_MAX; EINVAL,
 * @alignment is not a power of two.
 * Threads: safe if the allocator is. Signals: not safe.
 */
PORTER_INLINE void *porter_reallocate_aligned(porter_allocator *a, void *ptr,
					      size_t old_size, size_t new_size,
					      size_t alignment)
{
	void *block;

	if (ptr && new_size != 0) {
		if (alignment == 0 || (alignment & (alignment - 1)) != 0)
			return porter_refuse(a, EINVAL);
		if (new_size > PTRDIFF_MAX)
			return porter_refuse(a, ENOMEM);
		return (PORTER_TABLE(a)->reallocate)(a, ptr, old_size, new_size,
						     alignment);
	}
	block = porter_allocate_aligned(a, new_size, alignment);
	if (block)
		porter_free_aligned(a, ptr, old_size, alignment);
	return block;
}

/**
 * porter_allocate - allocate a block with the alignment of malloc
 * @a: the allocator
 * @size: the size in bytes; a block of size 0 must not be dereferenced
 *
 * The same as porter_allocate_aligned() with PORTER_ALIGNMENT.
 *
 * Ownership: the caller owns the block. It passes the block to porter_free() or
 * porter_reallocate(), with the same allocator, in any thread.
 * Return: the block, or NULL with errno set.
 * Errors: ENOMEM, there is no memory, a limit refuses the request (then
 * porter_last_refusal() returns 0), or @size is above PTRDIFF_MAX.
 * Threads: safe if the allocator is. Signals: not safe.
 */
PORTER_INLINE void *porter_allocate(porter_allocator *a, size_t size)
{
	return porter_allocate_aligned(a, size, PORTER_ALIGNMENT);
}

/**
 * porter_reallocate - resize a block of porter_allocate()
 * @a: the allocator that the block came from
 * @ptr: the block; if it is NULL, the function allocates
 * @old_size: the size that was last requested for the block; 0 if @ptr is NULL
 * @new_size: the new size in bytes; 0 frees @ptr and returns a block of size 0
 *
 * A block that was allocated with another alignment must be resized with
 * porter_reallocate_aligned().
 *
 * Ownership: on success @ptr is no longer valid and the caller owns the new
 * block. On failure the caller still owns @ptr, which is unchanged.
 * Return: the block, or NULL with errno set.
 * Errors: ENOMEM, there is no memory, a limit refuses the request (then
 * porter_last_refusal() returns 0), or @new_size is above PTRDIFF_MAX.
 * Threads: safe if the allocator is. Signals: not safe.
 */
PORTER_INLINE void *porter_reallocate(porter_allocator *a, void *ptr,
				      size_t old_size, size_t new_size)
{
	return porter_reallocate_aligned(a, ptr, old_size, new_size,
					 PORTER_ALIGNMENT);
}

/**
 * porter_free - free a block of porter_allocate()
 * @a: the allocator that the block came from
 * @ptr: the block; if it is NULL, the function does nothing
 * @size: the size that was last requested for the block
 *
 * A block that was allocated with another alignment must be freed with
 * porter_free_aligned(). The library cannot detect a wrong size. After a wrong
 * size, the numbers of a tracker stay wrong.
 *
 * Return: nothing; errno may change.
 * Errors: none.
 * Threads: safe; any thread may free any block. Signals: not safe.
 */
PORTER_INLINE void porter_free(porter_allocator *a, void *ptr, size_t size)
{
	porter_free_aligned(a, ptr, size, PORTER_ALIGNMENT);
}

/**
 * porter_release_unused - return unused memory to the system
 * @a: the allocator
 *
 * The system backend calls malloc_trim(). A tracked allocator passes the call on
 * to the allocator that it wraps. If the table of @a has no release_unused, the
 * function does nothing.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe if the allocator is. Signals: not safe.
 */
void porter_release_unused(porter_allocator *a);

/**
 * porter_backend - find an allocator of the library by its name
 * @name: "system", "jemalloc" or "mimalloc"
 *
 * "system" is malloc() and free() of the C library, or of the library that
 * replaces them in this program.
 *
 * The library is not linked with jemalloc or mimalloc. It looks for them at run
 * time: first among the libraries that the program is linked with or that were
 * preloaded, then as a shared library on this machine. A jemalloc that was built
 * for preloading needs more static thread-local storage than a running process
 * has left. In that case link the program with it, preload it, or start the
 * program with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=8192.
 *
 * Ownership: the library owns the allocator, which exists as long as the process.
 * Return: the allocator, or NULL with errno set.
 * Errors: ENOENT, no backend has this name, or it is not on this machine; EINVAL,
 * @name is NULL; EBUSY, this thread is looking for the same backend. That happens if
 * the program has its own malloc() and calls this function in it, because the dynamic
 * linker calls malloc().
 * Threads: safe. Signals: not safe.
 */
porter_allocator *porter_backend(const char *name);

/**
 * porter_get_allocator - get the default allocator of the process
 *
 * The default is a tracked allocator over a backend, unless the program has
 * replaced it with porter_set_allocator(). The environment variable
 * PORTER_ALLOCATOR names the backend: "system", "jemalloc" or "mimalloc". The
 * library reads the variable at the first call of this function or of
 * porter_set_allocator(). A set-user-ID program ignores it. If the name is
 * unknown, the library prints one warning to standard error and uses the system
 * backend.
 *
 * porter_tracked_new() does not use the default allocator, not even if its
 * argument is NULL.
 *
 * Ownership: the library owns the built-in default, which is never destroyed.
 * Return: the allocator, never NULL.
 * Errors: none.
 * Threads: safe. Signals: not safe.
 * Ordering: acquire, against porter_set_allocator().
 */
porter_allocator *porter_get_allocator(void);

/**
 * porter_set_allocator - replace the default allocator of the process
 * @a: the new default
 *
 * The replacement is atomic: porter_get_allocator() returns either the old or
 * the new default. A block must be freed with the allocator that it came from,
 * so keep the pointer to that allocator.
 *
 * Ownership: the caller still owns @a. @a must exist until it has been replaced
 * and all of its blocks have been freed.
 * Return: the previous default; or NULL with errno set, and nothing has changed.
 * Errors: EINVAL, @a is NULL or its table lacks a function.
 * Threads: safe. Signals: not safe.
 * Ordering: release and acquire.
 */
porter_allocator *porter_set_allocator(porter_allocator *a);

PORTER_END_DECLS

#endif /* PORTER_ALLOCATOR_H */
