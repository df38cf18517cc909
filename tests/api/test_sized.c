/* SPDX-License-Identifier: MIT */
/*
 * Structs that begin with their size, from programs that were compiled with a later
 * version: what the library does not know must not be asked of it, and is not told.
 */
#include "support.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LATER = 40 };

/* Any struct that begins with its size, and what later versions have behind it. */
struct longer {
	union {
		size_t size;
		struct porter_tracked_options options;
		struct porter_watch watch;
		struct porter_stats stats;
		struct porter_refusal refusal;
		struct porter_watch_event event;
		struct porter_process_usage process;
	} known;
	char later[LATER];
};

/* ---- What the library reads ---- */

static int make_tracker(void *o)
{
	porter_tracked *t = porter_tracked_new_with(NULL, o);

	return t ? (int)left_at_destroy(t) : -1;
}

static int make_watch(void *w)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int number = porter_watch_add(t, w);

	return left_at_destroy(t) == 0 && number >= 0 ? 0 : -1;
}

static void expect_refused(int (*use)(void *), void *bytes)
{
	errno = 0;
	assert_int_equal(use(bytes), -1);
	assert_int_equal(errno, EINVAL);
}

/* Each byte behind what is known is looked at, and no other. */
static void try_later(const void *known, size_t size, int (*use)(void *))
{
	size_t all = size + LATER;
	char *bytes = calloc(1, all + 1);

	must(bytes);
	memcpy(bytes, known, size);
	memcpy(bytes, &all, sizeof(all));
	bytes[all] = 1;
	assert_int_equal(use(bytes), 0);
	for (size_t i = size; i < all; i++) {
		bytes[i] = (char)0x80;
		expect_refused(use, bytes);
		bytes[i] = 0;
	}
	assert_int_equal(use(bytes), 0);
	free(bytes);
}

/* A size that nobody has set; behind the struct there is nothing to be read. */
static void try_any_size(const void *known, size_t size, int (*use)(void *))
{
	static const size_t sizes[] = { 1 << 20, SIZE_MAX / 2, SIZE_MAX };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *bytes = pages + page - size;

	must(pages != MAP_FAILED);
	must(mprotect(pages + page, page, PROT_NONE) == 0);
	memcpy(bytes, known, size);
	assert_int_equal(use(bytes), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		memcpy(bytes, &sizes[i], sizeof(sizes[i]));
		expect_refused(use, bytes);
	}
	must(munmap(pages, 2 * page) == 0);
}

static void what_is_not_known_must_not_be_asked_for(void **state)
{
	const struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	struct porter_watch w = PORTER_WATCH_INIT;

	(void)state;
	w.high = 100;
	try_later(&o, sizeof(o), make_tracker);
	try_later(&w, sizeof(w), make_watch);
	try_any_size(&o, sizeof(o), make_tracker);
	try_any_size(&w, sizeof(w), make_watch);
}

static void reserved_must_be_zero(void **state)
{
	struct porter_watch w = PORTER_WATCH_INIT;

	(void)state;
	w.high = 100;
	assert_int_equal(make_watch(&w), 0);
	w.reserved = 1;
	expect_refused(make_watch, &w);
}

/* ---- What the library writes ---- */

static porter_tracked *tracker;

static int read_stats(void *out)
{
	return porter_tracked_stats(tracker, out);
}

static int read_refusal(void *out)
{
	must(porter_charge(tracker, 1000) == -1);
	return porter_last_refusal(out);
}

static int read_event(void *out)
{
	struct porter_watch w = PORTER_WATCH_INIT;
	int number, result;

	w.high = 10;
	number = porter_watch_add(tracker, &w);
	must(porter_charge(tracker, 20) == 0);
	result = porter_watch_read(tracker, number, out);
	porter_refund(tracker, 20);
	must(porter_watch_remove(tracker, number) == 0);
	return result;
}

static int read_process(void *out)
{
	return porter_process_memory(out);
}

/* What is behind the struct is 0, and behind that nothing was written. */
static void expect_rest_of_zeroes(size_t size, int (*read)(void *))
{
	char bytes[sizeof(struct longer) + 1];
	size_t all = size + LATER;

	memset(bytes, 0x5a, sizeof(bytes));
	memcpy(bytes, &all, sizeof(all));
	assert_int_equal(read(bytes), 0);
	assert_memory_equal(bytes, &all, sizeof(all));
	for (size_t i = size; i < all; i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(bytes[all], 0x5a);
}

/* No byte is what happened to be on the stack: there is no padding. */
static void expect_each_byte_written(size_t size, int (*read)(void *))
{
	char twice[2][sizeof(struct longer)];

	for (int i = 0; i < 2; i++) {
		memset(twice[i], i ? 0x5a : 0xa5, sizeof(twice[i]));
		memcpy(twice[i], &size, sizeof(size));
		assert_int_equal(read(twice[i]), 0);
	}
	for (size_t i = 0; i < size; i++)
		assert_false(twice[0][i] == (char)0xa5 && twice[1][i] == 0x5a);
}

static void what_is_not_known_is_zero(void **state)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	static const struct {
		size_t size;
		int (*read)(void *out);
	} all[] = {
		{ sizeof(struct porter_stats), read_stats },
		{ sizeof(struct porter_refusal), read_refusal },
		{ sizeof(struct porter_watch_event), read_event },
		{ sizeof(struct porter_process_usage), read_process },
	};

	(void)state;
	o.limit = 100;
	tracker = porter_tracked_new_with(NULL, &o);
	must(tracker);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		expect_rest_of_zeroes(all[i].size, all[i].read);
		expect_each_byte_written(all[i].size, all[i].read);
	}
	assert_int_equal(left_at_destroy(tracker), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_must_not_be_asked_for),
		cmocka_unit_test(reserved_must_be_zero),
		cmocka_unit_test(what_is_not_known_is_zero),
	};

	return run_all("sized", tests);
}
