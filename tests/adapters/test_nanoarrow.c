/* SPDX-License-Identifier: MIT */
/*
 * test_nanoarrow.c: nanoarrow under a tracked allocator.
 *
 * nanoarrow has no statistics; but each buffer knows its capacity, and the sum
 * of those, in multiples of 64, is what a tracker must say. nanoarrow.c is
 * compiled so that its structs come from a tracker of their own.
 */
#include "picky.h"
#include "support.h"

#include <nanoarrow/nanoarrow.h>
#include <portermem/adapt-nanoarrow.h>
#include <portermem/portermem.h>

#include <string.h>

static porter_tracked *structs;

PORTER_NANOARROW_STRUCTS(structs);

struct fixture {
	struct picky picky, below_structs;
	porter_tracked *t;
	porter_allocator *a;
};

static int set_up(void **state)
{
	static struct fixture f;

	picky_init(&f.picky, NULL);
	picky_init(&f.below_structs, NULL);
	f.t = porter_tracked_new(&f.picky.base);
	f.a = porter_tracked_allocator(f.t);
	structs = porter_tracked_new(&f.below_structs.base);
	*state = &f;
	return f.t && structs ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int64_t left = left_at_destroy(f->t);
	int64_t structs_left = left_at_destroy(structs);

	if (left || structs_left) {
		print_message("# %lld bytes are left, %lld of structs\n",
			      (long long)left, (long long)structs_left);
		return -1;
	}
	picky_fini(&f->picky);
	picky_fini(&f->below_structs);
	return 0;
}

static int64_t padded(int64_t size)
{
	return (size + 63) / 64 * 64;
}

/* The padded capacities of an array's buffers and its children's. */
static int64_t capacities(struct ArrowArray *array)
{
	int64_t sum = 0;

	for (int64_t i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
		struct ArrowBuffer *b = ArrowArrayBuffer(array, i);

		assert_int_equal((uintptr_t)b->data % 64, 0);
		sum += padded(b->capacity_bytes);
	}
	for (int64_t i = 0; i < array->n_children; i++)
		sum += capacities(array->children[i]);
	return sum;
}

/* ---- Buffers ---- */

static void a_buffer_counts_its_padded_capacity(void **state)
{
	struct fixture *f = *state;
	struct ArrowBuffer b, moved;
	static const int64_t sizes[] = { 1, 64, 65, 6000, 130, 0, 7 };

	ArrowBufferInit(&b);
	b.allocator = porter_nanoarrow_allocator(f->a);
	for (int32_t i = 0; i < 5000; i++) {
		assert_int_equal(ArrowBufferAppendInt32(&b, i), NANOARROW_OK);
		assert_int_equal((uintptr_t)b.data % 64, 0);
		assert_int_equal(porter_bytes_used(f->t),
				 padded(b.capacity_bytes));
	}
	/* Buffers are moved by memcpy. */
	ArrowBufferMove(&b, &moved);
	for (int32_t i = 0; i < 5000; i++)
		assert_int_equal(((int32_t *)moved.data)[i], i);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(ArrowBufferResize(&moved, sizes[i], 1),
				 NANOARROW_OK);
		assert_int_equal(porter_bytes_used(f->t), padded(sizes[i]));
	}
	ArrowBufferReset(&moved);
	assert_int_equal(porter_bytes_used(f->t), 0);
}

static void an_empty_buffer_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct ArrowBuffer b;

	ArrowBufferInit(&b);
	b.allocator = porter_nanoarrow_allocator(f->a);
	ArrowBufferReset(&b); /* free of NULL with 0 bytes */
	assert_int_equal(f->picky.requests, 0);
}

static void a_block_that_cannot_grow_is_not_lost(void **state)
{
	struct fixture *f = *state;
	static const int64_t huge[] = { INT64_MAX, INT64_MAX - 63,
					INT64_MAX - 100 };
	struct ArrowBuffer b;

	for (size_t i = 0; i <= ARRAY_SIZE(huge); i++) {
		ArrowBufferInit(&b);
		b.allocator = porter_nanoarrow_allocator(f->a);
		assert_int_equal(ArrowBufferAppendFill(&b, 1, 100),
				 NANOARROW_OK);
		if (i == ARRAY_SIZE(huge)) {
			f->picky.fail_at = f->picky.requests + 1;
			assert_int_equal(ArrowBufferReserve(&b, 1000), ENOMEM);
		} else {
			assert_int_equal(ArrowBufferResize(&b, huge[i], 0),
					 ENOMEM);
		}
		assert_null(b.data);
		assert_int_equal(porter_bytes_used(f->t), 0);
		/* It may be used again, and reset. */
		assert_int_equal(ArrowBufferAppendFill(&b, 1, 100),
				 NANOARROW_OK);
		ArrowBufferReset(&b);
	}
}

/* ---- Arrays ---- */

/* A list of strings and an int32 in each row; what nanoarrow says. */
static int build(struct ArrowArray *array, struct ArrowSchema *schema,
		 porter_allocator *a, int rows)
{
	struct ArrowArray *list, *strings, *ints;

	NANOARROW_RETURN_NOT_OK(ArrowArrayInitFromSchema(array, schema, NULL));
	porter_nanoarrow_set(array, a);
	NANOARROW_RETURN_NOT_OK(ArrowArrayStartAppending(array));
	list = array->children[0];
	strings = list->children[0];
	ints = array->children[1];
	for (int row = 0; row < rows; row++) {
		char text[32];

		for (int i = 0; i < row % 4; i++) {
			snprintf(text, sizeof(text), "row %d.%d", row, i);
			NANOARROW_RETURN_NOT_OK(ArrowArrayAppendString(
				strings, ArrowCharView(text)));
		}
		NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(list));
		NANOARROW_RETURN_NOT_OK(row % 5 ?
						ArrowArrayAppendInt(ints, row) :
						ArrowArrayAppendNull(ints, 1));
		NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(array));
	}
	return ArrowArrayFinishBuildingDefault(array, NULL);
}

static int type_of_rows(struct ArrowSchema *schema)
{
	ArrowSchemaInit(schema);
	NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(schema, 2));
	NANOARROW_RETURN_NOT_OK(
		ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_LIST));
	NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(
		schema->children[0]->children[0], NANOARROW_TYPE_STRING));
	NANOARROW_RETURN_NOT_OK(
		ArrowSchemaSetType(schema->children[1], NANOARROW_TYPE_INT32));
	return NANOARROW_OK;
}

static void all_buffers_of_an_array_count(void **state)
{
	struct fixture *f = *state;
	struct ArrowSchema schema;
	struct ArrowArray array;

	assert_int_equal(type_of_rows(&schema), NANOARROW_OK);
	assert_true(porter_bytes_used(structs) > 0);
	assert_int_equal(build(&array, &schema, f->a, 3000), NANOARROW_OK);
	assert_true(porter_bytes_used(f->t) > 3000 * 4);
	assert_int_equal(porter_bytes_used(f->t), capacities(&array));
	assert_int_equal(((const int32_t *)array.children[1]->buffers[1])[2999],
			 2999);
	ArrowArrayRelease(&array);
	assert_int_equal(porter_bytes_used(f->t), 0);
	ArrowSchemaRelease(&schema);
	assert_int_equal(porter_bytes_used(structs), 0);
}

/* As adapt-nanoarrow.h says: they are on nanoarrow's own, here the structs'. */
static void variadic_buffers_are_not_reached(void **state)
{
	struct fixture *f = *state;
	struct ArrowArray array;
	char text[1000] = "";
	int64_t before;

	assert_int_equal(
		ArrowArrayInitFromType(&array, NANOARROW_TYPE_STRING_VIEW),
		NANOARROW_OK);
	porter_nanoarrow_set(&array, f->a);
	assert_int_equal(ArrowArrayStartAppending(&array), NANOARROW_OK);
	before = porter_bytes_used(structs);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
			ArrowArrayAppendString(&array, ArrowCharView("short")),
			NANOARROW_OK);
	assert_int_equal(porter_bytes_used(f->t), capacities(&array));
	assert_true(porter_bytes_used(f->t) >= 100 * 16);
	assert_int_equal(porter_bytes_used(structs), before);
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
			ArrowArrayAppendString(&array, ArrowCharView(text)),
			NANOARROW_OK);
	assert_int_equal(porter_bytes_used(f->t), capacities(&array));
	assert_true(porter_bytes_used(f->t) < 100 * 999);
	assert_true(porter_bytes_used(structs) - before >= 100 * 999);
	ArrowArrayRelease(&array);
	assert_int_equal(porter_bytes_used(structs), 0);
}

/* The n-th block of a buffer is refused: ENOMEM, and nothing is lost. */
static void buffers_survive_every_refusal(void **state)
{
	struct fixture *f = *state;
	struct ArrowSchema schema;
	int code = ENOMEM;
	size_t n;

	assert_int_equal(type_of_rows(&schema), NANOARROW_OK);
	for (n = 1; code == ENOMEM; n++) {
		struct ArrowArray array;

		f->picky.fail_at = f->picky.requests + n;
		code = build(&array, &schema, f->a, 300);
		ArrowArrayRelease(&array);
		assert_int_equal(porter_bytes_used(f->t), 0);
	}
	assert_int_equal(code, NANOARROW_OK);
	assert_true(n > 15);
	ArrowSchemaRelease(&schema);
	assert_int_equal(porter_bytes_used(structs), 0);
}

/*
 * Of nanoarrow's structs, those of schemas. Making an array without memory,
 * version 0.7 loses a part of it, or writes to what it did not get.
 */
static void schemas_survive_every_refusal(void **state)
{
	struct fixture *f = *state;
	int code = ENOMEM;
	size_t n;

	for (n = 1; code == ENOMEM; n++) {
		struct ArrowSchema schema;

		f->below_structs.fail_at = f->below_structs.requests + n;
		code = type_of_rows(&schema);
		ArrowSchemaRelease(&schema);
		assert_int_equal(porter_bytes_used(structs), 0);
	}
	assert_int_equal(code, NANOARROW_OK);
	assert_true(n > 8);
}

/* ---- Threads ---- */

struct shared {
	struct ArrowArray arrays[4];
	porter_allocator *a;
};

static void build_one(void *arg, size_t number)
{
	struct shared *s = arg;
	struct ArrowSchema schema;

	must(type_of_rows(&schema) == NANOARROW_OK);
	for (int i = 0; i < 20; i++) {
		if (i)
			ArrowArrayRelease(&s->arrays[number]);
		must(build(&s->arrays[number], &schema, s->a, 400) ==
		     NANOARROW_OK);
	}
	ArrowSchemaRelease(&schema);
}

static void release_another(void *arg, size_t number)
{
	struct shared *s = arg;

	ArrowArrayRelease(&s->arrays[(number + 1) % ARRAY_SIZE(s->arrays)]);
}

static void counts_right_under_threads(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct shared s = { .a = porter_tracked_allocator(t) };
	int64_t sum = 0;

	(void)state;
	assert_true(in_threads(ARRAY_SIZE(s.arrays), build_one, &s));
	for (size_t i = 0; i < ARRAY_SIZE(s.arrays); i++)
		sum += capacities(&s.arrays[i]);
	assert_int_equal(porter_bytes_used(t), sum);
	assert_true(in_threads(ARRAY_SIZE(s.arrays), release_another, &s));
	assert_int_equal(left_at_destroy(t), 0);
	assert_int_equal(porter_bytes_used(structs), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_buffer_counts_its_padded_capacity),
		TEST(an_empty_buffer_is_nothing),
		TEST(a_block_that_cannot_grow_is_not_lost),
		TEST(all_buffers_of_an_array_count),
		TEST(variadic_buffers_are_not_reached),
		TEST(buffers_survive_every_refusal),
		TEST(schemas_survive_every_refusal),
		TEST(counts_right_under_threads),
	};

	return run_all("nanoarrow", tests);
}
