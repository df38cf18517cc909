/* SPDX-License-Identifier: MIT */
/*
 * The backends: found by name, and right at every turn of a long random walk
 * over allocations, reallocations and frees of all sizes and alignments.
 */
#include "picky.h"
#include "subjects.h"

#include <string.h>

/* ---- By name ---- */

static void the_system_backend_is_always_there(void **state)
{
	SUBJECT(s, state);
	assert_non_null(porter_backend("system"));
	assert_ptr_equal(porter_backend("system"), porter_backend("system"));
	assert_string_equal(porter_backend("system")->vtable->name, "system");
}

static void a_backend_is_one_object_with_its_own_name(void **state)
{
	porter_allocator *a;

	SUBJECT(s, state);
	a = porter_backend(s->backend);
	assert_ptr_equal(a, porter_backend(s->backend));
	assert_string_equal(a->vtable->name, s->backend);
	assert_int_equal(a->vtable->size,
			 sizeof(struct porter_allocator_vtable));
	assert_null(porter_tracked_cast(a));
}

static void no_backend_of_that_name_is_enoent(void **state)
{
	static const char *const names[] = { "", "System", "tcmalloc",
					     "system " };

	SUBJECT(s, state);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		errno = 0;
		assert_null(porter_backend(names[i]));
		assert_int_equal(errno, ENOENT);
	}
	errno = 0;
	assert_null(porter_backend(NULL));
	assert_int_equal(errno, EINVAL);
}

static void unused_memory_can_be_released_at_any_time(void **state)
{
	char *a;

	SUBJECT(s, state);
	a = porter_allocate(s->a, 1000);
	memset(a, 'x', 1000);
	porter_release_unused(s->a);
	assert_int_equal(a[999], 'x');
	porter_free(s->a, a, 1000);
	porter_release_unused(s->a);
	assert_int_equal(counted(s, 0), 0);
}

/* ---- The random walk, beside a model of what must be ---- */

enum { BLOCKS = 64, STEPS = 20000 };

struct block {
	unsigned char *ptr;
	size_t size, alignment;
	unsigned char first; /* the byte that the pattern begins with */
};

struct walk {
	struct subject *s;
	uint64_t random;
	struct block blocks[BLOCKS];
	int64_t total;
	struct porter_stats model;
};

static unsigned char pattern(const struct block *b, size_t i)
{
	return (unsigned char)(b->first + 31 * i + (i >> 8));
}

static void fill(struct block *b)
{
	for (size_t i = 0; i < b->size; i++)
		b->ptr[i] = pattern(b, i);
}

static void check(const struct block *b, size_t size)
{
	assert_non_null(b->ptr);
	assert_int_equal((uintptr_t)b->ptr & (b->alignment - 1), 0);
	for (size_t i = 0; i < size; i++)
		if (b->ptr[i] != pattern(b, i))
			fail_msg("byte %zu of %zu, alignment %zu", i, size,
				 b->alignment);
}

/* Small ones mostly, and now and then one that the kernel maps. */
static size_t some_size(struct walk *w)
{
	size_t max = 0;

	switch (random_below(&w->random, 64)) {
	case 0:
		return 0;
	case 1:
		max = 300000;
		break;
	case 2:
	case 3:
	case 4:
		max = 20000;
		break;
	default:
		max = 700;
	}
	return random_below(&w->random, max);
}

static size_t some_alignment(struct walk *w)
{
	size_t shift = random_below(&w->random, 16);

	/* 1 to 8192, 2 MiB seldom, malloc's often. */
	if (shift == 14)
		return random_below(&w->random, 50) ? 64 : 2 * 1024 * 1024;
	return shift == 15 ? PORTER_ALIGNMENT : (size_t)1 << shift;
}

static void take(struct walk *w, struct block *b)
{
	b->size = some_size(w);
	b->alignment = some_alignment(w);
	b->first = (unsigned char)next_random(&w->random);
	b->ptr = porter_allocate_aligned(w->s->a, b->size, b->alignment);
	check(b, 0);
	fill(b);
	w->total += (int64_t)b->size;
	w->model.allocations++;
	w->model.total_allocated += b->size;
}

static void resize(struct walk *w, struct block *b)
{
	size_t size = some_size(w);

	b->ptr = porter_reallocate_aligned(w->s->a, b->ptr, b->size, size,
					   b->alignment);
	check(b, size < b->size ? size : b->size);
	w->total += (int64_t)size - (int64_t)b->size;
	if (size == 0) {
		/* Frees, and gives a block of size 0. */
		w->model.allocations++;
		w->model.frees++;
		w->model.total_freed += b->size;
	} else {
		w->model.reallocations++;
		if (size > b->size)
			w->model.total_allocated += size - b->size;
		else
			w->model.total_freed += b->size - size;
	}
	b->size = size;
	fill(b);
}

static void give_back(struct walk *w, struct block *b)
{
	check(b, b->size);
	porter_free_aligned(w->s->a, b->ptr, b->size, b->alignment);
	w->total -= (int64_t)b->size;
	w->model.frees++;
	w->model.total_freed += b->size;
	b->ptr = NULL;
}

static void compare_numbers(struct walk *w, const struct porter_stats *before)
{
	struct porter_stats now = { .size = sizeof(now) };

	if (!w->s->t)
		return;
	assert_int_equal(porter_tracked_stats(w->s->t, &now), 0);
	assert_int_equal(now.bytes_used, w->total);
	assert_int_equal(now.total_allocated - before->total_allocated,
			 w->model.total_allocated);
	assert_int_equal(now.total_freed - before->total_freed,
			 w->model.total_freed);
	assert_int_equal(now.allocations - before->allocations,
			 w->model.allocations);
	assert_int_equal(now.frees - before->frees, w->model.frees);
	assert_int_equal(now.reallocations - before->reallocations,
			 w->model.reallocations);
	assert_int_equal(now.failures, before->failures);
}

static void walk_randomly(struct subject *s)
{
	struct walk w = { .s = s, .random = random_seed() };
	struct porter_stats before = { .size = sizeof(before) };

	if (s->t)
		porter_tracked_stats(s->t, &before);
	for (size_t i = scaled(STEPS); i > 0; i--) {
		struct block *b = &w.blocks[random_below(&w.random, BLOCKS)];

		if (!b->ptr)
			take(&w, b);
		else if (random_below(&w.random, 3))
			resize(&w, b);
		else
			give_back(&w, b);
		assert_int_equal(counted(s, w.total), w.total);
		if (i % 16 == 0)
			compare_numbers(&w, &before);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		if (w.blocks[i].ptr)
			give_back(&w, &w.blocks[i]);
	assert_int_equal(w.total, 0);
	compare_numbers(&w, &before);
}

static void a_random_walk_keeps_contents_alignments_and_totals(void **state)
{
	SUBJECT(s, state);
	walk_randomly(s);
}

static void
the_underlying_allocator_is_told_true_sizes_and_alignments(void **state)
{
	struct subject over = { .backend = "picky" };
	struct picky picky;

	SUBJECT(s, state);
	picky_init(&picky, s->a);
	over.t = porter_tracked_new(&picky.base);
	over.a = porter_tracked_allocator(over.t);
	walk_randomly(&over);
	assert_int_equal(left_at_destroy(over.t), 0);
	picky_fini(&picky);
	assert_int_equal(counted(s, 0), 0);
}

/* Each step from one size to another, at each alignment. */
static void every_change_of_size_keeps_contents_and_alignment(void **state)
{
	static const size_t sizes[] = {
		1,    15,   16,	  17,	64,    100,    1000,
		4095, 4096, 5000, 9000, 70000, 140000, 300000,
	};

	size_t step = under_a_tool() ? 16 : 2;

	SUBJECT(s, state);
	for (size_t alignment = 1; alignment <= 8192; alignment *= step) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
				struct block b = { NULL, sizes[i], alignment,
						   (unsigned char)(i + j) };
				size_t to = sizes[j];

				b.ptr = porter_allocate_aligned(s->a, b.size,
								alignment);
				fill(&b);
				b.ptr = porter_reallocate_aligned(
					s->a, b.ptr, b.size, to, alignment);
				check(&b, to < b.size ? to : b.size);
				b.size = to;
				fill(&b);
				porter_free_aligned(s->a, b.ptr, to, alignment);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_system_backend_is_always_there),
		cmocka_unit_test(a_backend_is_one_object_with_its_own_name),
		cmocka_unit_test(no_backend_of_that_name_is_enoent),
		cmocka_unit_test(unused_memory_can_be_released_at_any_time),
		cmocka_unit_test(
			a_random_walk_keeps_contents_alignments_and_totals),
		cmocka_unit_test(
			the_underlying_allocator_is_told_true_sizes_and_alignments),
		cmocka_unit_test(
			every_change_of_size_keeps_contents_and_alignment),
	};

	return run_all_with_subjects("backend", tests);
}
