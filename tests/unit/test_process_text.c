/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's files about memory say: lines of real machines, lines
 * that were cut off, and bytes that mean nothing at all.
 *
 * Each line is parsed from a block of memory that ends where the line ends,
 * so that a sanitizer sees a step beyond.
 */
#include "support.h"

#include "0-machine/process-text.h"

#include <inttypes.h>
#include <string.h>

/* A copy that ends where the text ends. */
static struct text exactly(const char *at, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, at, length);
	return (struct text){ length ? copy : copy + 1, length };
}

static void drop(struct text text)
{
	free((char *)text.at - (text.length ? 0 : 1));
}

/* ---- Numbers ---- */

static const struct number {
	const char *line;
	int64_t expected;
} bytes[] = {
	{ "0", 0 },
	{ "4096", 4096 },
	{ "268435456", 268435456 },
	{ "max", INT64_MAX },
	{ "9223372036854771712", INT64_C(9223372036854771712) },
	{ "9223372036854775807", INT64_MAX },
	{ "9223372036854775808", -1 },
	{ "18446744073709551615", -1 },
	{ "99999999999999999999999999999999", -1 },
	{ "", -1 },
	{ "ma", -1 },
	{ "maxi", -1 },
	{ "-1", -1 },
	{ "+1", -1 },
	{ " 1", -1 },
	{ "1 ", -1 },
	{ "1 2", -1 },
	{ "0x10", -1 },
	{ "12a", -1 },
}, kilobytes[] = {
	{ "VmRSS:\t    1664 kB", 1664 * 1024 },
	{ "VmRSS:\t 4084624 kB", INT64_C(4084624) * 1024 },
	{ "VmRSS:\t       0 kB", 0 },
	{ "VmRSS: 1 kB", 1024 },
	{ "VmRSS:\t9007199254740991 kB", INT64_C(9007199254740991) * 1024 },
	{ "VmRSS:\t9007199254740992 kB", -1 },
	{ "VmRSS:\t99999999999999999999 kB", -1 },
	{ "VmRSS:\t    1664 k", -1 },
	{ "VmRSS:\t    1664", -1 },
	{ "VmRSS:\t    1664 MB", -1 },
	{ "VmRSS:\t    1664 kB ", -1 },
	{ "VmRSS:\t    -664 kB", -1 },
	{ "VmRSS:\t", -1 },
	{ "VmRSS:", -1 },
	{ "VmRSS", -1 },
	{ "", -1 },
	{ "VmHWM:\t    1664 kB", -1 },
	{ "Name:\tVmRSS: 5 kB", -1 },
}, pressures[] = {
	{ "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", 0 },
	{ "some avg10=1.25 avg60=0.20 avg300=0.05 total=43298", 125 },
	{ "some avg10=0.07 avg60=9.99 avg300=9.99 total=1", 7 },
	{ "some avg10=99.22 avg60=80.00 avg300=40.01 total=18446744", 9922 },
	{ "some avg10=100.00 avg60=1.00 avg300=1.00 total=1", 10000 },
	{ "some avg10=101.00 avg60=1.00 avg300=1.00 total=1", -1 },
	{ "some avg10=99999999999999999999.00 avg60=1.00", -1 },
	{ "some avg10=1.5 avg60=0.20", -1 },
	{ "some avg10=1.555 avg60=0.20", -1 },
	{ "some avg10=1.x5 avg60=0.20", -1 },
	{ "some avg10=1.-5 avg60=0.20", -1 },
	{ "some avg10=1 avg60=0.20", -1 },
	{ "some avg10=.25 avg60=0.20", -1 },
	{ "some avg10=1.25", -1 },
	{ "some avg10=1.2", -1 },
	{ "some avg10=1.", -1 },
	{ "some avg10=1", -1 },
	{ "some avg10=", -1 },
	{ "some", -1 },
	{ "", -1 },
	{ "some avg60=0.20 avg10=1.25 ", -1 },
	{ "full avg10=1.25 avg60=0.20 avg300=0.05 total=43298", -1 },
};

static void a_limit_is_a_number_or_max(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct text line =
			exactly(bytes[i].line, strlen(bytes[i].line));
		int64_t n = porter__text_bytes(line);

		if (n != bytes[i].expected)
			fail_msg("'%s' gave %" PRId64, bytes[i].line, n);
		drop(line);
	}
}

static void a_line_of_status_is_in_kilobytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kilobytes); i++) {
		struct text line =
			exactly(kilobytes[i].line, strlen(kilobytes[i].line));
		int64_t n = porter__text_kilobytes(line, "VmRSS:");

		if (n != kilobytes[i].expected)
			fail_msg("'%s' gave %" PRId64, kilobytes[i].line, n);
		drop(line);
	}
}

static void a_pressure_is_in_hundredths_of_a_percent(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pressures); i++) {
		struct text line =
			exactly(pressures[i].line, strlen(pressures[i].line));
		int64_t n = porter__text_pressure(line, "some");

		if (n != pressures[i].expected)
			fail_msg("'%s' gave %" PRId64, pressures[i].line, n);
		drop(line);
	}
}

/* ---- Where the cgroup is ---- */

static const struct cgroup {
	const char *line;
	const char *path; /* NULL: not a line of cgroup v2 */
} cgroups[] = {
	{ "0::/", "/" },
	{ "0::/init.scope", "/init.scope" },
	{ "0::/system.slice/cron.service", "/system.slice/cron.service" },
	{ "0::/user.slice/user-0.slice/session-1.scope",
	  "/user.slice/user-0.slice/session-1.scope" },
	{ "0::/system.slice/system-getty.slice/getty@tty1.service",
	  "/system.slice/system-getty.slice/getty@tty1.service" },
	{ "0::/../../kubepods.slice/other", "/../../kubepods.slice/other" },
	{ "0::/gone.scope (deleted)", "/gone.scope (deleted)" },
	{ "0::/a b:c\\d", "/a b:c\\d" },
	{ "1:name=systemd:/init.scope", NULL },
	{ "4:memory:/docker/3f2a", NULL },
	{ "12:cpu,cpuacct:/", NULL },
	{ "10::/x", NULL },
	{ "0:memory:/x", NULL },
	{ "0::", NULL },
	{ "0::x", NULL },
	{ "0:", NULL },
	{ "", NULL },
};

static bool is(struct text text, const char *string)
{
	return text.length == strlen(string) &&
	       memcmp(text.at, string, text.length) == 0;
}

static void a_cgroup_of_v2_is_told_from_those_of_v1(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++) {
		const struct cgroup *c = &cgroups[i];
		struct text line = exactly(c->line, strlen(c->line));
		struct text path;
		bool found = porter__text_cgroup(line, &path);

		if (found != !!c->path || (found && !is(path, c->path)))
			fail_msg("'%s'", c->line);
		drop(line);
	}
}

static const struct mount {
	const char *line;
	const char *root; /* NULL: no mount of cgroup v2 */
	const char *point;
} mounts[] = {
	/* systemd, v2 alone; with and without optional fields */
	{ "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime "
	  "shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot",
	  "/", "/sys/fs/cgroup" },
	{ "38 31 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 "
	  "rw",
	  "/", "/sys/fs/cgroup/unified" },
	{ "41 33 0:30 / /sys/fs/cgroup/unified rw shared:11 master:2 "
	  "propagate_from:7 unbindable - cgroup2 cgroup2 rw",
	  "/", "/sys/fs/cgroup/unified" },
	/* docker, with its own namespace and without */
	{ "1039 1032 0:30 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - "
	  "cgroup2 cgroup rw",
	  "/", "/sys/fs/cgroup" },
	{ "733 732 0:26 /system.slice/docker-3f2a.scope /sys/fs/cgroup "
	  "ro,nosuid - cgroup2 cgroup rw",
	  "/system.slice/docker-3f2a.scope", "/sys/fs/cgroup" },
	{ "733 732 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw", "/../..",
	  "/sys/fs/cgroup" },
	{ "9 8 0:26 /a\\134x2db /mnt/my\\040cgroups rw - cgroup2 none rw",
	  "/a\\134x2db", "/mnt/my\\040cgroups" },
	/* v1, the tmpfs above it, others */
	{ "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:13 - cgroup "
	  "cgroup rw,memory",
	  NULL, NULL },
	{ "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
	  NULL, NULL },
	{ "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw", NULL, NULL },
	{ "50 22 0:44 / /cgroup2 rw - tmpfs cgroup2 rw", NULL, NULL },
	{ "51 22 0:4 mnt:[4026532] /run/ns rw - nsfs nsfs rw", NULL, NULL },
	/* a type that begins like it; fields that are missing */
	{ "35 24 0:30 / /sys/fs/cgroup rw - cgroup22 x rw", NULL, NULL },
	{ "35 24 0:30 / /sys/fs/cgroup rw shared:9 - cgroup2", NULL, NULL },
	{ "35 24 0:30 / /sys/fs/cgroup rw shared:9 -", NULL, NULL },
	{ "35 24 0:30 / /sys/fs/cgroup rw shared:9", NULL, NULL },
	{ "35 24 0:30 / /sys/fs/cgroup", NULL, NULL },
	{ "35 24 0:30 /", NULL, NULL },
	{ "35 24", NULL, NULL },
	{ "", NULL, NULL },
	{ "       - cgroup2 x", NULL, NULL },
	{ "1 2 3 root point - cgroup2 x", NULL, NULL },
	{ "1 2 3 /root point rw - cgroup2 x", NULL, NULL },
	{ "1 2 3 root /point rw - cgroup2 x", NULL, NULL },
};

static void a_mount_of_v2_is_told_from_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		const struct mount *m = &mounts[i];
		struct text line = exactly(m->line, strlen(m->line));
		struct text root, point;
		bool found = porter__text_mount(line, &root, &point);

		if (found != !!m->root ||
		    (found && (!is(root, m->root) || !is(point, m->point))))
			fail_msg("'%s'", m->line);
		drop(line);
	}
}

static void a_line_that_was_cut_off_is_no_other_mount(void **state)
{
	const char *whole = mounts[2].line;

	(void)state;
	for (size_t length = 0; length < strlen(whole); length++) {
		struct text line = exactly(whole, length);
		struct text root, point;

		if (porter__text_mount(line, &root, &point) &&
		    (!is(root, "/") || !is(point, "/sys/fs/cgroup/unified")))
			fail_msg("at %zu", length);
		drop(line);
	}
}

static const struct {
	const char *path, *root;
	const char *below; /* NULL: not below */
} places[] = {
	{ "/", "/", "" },
	{ "/a/b", "/", "/a/b" },
	{ "/a/b", "/a", "/b" },
	{ "/a/b", "/a/b", "" },
	{ "/a/b", "/a/b/c", NULL },
	{ "/a/b", "/b", NULL },
	{ "/ab", "/a", NULL },
	{ "/a", "/ab", NULL },
	{ "/", "/a", NULL },
	{ "/a b/c", "/a\\040b", "/c" },
	{ "/a\\x2db/c", "/a\\134x2db", "/c" },
	{ "/a\\040b/c", "/a\\040b", NULL },
	{ "/a\nb\t", "/a\\012b\\011", "" },
	/* out of the namespace, and back again where the mount shows it */
	{ "/..", "/", NULL },
	{ "/../other", "/", NULL },
	{ "/a/../b", "/", NULL },
	{ "/../other", "/..", "/other" },
	{ "/../../x/y", "/../..", "/x/y" },
	{ "/", "/..", NULL },
	{ "/..a/b..", "/", "/..a/b.." },
	{ "/a/...", "/", "/a/..." },
};

static void a_cgroup_lies_below_the_root_of_its_mount_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *expected = places[i].below;
		struct text path =
			exactly(places[i].path, strlen(places[i].path));
		struct text root =
			exactly(places[i].root, strlen(places[i].root));
		struct text below;
		bool found = porter__text_below(path, root, &below);

		if (found != !!expected || (found && !is(below, expected)))
			fail_msg("'%s' in '%s'", places[i].path,
				 places[i].root);
		drop(path);
		drop(root);
	}
}

static void octal_digits_are_one_character_where_there_are_three(void **state)
{
	static const struct {
		const char *text;
		char expected;
		size_t left;
	} cases[] = {
		{ "\\040x", ' ', 1 },	{ "\\134", '\\', 0 },
		{ "\\377", '\377', 0 }, { "\\400", '\\', 3 },
		{ "\\08", '\\', 2 },	{ "\\048", '\\', 3 },
		{ "\\04", '\\', 2 },	{ "\\0", '\\', 1 },
		{ "\\", '\\', 0 },	{ "\\x2d", '\\', 3 },
		{ "a\\040", 'a', 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text copy =
			exactly(cases[i].text, strlen(cases[i].text));
		struct text rest = copy;
		char c = porter__text_character(&rest);

		if (c != cases[i].expected || rest.length != cases[i].left)
			fail_msg("'%s'", cases[i].text);
		drop(copy);
	}
}

/* ---- Anything at all ---- */

/* Pieces that get further into the parsers than bytes alone would. */
static const char *const pieces[] = { "0::",
				      "/",
				      "/..",
				      "max",
				      "VmRSS:",
				      "\t  ",
				      " kB",
				      "some",
				      " avg10=",
				      ".25 ",
				      "cgroup2 ",
				      " - ",
				      " ",
				      "\\040",
				      "\\",
				      "123456789",
				      "0",
				      "35 24 0:30 ",
				      "/a/b rw",
				      "\n",
				      "99999999",
				      "-",
				      "1.00 ",
				      "1 2 3 / /p rw - cgroup2 x ",
				      "/sys/fs/cgroup" };

static size_t babble(char *text, size_t room, uint64_t *random)
{
	size_t length = 0, want = random_below(random, room);

	while (length < want) {
		const char *piece =
			pieces[random_below(random, ARRAY_SIZE(pieces))];
		size_t n = strlen(piece);

		if (random_below(random, 4) == 0) {
			text[length++] = (char)random_below(random, 256);
		} else if (length + n <= want) {
			memcpy(text + length, piece, n);
			length += n;
		} else {
			break;
		}
	}
	return length;
}

static bool within(struct text inner, struct text outer)
{
	return inner.at >= outer.at &&
	       inner.at + inner.length <= outer.at + outer.length;
}

static void any_bytes_give_a_number_or_none_and_harm_nothing(void **state)
{
	uint64_t seed = random_seed(), random = seed;
	size_t found[3] = { 0, 0, 0 };

	(void)state;
	for (size_t i = 0; i < scaled(300000); i++) {
		char text[96];
		struct text line =
			exactly(text, babble(text, sizeof(text), &random));
		struct text path, root, point, below;
		int64_t some = porter__text_pressure(line, "some");

		assert_true(porter__text_bytes(line) >= -1);
		assert_true(porter__text_kilobytes(line, "VmRSS:") >= -1);
		assert_true(some >= -1 && some < 10100);
		if (porter__text_cgroup(line, &path)) {
			assert_true(within(path, line));
			found[0]++;
		}
		if (porter__text_mount(line, &root, &point)) {
			assert_true(within(root, line));
			assert_true(within(point, line));
			found[1]++;
		}
		path = line;
		root = line;
		path.length = random_below(&random, line.length + 1);
		root.length = random_below(&random, line.length + 1);
		if (porter__text_below(path, root, &below)) {
			assert_true(within(below, path));
			found[2]++;
		}
		for (root = line; root.length;)
			porter__text_character(&root);
		drop(line);
	}
	print_message("# seed %" PRIu64 ": %zu cgroups, %zu mounts, "
		      "%zu places\n",
		      seed, found[0], found[1], found[2]);
	assert_true(found[0] && found[1] && found[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_is_a_number_or_max),
		cmocka_unit_test(a_line_of_status_is_in_kilobytes),
		cmocka_unit_test(a_pressure_is_in_hundredths_of_a_percent),
		cmocka_unit_test(a_cgroup_of_v2_is_told_from_those_of_v1),
		cmocka_unit_test(a_mount_of_v2_is_told_from_others),
		cmocka_unit_test(a_line_that_was_cut_off_is_no_other_mount),
		cmocka_unit_test(
			a_cgroup_lies_below_the_root_of_its_mount_or_not),
		cmocka_unit_test(
			octal_digits_are_one_character_where_there_are_three),
		cmocka_unit_test(
			any_bytes_give_a_number_or_none_and_harm_nothing),
	};

	return run_all("process-text", tests);
}
