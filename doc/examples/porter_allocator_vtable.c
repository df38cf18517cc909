/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <errno.h>

/* An allocator that refuses large blocks and passes all else on. */
struct small_blocks {
	struct porter_allocator base;
	porter_allocator *below;
	size_t largest;
};

static void *small_allocate(porter_allocator *self, size_t size,
			    size_t alignment)
{
	struct small_blocks *s = (struct small_blocks *)self;

	if (size > s->largest) {
		errno = ENOMEM;
		return NULL;
	}
	return porter_allocate_aligned(s->below, size, alignment);
}

static void *small_reallocate(porter_allocator *self, void *ptr,
			      size_t old_size, size_t new_size,
			      size_t alignment)
{
	struct small_blocks *s = (struct small_blocks *)self;

	if (new_size > s->largest) {
		errno = ENOMEM;
		return NULL;
	}
	return porter_reallocate_aligned(s->below, ptr, old_size, new_size,
					 alignment);
}

static void small_free(porter_allocator *self, void *ptr, size_t size,
		       size_t alignment)
{
	struct small_blocks *s = (struct small_blocks *)self;

	porter_free_aligned(s->below, ptr, size, alignment);
}

int main(void)
{
	static struct porter_allocator_vtable table =
		PORTER_ALLOCATOR_VTABLE_INIT;
	struct small_blocks s = { { &table }, porter_backend("system"), 4096 };
	porter_tracked *t;
	void *block;
	int failed;

	table.name = "small blocks";
	table.allocate = small_allocate;
	table.reallocate = small_reallocate;
	table.free = small_free;
	t = porter_tracked_new(&s.base);
	block = porter_allocate(porter_tracked_allocator(t), 100);
	failed = !block || porter_allocate(porter_tracked_allocator(t), 4097) ||
		 porter_bytes_used(t) != 100;
	porter_free(porter_tracked_allocator(t), block, 100);
	porter_tracked_destroy(t, NULL);
	return failed;
}
