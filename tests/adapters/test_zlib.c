/* SPDX-License-Identifier: MIT */
/*
 * test_zlib.c: zlib on a tracked allocator.
 */
#include "trial.h"

#include <portermem/adapt-zlib.h>

#include "text.h"

enum { SIZE = 50000 };

/* What a step of zlib says: true, or false without memory. */
static bool went_well(int code, int wanted)
{
	must(code == wanted || code == Z_MEM_ERROR);
	return code == wanted;
}

/* The compressed size, or 0 without memory. A copy does the second half. */
static size_t compress_both(porter_tracked *t, char *plain, char *packed,
			    size_t space)
{
	z_stream first = { 0 }, second = { 0 };
	size_t size = 0;

	porter_zlib_use(t, &first);
	if (!went_well(deflateInit(&first, Z_BEST_COMPRESSION), Z_OK))
		return 0;
	first.next_in = (Bytef *)plain;
	first.avail_in = SIZE / 2;
	first.next_out = (Bytef *)packed;
	first.avail_out = (uInt)space;
	must(deflate(&first, Z_NO_FLUSH) == Z_OK);
	trial_holds(t);
	if (went_well(deflateCopy(&second, &first), Z_OK)) {
		second.avail_in = SIZE - SIZE / 2;
		must(deflate(&second, Z_FINISH) == Z_STREAM_END);
		size = second.total_out;
		must(deflateEnd(&second) == Z_OK);
	}
	must(deflateEnd(&first) == Z_DATA_ERROR); /* not finished */
	return size;
}

static bool decompress(porter_tracked *t, char *packed, size_t size,
		       const char *plain)
{
	static __thread char out[SIZE];
	z_stream stream = { 0 };
	bool done = true;

	porter_zlib_use(t, &stream);
	if (!went_well(inflateInit(&stream), Z_OK))
		return false;
	stream.next_in = (Bytef *)packed;
	stream.next_out = (Bytef *)out;
	stream.avail_in = (uInt)size;
	for (int code = Z_OK; done && code != Z_STREAM_END;) {
		stream.avail_out = SIZE / 3 + 1; /* wants a window between */
		code = inflate(&stream, Z_NO_FLUSH);
		trial_holds(t);
		done = code == Z_STREAM_END || went_well(code, Z_OK);
	}
	must(inflateEnd(&stream) == Z_OK);
	must(!done || memcmp(out, plain, SIZE) == 0);
	return done;
}

static bool job(porter_tracked *t)
{
	static __thread char plain[SIZE], packed[2 * SIZE];
	size_t size;

	fill_with_words(plain, SIZE);
	size = compress_both(t, plain, packed, sizeof(packed));
	must(size < SIZE / 2);
	return size > 0 && decompress(t, packed, size, plain);
}

/* zlib has no number; what it asks its hooks for can be added up beside. */
struct beside {
	porter_tracked *t;
	int64_t live;
	size_t sizes[16];
	void *blocks[16];
};

static void *allocate_beside(void *opaque, uInt items, uInt size)
{
	struct beside *b = opaque;

	for (size_t i = 0; i < ARRAY_SIZE(b->blocks); i++) {
		if (b->blocks[i])
			continue;
		b->blocks[i] = porter_zlib_allocate(b->t, items, size);
		b->sizes[i] = (size_t)items * size;
		b->live += (int64_t)b->sizes[i];
		return b->blocks[i];
	}
	return NULL;
}

static void free_beside(void *opaque, void *address)
{
	struct beside *b = opaque;

	for (size_t i = 0; i < ARRAY_SIZE(b->blocks); i++) {
		if (b->blocks[i] != address)
			continue;
		b->blocks[i] = NULL;
		b->live -= (int64_t)b->sizes[i];
	}
	porter_zlib_free(b->t, address);
}

static void counted_is_what_zlib_asks_for(void **state)
{
	struct beside beside = { .t = porter_tracked_new(NULL) };

	(void)state;
	for (int window = 9; window <= 15; window++) {
		z_stream stream = {
			.zalloc = allocate_beside,
			.zfree = free_beside,
			.opaque = &beside,
		};

		assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window, 8,
					      Z_DEFAULT_STRATEGY),
				 Z_OK);
		assert_true(beside.live > 1 << (window + 2));
		assert_int_equal(porter_bytes_used(beside.t), beside.live);
		assert_int_equal(deflateEnd(&stream), Z_OK);
		assert_int_equal(porter_bytes_used(beside.t), 0);
	}
	assert_int_equal(left_at_destroy(beside.t), 0);
}

static void a_product_too_large_is_refused(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);

	(void)state;
	assert_null(porter_zlib_allocate(t, UINT32_MAX, UINT32_MAX));
	assert_int_equal(porter_bytes_used(t), 0);
	assert_int_equal(left_at_destroy(t), 0);
}

int main(void)
{
	static struct adapted zlib = { .job = job, .rounds = 25 };
	static const struct CMUnitTest tests[] = {
		TRIALS(&zlib),
		cmocka_unit_test(counted_is_what_zlib_asks_for),
		cmocka_unit_test(a_product_too_large_is_refused),
	};

	return run_all("zlib adapter", tests);
}
