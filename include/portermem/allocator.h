/* SPDX-License-Identifier: MIT */
/*
 * allocator.h: what an allocator is.
 *
 * An allocator is a struct whose first member points to its table of
 * functions. Embed it to make your own:
 *
 *	struct arena {
 *		struct porter_allocator base;	first member
 *		char *next, *end;		what you need beside
 *	};
 *
 *	your program --porter_allocate()--> vtable --> your allocator
 *	                                          `--> or a tracked one, which
 *	                                               wraps any other
 *
 * Sizes travel with the blocks: who frees a block says how large it is, so no
 * allocator has to remember. (For libraries whose free has no size, tracked.h
 * has porter_malloc() and porter_mfree().)
 *
 * The rules for every allocator, kept here in one place, by the functions
 * porter_allocate() to porter_free_aligned(), so that no table need check:
 *
 *	size 0			a pointer that is not NULL, not to be read
 *	free of NULL		does nothing
 *	reallocate of NULL	is an allocation
 *	reallocate to 0		frees the block and returns a block of size 0
 *	size > PTRDIFF_MAX	NULL, ENOMEM; the allocator is not asked
 *	alignment no power of 2	NULL, EINVAL; the allocator is not asked
 *	no memory		NULL, ENOMEM; a block to reallocate is whole
 */
#ifndef PORTER_ALLOCATOR_H
#define PORTER_ALLOCATOR_H

#include <portermem/export.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

PORTER_BEGIN_DECLS

typedef struct porter_allocator porter_allocator;

/*
 * The table of an allocator. Its functions are called with arguments that the
 * rules above have left: size at most PTRDIFF_MAX, alignment a power of two,
 * ptr not NULL, new_size not 0. Size 0 does reach allocate, allocate_zeroed,
 * reallocate (as old_size) and free.
 *
 * size            sizeof(struct porter_allocator_vtable), so that it can grow
 * name            shown to people
 * allocate        a block, or NULL with errno ENOMEM
 * reallocate      the block resized, moved if need be, its contents kept up
 *                 to the smaller size; or NULL with ENOMEM, the block as it was
 * free            takes a block back, with the size it was last asked for
 *                 with, and the alignment
 * release_unused  gives unused memory back to the system; may be NULL
 * allocate_zeroed a block as allocate gives it, all bytes 0; may be NULL: then
 *                 allocate is called and the block is filled. For allocators
 *                 that know which memory is zero already. free and reallocate
 *                 take its blocks as they take those of allocate.
 *
 * A table may end after free: its size says so. A table that is in use must not
 * change.
 *
 * An allocator may do in its functions what it likes, also allocate and free
 * through the tracker that stands on it. But it must return in the thread that
 * called it, with that thread registered as it was (thread.h).
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

struct porter_allocator {
	const struct porter_allocator_vtable *vtable;
};

/* A first limit may exchange a tracker's table while threads use it. */
#define PORTER_TABLE(a) __atomic_load_n(&(a)->vtable, __ATOMIC_RELAXED)

/* The alignment of porter_allocate(), in bytes: malloc's. */
#ifdef __i386__
#define PORTER_ALIGNMENT ((size_t)16)
#else
#define PORTER_ALIGNMENT (2 * sizeof(void *))
#endif

/**
 * porter_refuse - the cold end of an allocation that breaks a rule
 * @a: the allocator that was not asked
 * @error: ENOMEM for a size above PTRDIFF_MAX, EINVAL for an alignment that is
 * no power of two
 *
 * Not for programs: porter_allocate() and its relatives end here. Sets errno to
 * @error; a tracked allocator counts a failure.
 *
 * Return: NULL, always.
 * Errors: EINVAL or ENOMEM, as @error says.
 * Threads: safe. Signals: not safe.
 */
void *porter_refuse(porter_allocator *a, int error);

/**
 * porter_allocate_aligned - allocate a block with an alignment
 * @a: the allocator
 * @size: bytes; 0 gives a block that is not to be read
 * @alignment: a power of two, in bytes
 *
 * Ownership: the block is the caller's until it gives it to
 * porter_free_aligned() or porter_reallocate_aligned() of the same allocator,
 * with the same alignment, in any thread.
 * Return: the block, or NULL with errno.
 * Errors: ENOMEM, no memory, a limit refuses (limit.h), or @size above
 * PTRDIFF_MAX; EINVAL, @alignment is no power of two.
 * Threads: as safe as the allocator; all that come with the library are.
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
 * porter_free_aligned - give a block with an alignment back
 * @a: the allocator that it came from
 * @ptr: the block; NULL does nothing
 * @size: the bytes it was last asked for with
 * @alignment: the alignment it was asked for with
 *
 * A wrong size is not noticed, and makes the numbers of a tracker wrong from
 * then on. A wrong alignment may free the wrong address.
 *
 * Return: nothing; errno may change.
 * Errors: none.
 * Threads: any thread may free what any other allocated. Signals: not safe.
 */
PORTER_INLINE void porter_free_aligned(porter_allocator *a, void *ptr,
				       size_t size, size_t alignment)
{
	if (ptr)
		(PORTER_TABLE(a)->free)(a, ptr, size, alignment);
}

/**
 * porter_reallocate_aligned - resize a block with an alignment
 * @a: the allocator that it came from
 * @ptr: the block; NULL makes this an allocation
 * @old_size: the bytes it was last asked for with; 0 with NULL
 * @new_size: bytes; 0 frees @ptr and returns a block of size 0
 * @alignment: the alignment it was asked for with; the new block keeps it
 *
 * Ownership: on success @ptr is gone and the new block is the caller's; on
 * failure @ptr is whole and still the caller's.
 * Return: the block, or NULL with errno.
 * Errors: ENOMEM, no memory, a limit refuses (limit.h), or @new_size above
 * PTRDIFF_MAX; EINVAL, @alignment is no power of two.
 * Threads: as safe as the allocator. Signals: not safe.
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
 * porter_allocate - allocate a block, aligned as malloc aligns
 * @a: the allocator
 * @size: bytes; 0 gives a block that is not to be read
 *
 * The same as porter_allocate_aligned() with PORTER_ALIGNMENT.
 *
 * Ownership: the block is the caller's until it gives it to porter_free() or
 * porter_reallocate() of the same allocator, in any thread.
 * Return: the block, or NULL with errno.
 * Errors: ENOMEM, no memory, a limit refuses (limit.h), or @size above
 * PTRDIFF_MAX.
 * Threads: as safe as the allocator. Signals: not safe.
 */
PORTER_INLINE void *porter_allocate(porter_allocator *a, size_t size)
{
	return porter_allocate_aligned(a, size, PORTER_ALIGNMENT);
}

/**
 * porter_reallocate - resize a block that porter_allocate() gave
 * @a: the allocator that it came from
 * @ptr: the block; NULL makes this an allocation
 * @old_size: the bytes it was last asked for with; 0 with NULL
 * @new_size: bytes; 0 frees @ptr and returns a block of size 0
 *
 * A block that was asked for with another alignment is resized with
 * porter_reallocate_aligned() only.
 *
 * Ownership: on success @ptr is gone and the new block is the caller's; on
 * failure @ptr is whole and still the caller's.
 * Return: the block, or NULL with errno.
 * Errors: ENOMEM, no memory, a limit refuses (limit.h), or @new_size above
 * PTRDIFF_MAX.
 * Threads: as safe as the allocator. Signals: not safe.
 */
PORTER_INLINE void *porter_reallocate(porter_allocator *a, void *ptr,
				      size_t old_size, size_t new_size)
{
	return porter_reallocate_aligned(a, ptr, old_size, new_size,
					 PORTER_ALIGNMENT);
}

/**
 * porter_free - give a block back that porter_allocate() gave
 * @a: the allocator that it came from
 * @ptr: the block; NULL does nothing
 * @size: the bytes it was last asked for with
 *
 * A block that was asked for with another alignment goes back with
 * porter_free_aligned() only. A wrong size is not noticed, and makes the
 * numbers of a tracker wrong from then on.
 *
 * Return: nothing; errno may change.
 * Errors: none.
 * Threads: any thread may free what any other allocated. Signals: not safe.
 */
PORTER_INLINE void porter_free(porter_allocator *a, void *ptr, size_t size)
{
	porter_free_aligned(a, ptr, size, PORTER_ALIGNMENT);
}

/**
 * porter_release_unused - ask an allocator to give unused memory back
 * @a: the allocator
 *
 * The system backend calls malloc_trim(); a tracked allocator passes it on to
 * what it wraps; an allocator whose table has no
 * such function does nothing.
 *
 * Return: nothing.
 * Errors: none.
 * Threads: as safe as the allocator. Signals: not safe.
 */
void porter_release_unused(porter_allocator *a);

/**
 * porter_backend - an allocator that comes with the library, by its name
 * @name: "system" (malloc and free of the C library, or of what replaces it),
 * "jemalloc" or "mimalloc"
 *
 * The last two are looked for at run time: first among what the program is
 * linked with or was preloaded, then as a shared library. The library itself
 * is linked with neither. A jemalloc that was built for preloading needs more
 * static thread-local storage than a running process has left; then link it,
 * preload it, or start with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=8192.
 *
 * Ownership: the allocator is the library's and lives as long as the process.
 * Return: the allocator, or NULL with errno.
 * Errors: ENOENT, no such backend or it is not on this machine; EINVAL,
 * @name is NULL.
 * Threads: safe. Signals: not safe.
 */
porter_allocator *porter_backend(const char *name);

/**
 * porter_get_allocator - the default allocator of the process
 *
 * A tracked allocator over the backend that the environment variable
 * PORTER_ALLOCATOR names ("system", "jemalloc" or "mimalloc"; read at the
 * first call of this function or of porter_set_allocator(), and not in
 * set-user-ID programs), or what the program put in its place with
 * porter_set_allocator(). An unknown name gets one warning on standard error
 * and the system backend. porter_tracked_new() with NULL does not look here.
 *
 * Ownership: the library's; the built-in default is never destroyed.
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
 * Atomic: every porter_get_allocator() returns the old one or the new one.
 * Blocks go back to the allocator that they came from: keep the pointer that
 * you allocated with.
 *
 * Ownership: @a stays the caller's and must live until it has been replaced
 * and its blocks were freed.
 * Return: the default before, or NULL with errno and nothing changed.
 * Errors: EINVAL, @a is NULL or its table lacks a function.
 * Threads: safe. Signals: not safe.
 * Ordering: release and acquire.
 */
porter_allocator *porter_set_allocator(porter_allocator *a);

PORTER_END_DECLS

#endif /* PORTER_ALLOCATOR_H */
