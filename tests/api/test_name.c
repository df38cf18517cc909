/* SPDX-License-Identifier: MIT */
/*
 * Names of trackers: copied, and cut between characters where they are too long.
 */
#include "support.h"

#include <string.h>

enum { MOST = PORTER_NAME_SIZE - 1, ROOM = 400 };

/* What the tracker says its name is. */
static void name_becomes(const char *name, char *out)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *t;

	o.name = name;
	t = porter_tracked_new_with(NULL, &o);
	must(t);
	strcpy(out, porter_tracked_name(t));
	assert_int_equal(left_at_destroy(t), 0);
}

static void assert_is_prefix(const char *out, const char *name)
{
	assert_true(strlen(out) <= MOST);
	assert_int_equal(strncmp(out, name, strlen(out)), 0);
}

static void a_name_that_fits_is_kept_whole(void **state)
{
	char name[ROOM] = "", out[ROOM];

	(void)state;
	for (size_t length = 0; length <= MOST; length++) {
		name_becomes(name, out);
		assert_string_equal(out, name);
		name[length] = 'a';
		name[length + 1] = '\0';
	}
	/* Whole characters up to the last byte. */
	strcpy(name, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		     "aaaaaaaaaaaaaaaaaaaa\xe2\x82\xac");
	assert_int_equal(strlen(name), MOST);
	name_becomes(name, out);
	assert_string_equal(out, name);
}

/* A character of each length, at each distance from where the name ends. */
static void a_long_name_is_cut_between_characters(void **state)
{
	static const char *const characters[] = {
		"x",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xef\xbf\xbd",
		"\xf0\x9f\x98\x80",
		"\xf4\x8f\xbf\xbf",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
		size_t length = strlen(characters[i]);

		for (size_t before = 0; before < 8; before++) {
			char name[ROOM] = "", out[ROOM];
			size_t whole = (MOST - before) / length;

			memset(name, 'a', before);
			while (strlen(name) < 2 * MOST)
				strcat(name, characters[i]);
			name_becomes(name, out);
			assert_is_prefix(out, name);
			if (strlen(out) != before + whole * length)
				fail_msg("character %zu after %zu: %zu bytes",
					 i, before, strlen(out));
		}
	}
}

/* Names are told in other places, too: as they were cut. */
static void a_refusal_tells_the_name_as_it_was_cut(void **state)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	struct porter_refusal r = PORTER_REFUSAL_INIT;
	char name[ROOM] = "", out[ROOM];
	porter_tracked *t;

	(void)state;
	while (strlen(name) < 2 * MOST)
		strcat(name, "\xe2\x82\xac");
	name_becomes(name, out);
	o.name = name;
	o.limit = 1;
	t = porter_tracked_new_with(NULL, &o);
	must(t);
	assert_int_equal(porter_charge(t, 2), -1);
	assert_int_equal(porter_last_refusal(&r), 0);
	assert_string_equal(r.name, out);
	assert_string_equal(r.asked_name, out);
	assert_int_equal(strlen(r.name), MOST / 3 * 3);
	assert_int_equal(left_at_destroy(t), 0);
}

static void what_is_no_text_is_copied_and_cut_somewhere(void **state)
{
	uint64_t random = random_seed();

	(void)state;
	for (size_t i = scaled(20000); i > 0; i--) {
		char name[ROOM], out[ROOM];
		size_t length = random_below(&random, 2 * MOST);
		/* Mostly what continues or begins a character. */
		unsigned char least = i % 3 ? 0x80 : 1;

		for (size_t k = 0; k < length; k++)
			name[k] = (char)(least +
					 random_below(&random, 256u - least));
		name[length] = '\0';
		name_becomes(name, out);
		assert_is_prefix(out, name);
		if (length <= MOST)
			assert_int_equal(strlen(out), length);
		else
			assert_true(strlen(out) >= MOST - 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_fits_is_kept_whole),
		cmocka_unit_test(a_long_name_is_cut_between_characters),
		cmocka_unit_test(a_refusal_tells_the_name_as_it_was_cut),
		cmocka_unit_test(what_is_no_text_is_copied_and_cut_somewhere),
	};

	return run_all("name", tests);
}
