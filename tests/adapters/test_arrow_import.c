/* SPDX-License-Identifier: MIT */
/*
 * test_arrow_import.c: arrays from elsewhere count as long as they live.
 *
 * The producer is this test, so that it sees how often it is asked to release;
 * tests/adapters/roundtrip.py has a real one, with sizes of its own.
 */
#include "support.h"

#include <portermem/adapt-arrow.h>

#include <string.h>

/* ---- A malloc that fails ---- */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static long malloc_left = -1; /* -1: it does not fail */

void *__wrap_malloc(size_t size)
{
	if (malloc_left >= 0 && malloc_left-- == 0) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_malloc(size);
}

/* ---- A producer ---- */

static int releases; /* in one thread */

static void release_schema(struct ArrowSchema *schema)
{
	schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
	must(array->private_data == array->buffers);
	for (int64_t i = 0; i < array->n_children; i++)
		if (array->children[i]->release)
			array->children[i]->release(array->children[i]);
	if (array->dictionary && array->dictionary->release)
		array->dictionary->release(array->dictionary);
	releases++;
	array->release = NULL;
}

static struct ArrowSchema schema_of(const char *format)
{
	return (struct ArrowSchema){ .format = format,
				     .release = release_schema };
}

static struct ArrowArray array_of(int64_t length, int64_t offset,
				  int64_t n_buffers, const void **buffers)
{
	return (struct ArrowArray){
		.length = length,
		.offset = offset,
		.n_buffers = n_buffers,
		.buffers = buffers,
		.release = release_array,
		.private_data = buffers,
	};
}

/* A struct of an int32 column and one of strings with a dictionary. */
struct tree {
	struct ArrowSchema table_type, int_type, index_type, string_type;
	struct ArrowArray table, ints, indices, strings;
	struct ArrowSchema *types[2];
	struct ArrowArray *columns[2];
	const void *table_buffers[1], *int_buffers[2], *index_buffers[2],
		*string_buffers[3];
};

static const int32_t offsets[] = { 0, 3, 3, 10 };
enum { INT_BYTES = 40 + 2, INDEX_BYTES = 10, STRING_BYTES = 16 + 10 };
enum { TREE_BYTES = INT_BYTES + INDEX_BYTES + STRING_BYTES };

static void plant(struct tree *t)
{
	static const char some[64];

	*t = (struct tree){
		.int_buffers = { some, some },
		.index_buffers = { NULL, some },
		.string_buffers = { NULL, offsets, some },
		.table_type = schema_of("+s"),
		.int_type = schema_of("i"),
		.index_type = schema_of("c"),
		.string_type = schema_of("u"),
		.table = array_of(10, 0, 1, t->table_buffers),
		.ints = array_of(10, 0, 2, t->int_buffers),
		.indices = array_of(10, 0, 2, t->index_buffers),
		.strings = array_of(3, 0, 3, t->string_buffers),
	};
	t->types[0] = &t->int_type;
	t->types[1] = &t->index_type;
	t->columns[0] = &t->ints;
	t->columns[1] = &t->indices;
	t->table_type.n_children = t->table.n_children = 2;
	t->table_type.children = t->types;
	t->table.children = t->columns;
	t->index_type.dictionary = &t->string_type;
	t->indices.dictionary = &t->strings;
	releases = 0;
}

/* ---- What is counted ---- */

static void sizes_follow_from_the_format(void **state)
{
	static const int64_t wide[] = { 0, 4, 8, 9, 20, 20, 21, 30 };
	static const int32_t narrow[] = { 0, 4, 8, 9, 20, 20, 21, 30 };
	static const int64_t variadic[] = { 100, 1000 };
	static const struct {
		const char *format;
		int64_t n_buffers, bytes;
		const void *buffers[5];
	} all[] = {
		/* 5 values after 2 that are skipped: 7; a bit each is a byte */
		{ "n", 0, 0, { NULL } },
		{ "b", 2, 1 + 1, { wide, wide } },
		{ "c", 2, 1 + 7, { wide, wide } },
		{ "C", 2, 7, { NULL, wide } },
		{ "s", 2, 14, { NULL, wide } },
		{ "S", 2, 14, { NULL, wide } },
		{ "e", 2, 14, { NULL, wide } },
		{ "i", 2, 28, { NULL, wide } },
		{ "I", 2, 28, { NULL, wide } },
		{ "f", 2, 28, { NULL, wide } },
		{ "l", 2, 56, { NULL, wide } },
		{ "L", 2, 56, { NULL, wide } },
		{ "g", 2, 56, { NULL, wide } },
		{ "i", 2, 0, { NULL, NULL } },
		{ "w:3", 2, 21, { NULL, wide } },
		{ "w:0", 2, 0, { NULL, wide } },
		{ "d:10,2", 2, 112, { NULL, wide } },
		{ "d:10,2,256", 2, 224, { NULL, wide } },
		{ "d:9,2,32", 2, 28, { NULL, wide } },
		{ "tdD", 2, 28, { NULL, wide } },
		{ "tdm", 2, 56, { NULL, wide } },
		{ "tts", 2, 28, { NULL, wide } },
		{ "ttn", 2, 56, { NULL, wide } },
		{ "tss:", 2, 56, { NULL, wide } },
		{ "tsu:Europe/Rome", 2, 56, { NULL, wide } },
		{ "tDm", 2, 56, { NULL, wide } },
		{ "tiM", 2, 28, { NULL, wide } },
		{ "tiD", 2, 56, { NULL, wide } },
		{ "tin", 2, 112, { NULL, wide } },
		{ "u", 3, 1 + 32 + 30, { wide, narrow, wide } },
		{ "z", 3, 32 + 30, { NULL, narrow, wide } },
		{ "U", 3, 64 + 30, { NULL, wide, wide } },
		{ "Z", 3, 64, { NULL, wide, NULL } },
		{ "u", 3, 0, { NULL, NULL, wide } },
		{ "vu", 5, 112 + 1100, { 0, wide, wide, wide, variadic } },
		{ "vz", 3, 112, { NULL, wide, variadic } },
		{ "+l", 2, 1 + 32, { wide, narrow } },
		{ "+m", 2, 32, { NULL, narrow } },
		{ "+L", 2, 64, { NULL, wide } },
		{ "+vl", 3, 28 + 28, { NULL, wide, wide } },
		{ "+vL", 3, 56 + 56, { NULL, wide, wide } },
		{ "+w:3", 1, 1, { wide } },
		{ "+s", 1, 1, { wide } },
		{ "+ud:0,1", 2, 7 + 28, { wide, wide } },
		{ "+us:0,1", 1, 7, { wide } },
		{ "+r", 0, 0, { NULL } },
	};
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const void *buffers[5];
		struct ArrowSchema schema = schema_of(all[i].format);
		struct ArrowArray array =
			array_of(5, 2, all[i].n_buffers, buffers);

		memcpy(buffers, all[i].buffers, sizeof(buffers));
		errno = 0;
		if (porter_arrow_import_charge(t, &schema, &array) != 0)
			fail_msg("%s: %s", all[i].format, strerror(errno));
		if (porter_bytes_used(t) != all[i].bytes)
			fail_msg("%s: %d bytes, not %d", all[i].format,
				 (int)porter_bytes_used(t), (int)all[i].bytes);
		array.release(&array);
		assert_null(array.release);
		assert_int_equal(porter_bytes_used(t), 0);
	}
	assert_int_equal(left_at_destroy(t), 0);
}

/* Where there are no values, a producer may export any address. */
static void without_values_nothing_is_read(void **state)
{
	static const struct {
		const char *format;
		int64_t n_buffers, bytes; /* after 2 that are skipped */
	} all[] = {
		{ "i", 2, 0 },	 { "b", 2, 0 },	    { "vu", 3, 0 },
		{ "+s", 1, 0 },	 { "+us:0", 1, 0 }, { "+ud:0", 2, 0 },
		{ "u", 3, 12 },	 { "z", 3, 12 },    { "U", 3, 24 },
		{ "Z", 3, 24 },	 { "+l", 2, 12 },   { "+m", 2, 12 },
		{ "+L", 2, 24 }, { "+vl", 3, 16 },  { "+vL", 3, 32 },
	};
	const void *const nowhere = (const void *)(uintptr_t)64;
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const void *buffers[3] = { nowhere, nowhere, nowhere };
		struct ArrowSchema schema = schema_of(all[i].format);
		struct ArrowArray array =
			array_of(0, 2, all[i].n_buffers, buffers);

		assert_int_equal(porter_arrow_import_charge(t, &schema, &array),
				 0);
		if (porter_bytes_used(t) != all[i].bytes)
			fail_msg("%s: %d bytes, not %d", all[i].format,
				 (int)porter_bytes_used(t), (int)all[i].bytes);
		array.release(&array);
	}
	assert_int_equal(left_at_destroy(t), 0);
}

static void children_and_dictionaries_count(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct porter_stats stats = { .size = sizeof(stats) };
	struct tree tree;
	struct ArrowArray moved;

	(void)state;
	plant(&tree);
	assert_int_equal(
		porter_arrow_import_charge(t, &tree.table_type, &tree.table),
		0);
	assert_int_equal(porter_bytes_used(t), TREE_BYTES);
	moved = tree.table;
	tree.table.release = NULL;
	moved.release(&moved);
	assert_int_equal(releases, 4);
	assert_int_equal(porter_tracked_stats(t, &stats), 0);
	assert_int_equal(stats.allocations, 4);
	assert_int_equal(stats.frees, 4);
	assert_int_equal(left_at_destroy(t), 0);
}

static void a_child_moved_out_counts_until_it_goes(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct tree tree;
	struct ArrowArray child;

	(void)state;
	plant(&tree);
	assert_int_equal(
		porter_arrow_import_charge(t, &tree.table_type, &tree.table),
		0);
	child = tree.indices;
	tree.indices.release = NULL;
	tree.table.release(&tree.table);
	assert_int_equal(releases, 2);
	assert_int_equal(porter_bytes_used(t), INDEX_BYTES + STRING_BYTES);
	child.release(&child);
	assert_int_equal(releases, 4);
	assert_int_equal(left_at_destroy(t), 0);
}

static void two_trackers_and_the_one_below_count(void **state)
{
	porter_tracked *whole = porter_tracked_new(NULL);
	porter_tracked *part =
		porter_tracked_new(porter_tracked_allocator(whole));
	porter_tracked *other = porter_tracked_new(NULL);
	struct tree tree;

	(void)state;
	plant(&tree);
	assert_int_equal(
		porter_arrow_import_charge(part, &tree.table_type, &tree.table),
		0);
	assert_int_equal(porter_arrow_import_charge(other, &tree.table_type,
						    &tree.table),
			 0);
	assert_int_equal(porter_bytes_used(part), TREE_BYTES);
	assert_int_equal(porter_bytes_used(whole), TREE_BYTES);
	assert_int_equal(porter_bytes_used(other), TREE_BYTES);
	tree.table.release(&tree.table);
	assert_int_equal(releases, 4);
	assert_int_equal(left_at_destroy(part), 0);
	assert_int_equal(left_at_destroy(whole), 0);
	assert_int_equal(left_at_destroy(other), 0);
}

/* ---- What is refused ---- */

static void assert_refused(porter_tracked *t, struct tree *tree, int error)
{
	const struct tree before = *tree;

	errno = 0;
	assert_int_equal(
		porter_arrow_import_charge(t, &tree->table_type, &tree->table),
		-1);
	assert_int_equal(errno, error);
	assert_memory_equal(tree, &before, sizeof(before));
	assert_int_equal(porter_bytes_used(t), 0);
}

static void wrong_arrays_change_nothing(void **state)
{
	static const char *const unknown[] = {
		"",	     "?",
		"ii",	     "w",
		"w:",	     "w:-1",
		"w:x",	     "w:99999999999",
		"d",	     "d:10",
		"tdX",	     "t",
		"ts",	     "tss",
		"td",	     "tdm tdD",
		"v",	     "vx",
		"+",	     "+x",
		"d:10,2,-8", "d:10,2,99999999",
	};
	porter_tracked *t = porter_tracked_new(NULL);
	struct tree tree;

	(void)state;
	plant(&tree);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		tree.string_type.format = unknown[i];
		assert_refused(t, &tree, EINVAL);
	}
#define REFUSED(member, value)                    \
	do {                                      \
		plant(&tree);                     \
		tree.member = (value);            \
		assert_refused(t, &tree, EINVAL); \
	} while (0)
	REFUSED(string_type.format, NULL);
	REFUSED(strings.length, -1);
	REFUSED(strings.length, INT64_MAX);
	REFUSED(strings.offset, -1);
	REFUSED(strings.offset, INT64_MAX);
	REFUSED(ints.length, INT64_MAX / 16);
#if PTRDIFF_MAX < INT64_MAX
	REFUSED(ints.length, (int64_t)PTRDIFF_MAX / 4 + 1);
	REFUSED(ints.length, (int64_t)1 << 32);
#endif
	REFUSED(strings.n_buffers, 2);
	REFUSED(strings.buffers, NULL);
	REFUSED(strings.release, NULL);
	REFUSED(string_type.release, NULL);
	REFUSED(indices.dictionary, NULL);
	REFUSED(index_type.dictionary, NULL);
	REFUSED(table.n_children, 1);
	REFUSED(table_type.n_children, 1);
	REFUSED(table.children, NULL);
	REFUSED(columns[1], NULL);
	REFUSED(types[1], NULL);
#undef REFUSED
	plant(&tree);
	errno = 0;
	assert_int_equal(
		porter_arrow_import_charge(NULL, &tree.table_type, &tree.table),
		-1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(porter_arrow_import_charge(t, NULL, &tree.table), -1);
	assert_int_equal(porter_arrow_import_charge(t, &tree.table_type, NULL),
			 -1);
	assert_int_equal(left_at_destroy(t), 0);
}

static void without_memory_nothing_changes(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct tree tree;

	(void)state;
	for (long n = 0; n < 4; n++) {
		plant(&tree);
		malloc_left = n;
		assert_refused(t, &tree, ENOMEM);
		malloc_left = -1;
		tree.table.release(&tree.table);
		assert_int_equal(releases, 4);
	}
	assert_int_equal(left_at_destroy(t), 0);
}

static void a_limit_refuses(void **state)
{
	struct tree tree;

	(void)state;
	for (int limit = 1; limit <= TREE_BYTES; limit++) {
		const struct porter_tracked_options o = { .size = sizeof(o),
							  .limit = limit };
		porter_tracked *t = porter_tracked_new_with(NULL, &o);

		plant(&tree);
		if (limit < TREE_BYTES) {
			assert_refused(t, &tree, ENOMEM);
		} else {
			assert_int_equal(
				porter_arrow_import_charge(t, &tree.table_type,
							   &tree.table),
				0);
			assert_int_equal(porter_bytes_used(t), TREE_BYTES);
		}
		tree.table.release(&tree.table);
		assert_int_equal(releases, 4);
		assert_int_equal(left_at_destroy(t), 0);
	}
}

/* ---- Threads ---- */

static void release_quietly(struct ArrowArray *array)
{
	array->release = NULL;
}

static void charge_and_release(void *arg, size_t number)
{
	porter_tracked *t = arg;

	(void)number;
	for (int i = 0; i < 2000; i++) {
		const void *buffers[2] = { NULL, &buffers };
		struct ArrowSchema schema = schema_of("i");
		struct ArrowArray array = array_of(1000, 0, 2, buffers);

		array.release = release_quietly;
		must(porter_arrow_import_charge(t, &schema, &array) == 0);
		must(porter_bytes_used(t) >= 4000);
		array.release(&array);
		must(!array.release);
	}
}

static void counts_right_under_threads(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	assert_true(in_threads(4, charge_and_release, t));
	assert_int_equal(porter_bytes_used(t), 0);
	assert_int_equal(left_at_destroy(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_follow_from_the_format),
		cmocka_unit_test(without_values_nothing_is_read),
		cmocka_unit_test(children_and_dictionaries_count),
		cmocka_unit_test(a_child_moved_out_counts_until_it_goes),
		cmocka_unit_test(two_trackers_and_the_one_below_count),
		cmocka_unit_test(wrong_arrays_change_nothing),
		cmocka_unit_test(without_memory_nothing_changes),
		cmocka_unit_test(a_limit_refuses),
		cmocka_unit_test(counts_right_under_threads),
	};

	return run_all("Arrow import", tests);
}
