/* SPDX-License-Identifier: MIT */
/*
 * embed.c: an allocator of your own, and trackers around it.
 *
 * A pool gives out blocks from one piece of memory and gives nothing back
 * until it is ended as a whole. It becomes an allocator by having one as its
 * first member. Then it can stand wherever an allocator is wanted: here under
 * a tracker for the whole, under which a second tracker counts one part.
 *
 *	program --> whole --> pool
 *	program --> part --> whole --> pool
 */
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct pool {
	porter_allocator base; /* first: a pool is an allocator */
	size_t used;
	_Alignas(64) char bytes[4096];
};

static struct pool *pool_of(porter_allocator *self)
{
	return (struct pool *)self;
}

static void *pool_allocate(porter_allocator *self, size_t size,
			   size_t alignment)
{
	struct pool *pool = pool_of(self);
	size_t start = (pool->used + alignment - 1) & ~(alignment - 1);

	/* Size 0 wants a pointer too; one past what is used would do, but
	   then two blocks would share it. */
	if (size == 0)
		size = 1;
	if (alignment > 64 || start > sizeof(pool->bytes) ||
	    size > sizeof(pool->bytes) - start) {
		errno = ENOMEM;
		return NULL;
	}
	pool->used = start + size;
	return pool->bytes + start;
}

static void pool_free(porter_allocator *self, void *ptr, size_t size,
		      size_t alignment)
{
	(void)self;
	(void)ptr;
	(void)size;
	(void)alignment;
}

static void *pool_reallocate(porter_allocator *self, void *ptr, size_t old_size,
			     size_t new_size, size_t alignment)
{
	void *block;

	if (new_size <= old_size)
		return ptr;
	block = pool_allocate(self, new_size, alignment);
	if (block)
		memcpy(block, ptr, old_size);
	return block;
}

static const struct porter_allocator_vtable pool_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "pool",
	.allocate = pool_allocate,
	.reallocate = pool_reallocate,
	.free = pool_free,
};

static void tell(const char *when, const porter_tracked *whole,
		 const porter_tracked *part)
{
	printf("%-22s whole %4" PRId64 ", part %4" PRId64 " bytes\n", when,
	       porter_bytes_used(whole), porter_bytes_used(part));
}

static int use(porter_tracked *whole, porter_tracked *part)
{
	porter_allocator *all = porter_tracked_allocator(whole);
	porter_allocator *some = porter_tracked_allocator(part);
	char *first = porter_allocate(all, 1000);
	char *second = porter_allocate_aligned(some, 500, 64);
	char *larger;

	if (!first || !second)
		return -1;
	tell("1000 + 500 allocated:", whole, part);
	larger = porter_reallocate_aligned(some, second, 500, 700, 64);
	if (!larger)
		return -1;
	tell("500 made 700:", whole, part);
	if (porter_allocate(some, 4096) == NULL)
		tell("4096 refused:", whole, part);
	porter_free_aligned(some, larger, 700, 64);
	porter_free(all, first, 1000);
	tell("all freed:", whole, part);
	return 0;
}

int main(void)
{
	static struct pool pool = { .base = { &pool_vtable } };
	porter_tracked *whole = porter_tracked_new(&pool.base);
	porter_tracked *part = NULL;
	int64_t of_part, of_whole;

	if (whole)
		part = porter_tracked_new(porter_tracked_allocator(whole));
	if (!part || use(whole, part) != 0) {
		perror("embed");
		return 1;
	}
	porter_tracked_destroy(part, &of_part);
	porter_tracked_destroy(whole, &of_whole);
	return of_part == 0 && of_whole == 0 ? 0 : 1;
}
