/* SPDX-License-Identifier: MIT */
/*
 * picky.c: an allocator that believes nothing; see picky.h.
 */
#include "picky.h"

#include "support.h"

/* ---- The table: a block stands at its home or right after others ---- */

static size_t home(const void *ptr)
{
	return ((uint64_t)(uintptr_t)ptr * 0x9e3779b97f4a7c15u >> 32) %
	       PICKY_BLOCKS;
}

static size_t distance(size_t from, size_t to)
{
	return (to - from) % PICKY_BLOCKS;
}

/* The block's place, or the free one where it would stand. */
static size_t find(const struct picky *p, const void *ptr)
{
	size_t at = home(ptr);

	while (p->blocks[at].ptr && p->blocks[at].ptr != ptr)
		at = (at + 1) % PICKY_BLOCKS;
	return at;
}

/* Those after the gap move up, unless their home is after it, too. */
static void close_gap(struct picky *p, size_t gap)
{
	size_t at = gap;

	for (;;) {
		at = (at + 1) % PICKY_BLOCKS;
		if (!p->blocks[at].ptr)
			break;
		if (distance(home(p->blocks[at].ptr), at) < distance(gap, at))
			continue;
		p->blocks[gap] = p->blocks[at];
		gap = at;
	}
	p->blocks[gap].ptr = NULL;
}

static void note(struct picky *p, void *ptr, size_t size, size_t alignment)
{
	size_t at = find(p, ptr);

	must(!p->blocks[at].ptr);
	must(p->live_blocks < PICKY_BLOCKS / 2);
	p->blocks[at] = (struct picky_block){ ptr, size, alignment };
	p->live_blocks++;
	p->live_bytes += size;
}

static void strike(struct picky *p, void *ptr, size_t size, size_t alignment)
{
	size_t at = find(p, ptr);

	must(p->blocks[at].ptr);
	must(p->blocks[at].size == size);
	must(p->blocks[at].alignment == alignment);
	close_gap(p, at);
	p->live_blocks--;
	p->live_bytes -= size;
}

/* ---- The allocator ---- */

static void check_request(size_t size, size_t alignment)
{
	must(size <= PTRDIFF_MAX);
	must(alignment != 0 && (alignment & (alignment - 1)) == 0);
}

static bool fails_now(struct picky *p)
{
	p->requests++;
	return p->requests == p->fail_at ||
	       (p->fail_after && p->fail_at && p->requests > p->fail_at);
}

static void *picky_allocate(porter_allocator *self, size_t size,
			    size_t alignment)
{
	struct picky *p = (struct picky *)self;
	void *ptr = NULL;

	check_request(size, alignment);
	pthread_mutex_lock(&p->mutex);
	if (fails_now(p))
		errno = ENOMEM;
	else
		ptr = porter_allocate_aligned(p->below, size, alignment);
	if (ptr)
		note(p, ptr, size, alignment);
	pthread_mutex_unlock(&p->mutex);
	return ptr;
}

static void *picky_reallocate(porter_allocator *self, void *ptr,
			      size_t old_size, size_t new_size,
			      size_t alignment)
{
	struct picky *p = (struct picky *)self;
	void *block = NULL;

	check_request(new_size, alignment);
	must(ptr);
	must(new_size != 0);
	pthread_mutex_lock(&p->mutex);
	if (fails_now(p))
		errno = ENOMEM;
	else
		block = porter_reallocate_aligned(p->below, ptr, old_size,
						  new_size, alignment);
	if (block) {
		strike(p, ptr, old_size, alignment);
		note(p, block, new_size, alignment);
	}
	pthread_mutex_unlock(&p->mutex);
	return block;
}

static void picky_free(porter_allocator *self, void *ptr, size_t size,
		       size_t alignment)
{
	struct picky *p = (struct picky *)self;

	must(ptr);
	pthread_mutex_lock(&p->mutex);
	strike(p, ptr, size, alignment);
	p->frees++;
	porter_free_aligned(p->below, ptr, size, alignment);
	pthread_mutex_unlock(&p->mutex);
}

static void picky_release_unused(porter_allocator *self)
{
	struct picky *p = (struct picky *)self;

	p->releases++;
	porter_release_unused(p->below);
}

static const struct porter_allocator_vtable picky_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "picky",
	.allocate = picky_allocate,
	.reallocate = picky_reallocate,
	.free = picky_free,
	.release_unused = picky_release_unused,
};

void picky_init(struct picky *p, porter_allocator *below)
{
	*p = (struct picky){
		.base = { &picky_vtable },
		.below = below ? below : porter_backend("system"),
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.blocks = calloc(PICKY_BLOCKS, sizeof(*p->blocks)),
	};
	must(p->blocks);
}

void picky_fini(struct picky *p)
{
	must(p->live_blocks == 0);
	must(p->live_bytes == 0);
	free(p->blocks);
	pthread_mutex_destroy(&p->mutex);
}
