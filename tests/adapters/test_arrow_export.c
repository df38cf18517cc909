/* SPDX-License-Identifier: MIT */
/*
 * test_arrow_export.c: buffers of a tracker go out as arrays, and are counted
 * down when, and where, the consumer releases them.
 *
 * Here the consumer is this test; tests/adapters/roundtrip.py has a real one.
 */
#include "picky.h"
#include "support.h"

#include <portermem/adapt-arrow.h>

#include <string.h>

/* A tracker over an allocator that checks and fails. */
struct fixture {
	struct picky picky;
	porter_tracked *t;
	porter_allocator *a;
};

static int set_up(void **state)
{
	static struct fixture f;

	picky_init(&f.picky, NULL);
	f.t = porter_tracked_new(&f.picky.base);
	f.a = porter_tracked_allocator(f.t);
	*state = &f;
	return f.t ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int64_t left = left_at_destroy(f->t);

	if (left != 0)
		print_message("# %lld bytes are left\n", (long long)left);
	else
		picky_fini(&f->picky);
	return left == 0 ? 0 : -1;
}

/* ---- Arrays to play with ---- */

static struct porter_arrow_buffer ints(porter_allocator *a, int32_t n)
{
	struct porter_arrow_buffer b = { NULL, 0 };

	assert_int_equal(porter_arrow_buffer_resize(a, &b, (size_t)n * 4), 0);
	for (int32_t i = 0; i < n; i++)
		((int32_t *)b.data)[i] = i;
	return b;
}

static struct ArrowArray int_array(porter_allocator *a, int32_t n)
{
	struct porter_arrow_buffer buffers[2] = { { NULL, 0 }, ints(a, n) };
	struct porter_arrow_array from = {
		.size = sizeof(from),
		.length = n,
		.buffers = buffers,
		.n_buffers = 2,
	};
	struct ArrowArray out;

	assert_int_equal(porter_arrow_export_array(a, &from, &out), 0);
	assert_null(buffers[1].data);
	return out;
}

/* A struct of two columns, the second of which has a dictionary. */
static struct ArrowArray nested(porter_allocator *a)
{
	struct ArrowArray columns[2], dictionary, out;
	struct porter_arrow_buffer validity = ints(a, 1),
				   indices[2] = { { NULL, 0 }, ints(a, 5) };
	struct porter_arrow_array encoded = {
		.size = sizeof(encoded),
		.length = 5,
		.buffers = indices,
		.n_buffers = 2,
		.dictionary = &dictionary,
	};
	struct porter_arrow_array table = {
		.size = sizeof(table),
		.length = 5,
		.buffers = &validity,
		.n_buffers = 1,
		.children = columns,
		.n_children = 2,
	};

	columns[0] = int_array(a, 5);
	dictionary = int_array(a, 100);
	assert_int_equal(porter_arrow_export_array(a, &encoded, &columns[1]),
			 0);
	assert_null(dictionary.release);
	assert_int_equal(porter_arrow_export_array(a, &table, &out), 0);
	assert_null(columns[0].release);
	assert_null(columns[1].release);
	return out;
}

/* ---- Buffers ---- */

static void buffers_are_aligned_padded_and_zero(void **state)
{
	struct fixture *f = *state;
	struct porter_arrow_buffer b = { NULL, 0 };
	static const size_t sizes[] = { 1, 64, 65, 5000, 4000, 130, 129, 1 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t kept = b.size < sizes[i] ? b.size : sizes[i];

		assert_int_equal(porter_arrow_buffer_resize(f->a, &b, sizes[i]),
				 0);
		assert_int_equal((uintptr_t)b.data % 64, 0);
		assert_int_equal(b.size, (sizes[i] + 63) / 64 * 64);
		assert_int_equal(porter_bytes_used(f->t), b.size);
		for (size_t at = 0; at < b.size; at++)
			assert_int_equal(((unsigned char *)b.data)[at],
					 at < kept ? 0xab : 0);
		memset(b.data, 0xab, b.size);
	}
	assert_int_equal(porter_arrow_buffer_resize(f->a, &b, 0), 0);
	assert_null(b.data);
	assert_int_equal(porter_bytes_used(f->t), 0);
	porter_arrow_buffer_free(f->a, &b);
}

static void a_buffer_that_cannot_grow_is_whole(void **state)
{
	struct fixture *f = *state;
	struct porter_arrow_buffer b = ints(f->a, 100);
	const struct porter_arrow_buffer before = b;
	static const size_t huge[] = { SIZE_MAX, SIZE_MAX - 63,
				       (size_t)PTRDIFF_MAX + 1 };

	f->picky.fail_at = f->picky.requests + 1;
	errno = 0;
	assert_int_equal(porter_arrow_buffer_resize(f->a, &b, 1000), -1);
	assert_int_equal(errno, ENOMEM);
	assert_memory_equal(&b, &before, sizeof(b));
	for (size_t i = 0; i < ARRAY_SIZE(huge); i++) {
		errno = 0;
		assert_int_equal(porter_arrow_buffer_resize(f->a, &b, huge[i]),
				 -1);
		assert_int_equal(errno, ENOMEM);
		assert_memory_equal(&b, &before, sizeof(b));
	}
	assert_int_equal(((int32_t *)b.data)[99], 99);
	porter_arrow_buffer_free(f->a, &b);
}

/* ---- Arrays ---- */

static void an_array_is_what_was_put_in(void **state)
{
	struct fixture *f = *state;
	struct ArrowArray array = nested(f->a), *encoded;
	int64_t buffers = 64 + 64 + 64 + 448;

	assert_int_equal(array.length, 5);
	assert_int_equal(array.null_count, 0);
	assert_int_equal(array.n_buffers, 1);
	assert_non_null(array.buffers[0]);
	assert_null(array.children[0]->buffers[0]);
	assert_int_equal(array.n_children, 2);
	assert_int_equal(((const int32_t *)array.children[0]->buffers[1])[4],
			 4);
	encoded = array.children[1];
	assert_null(array.dictionary);
	assert_int_equal(encoded->dictionary->length, 100);
	assert_int_equal(((const int32_t *)encoded->dictionary->buffers[1])[99],
			 99);
	/* Buffers, and a record each of less than 400 bytes. */
	assert_true(porter_bytes_used(f->t) > buffers);
	assert_true(porter_bytes_used(f->t) < buffers + 4 * 400);
	array.release(&array);
	assert_null(array.release);
	assert_int_equal(porter_bytes_used(f->t), 0);
}

static void a_child_moved_out_lives_on(void **state)
{
	struct fixture *f = *state;
	struct ArrowArray array = nested(f->a);
	struct ArrowArray child = *array.children[1];
	struct ArrowArray dictionary = *child.dictionary;

	array.children[1]->release = NULL;
	array.release(&array);
	assert_int_equal(((const int32_t *)child.buffers[1])[4], 4);
	child.dictionary->release = NULL;
	child.release(&child);
	assert_int_equal(((const int32_t *)dictionary.buffers[1])[99], 99);
	assert_true(porter_bytes_used(f->t) > 448);
	dictionary.release(&dictionary);
	assert_int_equal(porter_bytes_used(f->t), 0);
}

struct released {
	struct ArrowArray arrays[8];
	porter_tracked *t;
};

static void release_one(void *arg, size_t number)
{
	struct released *r = arg;

	must(((const int32_t *)r->arrays[number].buffers[1])[999] == 999);
	r->arrays[number].release(&r->arrays[number]);
	must(!r->arrays[number].release);
}

static void consumers_release_in_their_threads(void **state)
{
	enum { ROUNDS = 50 };
	struct fixture *f = *state;
	struct released r = { .t = f->t };

	for (int round = 0; round < ROUNDS; round++) {
		int64_t one;

		for (size_t i = 0; i < ARRAY_SIZE(r.arrays); i++)
			r.arrays[i] = int_array(f->a, 1000);
		one = porter_bytes_used(f->t) / (int64_t)ARRAY_SIZE(r.arrays);
		/* All but one; counted down exactly by those. */
		assert_true(
			in_threads(ARRAY_SIZE(r.arrays) - 1, release_one, &r));
		assert_int_equal(porter_bytes_used(f->t), one);
		release_one(&r, ARRAY_SIZE(r.arrays) - 1);
		assert_int_equal(porter_bytes_used(f->t), 0);
	}
}

static void a_failed_export_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct porter_arrow_buffer buffers[2] = { { NULL, 0 }, ints(f->a, 9) };
	struct porter_arrow_buffer before[2];
	struct ArrowArray child = int_array(f->a, 7), out, untouched;
	struct porter_arrow_array from = {
		.size = sizeof(from),
		.length = 9,
		.buffers = buffers,
		.n_buffers = 2,
		.children = &child,
		.n_children = 1,
	};
	int64_t bytes = porter_bytes_used(f->t);

	memcpy(before, buffers, sizeof(before));
	memset(&out, 0x55, sizeof(out));
	untouched = out;
	f->picky.fail_at = f->picky.requests + 1;
	errno = 0;
	assert_int_equal(porter_arrow_export_array(f->a, &from, &out), -1);
	assert_int_equal(errno, ENOMEM);
	assert_memory_equal(&out, &untouched, sizeof(out));
	assert_memory_equal(buffers, before, sizeof(before));
	assert_non_null(child.release);
	assert_int_equal(porter_bytes_used(f->t), bytes);
	child.release(&child);
	porter_arrow_buffer_free(f->a, &buffers[1]);
}

static void assert_array_refused(porter_allocator *a,
				 const struct porter_arrow_array *from,
				 int error)
{
	struct ArrowArray out;

	errno = 0;
	assert_int_equal(porter_arrow_export_array(a, from, &out), -1);
	assert_int_equal(errno, error);
}

static void wrong_arrays_are_refused(void **state)
{
	struct fixture *f = *state;
	struct ArrowArray gone = { .release = NULL };
	const struct porter_arrow_array right = { .size = sizeof(right) };
	struct porter_arrow_array from = right;
	struct ArrowArray out;

#define REFUSED(member, value)                             \
	do {                                               \
		from = right;                              \
		from.member = (value);                     \
		assert_array_refused(f->a, &from, EINVAL); \
	} while (0)
	REFUSED(size, sizeof(from) - 1);
	REFUSED(length, -1);
	REFUSED(offset, -1);
	REFUSED(null_count, -2);
	REFUSED(n_buffers, -1);
	REFUSED(n_buffers, 1);
	REFUSED(n_children, -1);
	REFUSED(n_children, 1);
	REFUSED(dictionary, &gone);
	from = right;
	from.children = &gone;
	from.n_children = 1;
	assert_array_refused(f->a, &from, EINVAL);
	assert_array_refused(f->a, NULL, EINVAL);
	assert_array_refused(NULL, &right, EINVAL);
	assert_int_equal(porter_arrow_export_array(f->a, &right, NULL), -1);
	assert_int_equal(f->picky.requests, 0);

	from = right;
	from.null_count = -1;
	assert_int_equal(porter_arrow_export_array(f->a, &from, &out), 0);
	out.release(&out);
#undef REFUSED
}

/* ---- Schemas ---- */

static void a_schema_is_a_copy(void **state)
{
	struct fixture *f = *state;
	char format[] = "i", name[] = "count", metadata[] = { 0, 0, 0, 0 };
	struct ArrowSchema children[2], dictionary, out;
	struct porter_arrow_type column = {
		.size = sizeof(column),
		.format = format,
		.name = name,
		.metadata = metadata,
		.metadata_size = sizeof(metadata),
		.flags = ARROW_FLAG_NULLABLE,
	};
	struct porter_arrow_type table = {
		.size = sizeof(table),
		.format = "+s",
		.children = children,
		.n_children = 2,
	};

	assert_int_equal(
		porter_arrow_export_schema(f->a, &column, &children[0]), 0);
	assert_int_equal(porter_arrow_export_schema(f->a, &column, &dictionary),
			 0);
	column.dictionary = &dictionary;
	assert_int_equal(
		porter_arrow_export_schema(f->a, &column, &children[1]), 0);
	assert_null(dictionary.release);
	memset(format, 'x', sizeof(format));
	memset(name, 'x', sizeof(name));
	memset(metadata, 'x', sizeof(metadata));
	assert_int_equal(porter_arrow_export_schema(f->a, &table, &out), 0);
	assert_null(children[0].release);
	assert_string_equal(out.format, "+s");
	assert_null(out.name);
	assert_null(out.metadata);
	assert_string_equal(out.children[0]->format, "i");
	assert_string_equal(out.children[0]->name, "count");
	assert_memory_equal(out.children[0]->metadata, "\0\0\0\0", 4);
	assert_int_equal(out.children[1]->flags, ARROW_FLAG_NULLABLE);
	assert_string_equal(out.children[1]->dictionary->format, "i");
	out.release(&out);
	assert_null(out.release);
	assert_int_equal(porter_bytes_used(f->t), 0);
}

static void wrong_schemas_are_refused(void **state)
{
	struct fixture *f = *state;
	struct ArrowSchema gone = { .release = NULL }, out;
	const struct porter_arrow_type right = {
		.size = sizeof(right),
		.format = "i",
	};
	struct porter_arrow_type from = right;

#define REFUSED(member, value)                                              \
	do {                                                                \
		from = right;                                               \
		from.member = (value);                                      \
		errno = 0;                                                  \
		assert_int_equal(                                           \
			porter_arrow_export_schema(f->a, &from, &out), -1); \
		assert_int_equal(errno, EINVAL);                            \
	} while (0)
	REFUSED(size, 0);
	REFUSED(format, NULL);
	REFUSED(metadata, "");
	REFUSED(metadata_size, 4);
	REFUSED(n_children, -1);
	REFUSED(n_children, 1);
	REFUSED(dictionary, &gone);
	assert_int_equal(f->picky.requests, 0);
	f->picky.fail_at = 1;
	errno = 0;
	assert_int_equal(porter_arrow_export_schema(f->a, &right, &out), -1);
	assert_int_equal(errno, ENOMEM);
#undef REFUSED
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(buffers_are_aligned_padded_and_zero),
		TEST(a_buffer_that_cannot_grow_is_whole),
		TEST(an_array_is_what_was_put_in),
		TEST(a_child_moved_out_lives_on),
		TEST(consumers_release_in_their_threads),
		TEST(a_failed_export_changes_nothing),
		TEST(wrong_arrays_are_refused),
		TEST(a_schema_is_a_copy),
		TEST(wrong_schemas_are_refused),
	};

	return run_all("Arrow export", tests);
}
