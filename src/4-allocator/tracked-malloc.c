/* SPDX-License-Identifier: MIT */
/*
 * tracked-malloc.c: blocks that remember their size.
 *
 *	|  size  |........| what the program got ... |
 *	 `-- header: PORTER_ALIGNMENT bytes
 *
 * The size stands right before the block, on the line that the C library's
 * own header is on and that its free will read anyway; and it is the size
 * asked for, where malloc_usable_size() would give a rounded one.
 */
#include "4-allocator/block.h"

enum { HEADER = PORTER_ALIGNMENT };

static void *block_of(char *base, size_t size)
{
	*(size_t *)(void *)base = size;
	return base + HEADER;
}

static char *base_of(const void *ptr)
{
	return (char *)(uintptr_t)ptr - HEADER;
}

static size_t size_of(const void *ptr)
{
	return *(const size_t *)(const void *)base_of(ptr);
}

static bool too_large(size_t size)
{
	return unlikely(size > (size_t)PTRDIFF_MAX - HEADER);
}

/* The short path is the one of tracked-unbounded.c. */
static struct cell *short_path(const porter_tracked *t)
{
	return likely(!is_bounded(t)) ? this_cell_fast(t->direct_at) : NULL;
}

static SEPARATE void *malloc_slowly(porter_tracked *t, size_t size,
				    enum zeroed zeroed)
{
	char *base;

	if (too_large(size))
		return porter__failed(t);
	base = porter__block_allocate(t, HEADER, size, PORTER_ALIGNMENT,
				      zeroed);
	return base ? block_of(base, size) : NULL;
}

static SLOW_PATH void *no_block(porter_tracked *t, size_t size)
{
	porter__cancel_block(t, size);
	return porter__failed(t);
}

static SEPARATE void *malloc_settled(porter_tracked *t, size_t size,
				     struct cell *cell)
{
	char *base;

	porter__settle_with_lock(&t->account, cell);
	base = t->direct.allocate(HEADER + size);
	return likely(base) ? block_of(base, size) : no_block(t, size);
}

void *porter_malloc(porter_tracked *t, size_t size)
{
	struct cell *cell = short_path(t);
	char *base;

	if (unlikely(!cell) || unlikely(size > MAX_FAST_SIZE))
		return malloc_slowly(t, size, ANY_BYTES);
	word_add(&cell->word[ALLOCATED], size);
	word_add(&cell->word[ALLOCATIONS], 1);
	if (is_out_of_stock(cell))
		return malloc_settled(t, size, cell);
	base = t->direct.allocate(HEADER + size);
	return likely(base) ? block_of(base, size) : no_block(t, size);
}

static SEPARATE void free_slowly(porter_tracked *t, void *ptr, size_t size)
{
	porter__block_free(t, base_of(ptr), HEADER, size, PORTER_ALIGNMENT);
}

static SEPARATE void free_settled(porter_tracked *t, struct cell *cell,
				  void *ptr)
{
	porter__settle(&t->account, cell);
	t->direct.free(base_of(ptr));
}

void porter_mfree_sized(porter_tracked *t, void *ptr, size_t size)
{
	struct cell *cell = short_path(t);

	if (unlikely(!ptr))
		return;
	if (unlikely(!cell)) {
		free_slowly(t, ptr, size);
		return;
	}
	word_add_release(&cell->word[FREED], size);
	word_add_release(&cell->word[FREES], 1);
	if (has_too_much_stock(cell)) {
		free_settled(t, cell, ptr);
		return;
	}
	t->direct.free(base_of(ptr));
}

void porter_mfree(porter_tracked *t, void *ptr)
{
	if (likely(ptr))
		porter_mfree_sized(t, ptr, size_of(ptr));
}

/* What the underlying allocator knows to be zero already is not written. */
void *porter_calloc(porter_tracked *t, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return porter__failed(t);
	return malloc_slowly(t, total, ZEROED);
}

void *porter_realloc(porter_tracked *t, void *ptr, size_t size)
{
	char *base;

	if (!ptr || size == 0) {
		void *block = porter_malloc(t, size);

		if (block)
			porter_mfree(t, ptr);
		return block;
	}
	if (too_large(size))
		return porter__failed(t);
	base = porter__block_reallocate(t, base_of(ptr), HEADER, size_of(ptr),
					size, PORTER_ALIGNMENT);
	return base ? block_of(base, size) : NULL;
}

size_t porter_msize(porter_tracked *t, const void *ptr)
{
	(void)t;
	return ptr ? size_of(ptr) : 0;
}
