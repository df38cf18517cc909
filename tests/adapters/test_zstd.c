/* SPDX-License-Identifier: MIT */
/*
 * test_zstd.c: zstd on a tracked allocator.
 *
 * zstd adds up what a context holds; the tracker says the same.
 */
#include "trial.h"

#include <portermem/adapt-zstd.h>

#include "text.h"

#include <zstd_errors.h>

enum { SIZE = 50000 };

/* Each context has its own tracker, over the one that is tried. */
static porter_tracked *over(porter_tracked *t)
{
	porter_tracked *mine = porter_tracked_new(porter_tracked_allocator(t));

	must(mine);
	return mine;
}

/* The compressed size, or 0 without memory. */
static size_t compress(porter_tracked *t, int level, const char *plain,
		       char *packed, size_t space)
{
	porter_tracked *mine = over(t);
	ZSTD_CCtx *context = ZSTD_createCCtx_advanced(porter_zstd_memory(mine));
	size_t size = 0;

	if (context) {
		must(porter_bytes_used(mine) ==
		     (int64_t)ZSTD_sizeof_CCtx(context));
		size = ZSTD_compressCCtx(context, packed, space, plain, SIZE,
					 level);
		if (ZSTD_isError(size)) {
			must(ZSTD_getErrorCode(size) ==
			     ZSTD_error_memory_allocation);
			size = 0;
		}
		trial_holds(t);
		must(porter_bytes_used(mine) ==
		     (int64_t)ZSTD_sizeof_CCtx(context));
		ZSTD_freeCCtx(context);
	}
	must(left_at_destroy(mine) == 0);
	return size;
}

/* Streaming, so that the context needs a window. */
static bool decompress(porter_tracked *t, const char *packed, size_t size,
		       const char *plain)
{
	static __thread char out[SIZE];
	porter_tracked *mine = over(t);
	ZSTD_DCtx *context = ZSTD_createDCtx_advanced(porter_zstd_memory(mine));
	ZSTD_inBuffer from = { packed, size, 0 };
	ZSTD_outBuffer to = { out, SIZE, 0 };
	size_t left = context ? 1 : 0;
	bool done = false;

	while (left != 0 && !ZSTD_isError(left)) {
		from.size = from.pos + 1000 < size ? from.pos + 1000 : size;
		left = ZSTD_decompressStream(context, &to, &from);
		must(porter_bytes_used(mine) ==
		     (int64_t)ZSTD_sizeof_DCtx(context));
	}
	if (context && left == 0) {
		must(to.pos == SIZE && memcmp(out, plain, SIZE) == 0);
		done = true;
	} else if (context) {
		must(ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation);
	}
	ZSTD_freeDCtx(context);
	must(left_at_destroy(mine) == 0);
	return done;
}

static bool job(porter_tracked *t)
{
	static __thread char plain[SIZE], packed[2 * SIZE];

	fill_with_words(plain, SIZE);
	for (int level = 1; level <= 16; level += 5) {
		size_t size = compress(t, level, plain, packed, sizeof(packed));

		must(size < SIZE / 2);
		if (size == 0 || !decompress(t, packed, size, plain))
			return false;
	}
	return true;
}

static void dictionaries_equal_zstds_count(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	char words[SIZE];
	ZSTD_CDict *dictionary;

	(void)state;
	assert_non_null(t);
	fill_with_words(words, SIZE);
	dictionary = ZSTD_createCDict_advanced(
		words, SIZE, ZSTD_dlm_byCopy, ZSTD_dct_rawContent,
		ZSTD_getCParams(3, 0, SIZE), porter_zstd_memory(t));
	assert_non_null(dictionary);
	assert_true(porter_bytes_used(t) > SIZE);
	assert_int_equal(porter_bytes_used(t), ZSTD_sizeof_CDict(dictionary));
	ZSTD_freeCDict(dictionary);
	assert_int_equal(left_at_destroy(t), 0);
}

static void threads_of_zstd_equal_its_count(void **state)
{
	enum { MUCH = 8 << 20 };
	static char plain[MUCH], packed[MUCH];
	porter_tracked *t = porter_tracked_new(NULL);
	ZSTD_CCtx *context = ZSTD_createCCtx_advanced(porter_zstd_memory(t));

	(void)state;
	fill_with_words(plain, MUCH);
	assert_non_null(context);
	if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 2)))
		skip_because("this zstd has no threads");
	for (int i = 0; i < 3; i++)
		assert_false(ZSTD_isError(ZSTD_compress2(
			context, packed, sizeof(packed), plain, MUCH)));
	assert_true(porter_bytes_used(t) > MUCH);
	assert_int_equal(porter_bytes_used(t), ZSTD_sizeof_CCtx(context));
	ZSTD_freeCCtx(context);
	assert_int_equal(left_at_destroy(t), 0);
}

int main(void)
{
	static struct adapted zstd = { .job = job, .rounds = 10 };
	static const struct CMUnitTest tests[] = {
		TRIALS(&zstd),
		cmocka_unit_test(dictionaries_equal_zstds_count),
		cmocka_unit_test(threads_of_zstd_equal_its_count),
	};

	return run_all("zstd adapter", tests);
}
