/* SPDX-License-Identifier: MIT */
/*
 * picky.c: an allocator that believes nothing; see picky.h.
 */
#include "picky.h"

#include "support.h"

static struct picky_block *find(struct picky *p, void *ptr)
{
	for (size_t i = 0; i < PICKY_BLOCKS; i++)
		if (p->blocks[i].ptr == ptr)
			return &p->blocks[i];
	return NULL;
}

static void note(struct picky *p, void *ptr, size_t size, size_t alignment)
{
	struct picky_block *entry = find(p, NULL);

	must(entry);
	*entry = (struct picky_block){ ptr, size, alignment };
	p->live_blocks++;
	p->live_bytes += size;
}

static void strike(struct picky *p, void *ptr, size_t size, size_t alignment)
{
	struct picky_block *entry = find(p, ptr);

	must(entry);
	must(entry->size == size);
	must(entry->alignment == alignment);
	entry->ptr = NULL;
	p->live_blocks--;
	p->live_bytes -= size;
}

static void check_request(size_t size, size_t alignment)
{
	must(size <= PTRDIFF_MAX);
	must(alignment != 0 && (alignment & (alignment - 1)) == 0);
}

static bool fails_now(struct picky *p)
{
	return ++p->requests == p->fail_at;
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
	};
}

void picky_fini(struct picky *p)
{
	must(p->live_blocks == 0);
	must(p->live_bytes == 0);
	pthread_mutex_destroy(&p->mutex);
}
