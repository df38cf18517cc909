/* SPDX-License-Identifier: MIT */
/*
 * The memory of the process, from folders that look like /proc and like
 * cgroups of machines that are not here.
 *
 *	<folder>/proc/thread-self/{status,cgroup,mountinfo}
 *	<folder>/proc/pressure/memory
 *	<folder>/my cgroups/...       where mountinfo says that cgroups are
 *	<folder>/usual/...	      where they are when it says nothing
 */
#include "support.h"

#include "0-machine/process.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The folders ---- */

static char *folder;

static char *place(const char *name)
{
	char *path;

	must(asprintf(&path, "%s/%s", folder, name) >= 0);
	return path;
}

static void make_folders_of(char *path)
{
	for (char *slash = path + strlen(folder) + 1;
	     (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		must(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static void put_bytes(const char *name, const char *bytes, size_t length)
{
	char *path = place(name);
	FILE *file;

	make_folders_of(path);
	remove(path); /* some file systems are slow to write one anew */
	file = fopen(path, "w");
	must(file);
	must(fwrite(bytes, 1, length, file) == length);
	must(fclose(file) == 0);
	free(path);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

/* A line of mountinfo; root as the kernel writes it, point not. */
static void put_mount(const char *before, const char *root, const char *point)
{
	char *path = place(point), *line, *escaped = calloc(4, strlen(path));
	char *to = escaped;

	must(escaped);
	for (const char *from = path; *from; from++) {
		if (*from == ' ')
			to += sprintf(to, "\\040");
		else
			*to++ = *from;
	}
	*to = '\0';
	must(asprintf(&line,
		      "%s35 24 0:30 %s %s rw,relatime shared:9 - "
		      "cgroup2 cgroup2 rw\n",
		      before, root, escaped) >= 0);
	put("proc/thread-self/mountinfo", line);
	free(line);
	free(escaped);
	free(path);
}

static int drop_one(const char *path, const struct stat *status, int type,
		    struct FTW *at)
{
	(void)status, (void)type, (void)at;
	return remove(path);
}

static int make_folder(void **state)
{
	char name[] = "/tmp/test_process.XXXXXX";

	(void)state;
	must(mkdtemp(name));
	folder = strdup(name);
	return folder ? 0 : -1;
}

static int drop_folder(void **state)
{
	int result = nftw(folder, drop_one, 8, FTW_DEPTH | FTW_PHYS);

	(void)state;
	free(folder);
	return result;
}

static struct porter_process_usage look(void)
{
	struct porter_process_usage m = { .size = sizeof(m) };
	char *proc = place("proc"), *usual = place("usual");

	errno = EDOM;
	assert_int_equal(porter__process_memory(&m, proc, usual), 0);
	assert_int_equal(errno, EDOM);
	free(usual);
	free(proc);
	return m;
}

/* ---- The process ---- */

static void assert_nothing_but_the_process(struct porter_process_usage m)
{
	assert_int_equal(m.cgroup_current, -1);
	assert_int_equal(m.cgroup_max, -1);
	assert_int_equal(m.cgroup_high, -1);
	assert_int_equal(m.pressure_some, -1);
	assert_int_equal(m.pressure_full, -1);
}

static void without_proc_all_is_unknown(void **state)
{
	struct porter_process_usage m = look();

	(void)state;
	assert_int_equal(m.resident, -1);
	assert_int_equal(m.resident_peak, -1);
	assert_nothing_but_the_process(m);
}

static void resident_and_its_peak_come_from_status(void **state)
{
	struct porter_process_usage m;

	(void)state;
	put("proc/thread-self/status",
	    "Name:\tVmRSS: 1 kB\nUmask:\t0022\nVmPeak:\t   99999 kB\n"
	    "VmHWM:\t    4000 kB\nVmRSS:\t    3000 kB\nRssAnon:\t  7 kB\n");
	m = look();
	assert_int_equal(m.resident, 3000 * 1024);
	assert_int_equal(m.resident_peak, 4000 * 1024);
	assert_nothing_but_the_process(m);
}

/* As of a first thread that has ended: there are no such lines. */
static void status_without_memory_is_unknown(void **state)
{
	char *status;

	(void)state;
	put("proc/thread-self/status", "Name:\tx\nState:\tZ (zombie)\n");
	assert_int_equal(look().resident, -1);
	assert_int_equal(look().resident_peak, -1);
	put("proc/thread-self/status", "");
	assert_int_equal(look().resident, -1);
	put("proc/thread-self/status", "VmRSS:\t    30");
	assert_int_equal(look().resident, -1);
	status = place("proc/thread-self/status");
	must(remove(status) == 0 && mkdir(status, 0700) == 0);
	assert_int_equal(look().resident, -1); /* it cannot be read */
	free(status);
}

/* ---- Cgroups ---- */

static void limits_are_the_least_of_all_above(void **state)
{
	struct porter_process_usage m;

	(void)state;
	put("proc/thread-self/cgroup", "0::/system.slice/cache.service\n");
	put_mount("", "/", "my cgroups");
	put("my cgroups/system.slice/cache.service/memory.current", "1000\n");
	put("my cgroups/system.slice/cache.service/memory.max", "max\n");
	put("my cgroups/system.slice/cache.service/memory.high", "7000\n");
	put("my cgroups/system.slice/memory.current", "999\n");
	put("my cgroups/system.slice/memory.max", "90000\n");
	put("my cgroups/system.slice/memory.high", "max\n");
	m = look();
	assert_int_equal(m.cgroup_current, 1000);
	assert_int_equal(m.cgroup_max, 90000);
	assert_int_equal(m.cgroup_high, 7000);
	put("my cgroups/memory.max", "80000\n"); /* a container's */
	put("my cgroups/memory.high", "6000\n");
	m = look();
	assert_int_equal(m.cgroup_max, 80000);
	assert_int_equal(m.cgroup_high, 6000);
	/* Beyond the mount, nothing is looked at. */
	put("memory.max", "1\n");
	assert_int_equal(look().cgroup_max, 80000);
}

static void no_limit_is_told_from_an_unknown_one(void **state)
{
	struct porter_process_usage m;

	(void)state;
	put("proc/thread-self/cgroup", "0::/a\n");
	put_mount("", "/", "my cgroups");
	put("my cgroups/a/memory.current", "1000\n");
	put("my cgroups/a/memory.max", "max\n");
	m = look();
	assert_int_equal(m.cgroup_max, INT64_MAX);
	assert_int_equal(m.cgroup_high, -1);
}

static void a_cgroup_without_accounting_counts_in_the_one_above(void **state)
{
	struct porter_process_usage m;

	(void)state;
	put("proc/thread-self/cgroup", "0::/a/b/c\n");
	put_mount("", "/", "my cgroups");
	put("my cgroups/a/memory.current", "1000\n");
	put("my cgroups/a/memory.max", "3000\n");
	put("my cgroups/memory.current", "9000\n");
	m = look(); /* nor need the folders of b and c be there */
	assert_int_equal(m.cgroup_current, 1000);
	assert_int_equal(m.cgroup_max, 3000);
}

static void a_container_sees_itself_as_the_root(void **state)
{
	(void)state;
	put("proc/thread-self/cgroup", "0::/\n");
	put_mount("", "/", "my cgroups");
	put("my cgroups/memory.current", "1000\n");
	put("my cgroups/memory.max", "2000\n");
	assert_int_equal(look().cgroup_current, 1000);
	assert_int_equal(look().cgroup_max, 2000);
}

/* docker without a namespace of its own: the path is that of the host. */
static void a_mount_may_begin_below_the_root(void **state)
{
	(void)state;
	put("proc/thread-self/cgroup",
	    "0::/system.slice/docker\\x2d3f2a.scope/x\n");
	put_mount("", "/system.slice/docker\\134x2d3f2a.scope", "my cgroups");
	put("my cgroups/x/memory.current", "1000\n");
	put("my cgroups/memory.max", "2000\n");
	assert_int_equal(look().cgroup_current, 1000);
	assert_int_equal(look().cgroup_max, 2000);
	/* A mount of another part is of no use. */
	put_mount("", "/system.slice/docker\\134x2dffff.scope", "my cgroups");
	assert_int_equal(look().cgroup_current, -1);
}

static void of_several_mounts_the_one_that_shows_most_serves(void **state)
{
	char *part, *both;

	(void)state;
	part = place("part");
	must(asprintf(&both,
		      "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
		      "40 24 0:30 /a/b %s rw - cgroup2 none rw\n",
		      part) >= 0);
	put("proc/thread-self/cgroup", "0::/a/b/c\n");
	put_mount(both, "/a", "my cgroups");
	put("part/c/memory.max", "3000\n");
	put("my cgroups/b/c/memory.max", "3000\n");
	put("my cgroups/memory.max", "2000\n");
	assert_int_equal(look().cgroup_max, 2000);
	free(both);
	free(part);
}

/* Mounts on top of each other, from the first: what is mounted, and its type. */
static void put_mounts_at(const char *point, size_t n,
			  const char *const mounts[][2])
{
	char *path = place(point),
	     *text = strdup("22 1 8:1 / / rw - ext4 d rw\n");

	for (size_t i = 0; i < n; i++) {
		char *longer;

		must(text &&
		     asprintf(&longer,
			      "%s%zu %zu 0:30 %s %s rw shared:9 - %s x rw\n",
			      text, 35 + i, i ? 34 + i : 22, mounts[i][0], path,
			      mounts[i][1]) >= 0);
		free(text);
		text = longer;
	}
	put("proc/thread-self/mountinfo", text);
	free(text);
	free(path);
}

/* The first would show more of what is above, if it were seen. */
static void of_mounts_at_one_point_the_last_one_counts(void **state)
{
	static const char *const lower_last[][2] = { { "/", "cgroup2" },
						     { "/a", "cgroup2" } };
	static const char *const higher_last[][2] = { { "/a", "cgroup2" },
						      { "/", "cgroup2" } };
	static const char *const of_three[][2] = { { "/a", "cgroup2" },
						   { "/", "cgroup2" },
						   { "/a", "cgroup2" } };

	(void)state;
	put("proc/thread-self/cgroup", "0::/a/b\n");
	/* What is there when /a is the root, and when / is. */
	put("mounted/b/memory.max", "1000\n");
	put("mounted/a/b/memory.max", "2000\n");
	put_mounts_at("mounted", 2, lower_last);
	assert_int_equal(look().cgroup_max, 1000);
	put_mounts_at("mounted", 2, higher_last);
	assert_int_equal(look().cgroup_max, 2000);
	put_mounts_at("mounted", 3, of_three);
	assert_int_equal(look().cgroup_max, 1000);
}

static void a_mount_of_something_else_covers_as_well(void **state)
{
	static const char *const mounts[][2] = { { "/", "cgroup2" },
						 { "/", "tmpfs" } };
	static const char *const other_cgroup[][2] = { { "/", "cgroup2" },
						       { "/x", "cgroup2" } };

	(void)state;
	put("proc/thread-self/cgroup", "0::/a\n");
	put("mounted/a/memory.max", "1000\n");
	put_mounts_at("mounted", 1, mounts);
	assert_int_equal(look().cgroup_max, 1000);
	put_mounts_at("mounted", 2, mounts);
	assert_int_equal(look().cgroup_max, -1);
	put_mounts_at("mounted", 2, other_cgroup);
	assert_int_equal(look().cgroup_max, -1);
}

/* It would show less, but it is seen. */
static void a_mount_elsewhere_serves_where_the_best_is_covered(void **state)
{
	char *best, *other, *text;

	(void)state;
	best = place("best");
	other = place("other");
	must(asprintf(&text,
		      "35 22 0:30 /a %s rw - cgroup2 x rw\n"
		      "36 22 0:30 / %s rw - cgroup2 x rw\n"
		      "37 36 0:31 / %s rw - tmpfs x rw\n",
		      other, best, best) >= 0);
	put("proc/thread-self/mountinfo", text);
	put("proc/thread-self/cgroup", "0::/a/b\n");
	put("best/a/b/memory.max", "1000\n");
	put("other/b/memory.max", "2000\n");
	assert_int_equal(look().cgroup_max, 2000);
	free(text);
	free(other);
	free(best);
}

static void out_of_the_namespace_is_unknown(void **state)
{
	(void)state;
	put("proc/thread-self/cgroup", "0::/../other\n");
	put_mount("", "/", "my cgroups");
	put("my cgroups/x", "");
	put("other/memory.current", "1000\n");
	assert_int_equal(look().cgroup_current, -1);
	put_mount("", "/..", "my cgroups");
	put("my cgroups/other/memory.current", "2000\n");
	assert_int_equal(look().cgroup_current, 2000);
}

static void cgroups_of_v1_are_not_read(void **state)
{
	struct porter_process_usage m;
	char *memory = place("my cgroups/memory"), *mount;

	(void)state;
	must(asprintf(&mount, "35 31 0:32 / %s rw - cgroup cgroup rw,memory\n",
		      memory) >= 0);
	put("proc/thread-self/cgroup",
	    "5:memory:/docker/3f2a\n1:name=systemd:/docker/3f2a\n");
	put("proc/thread-self/mountinfo", mount);
	put("my cgroups/memory/docker/3f2a/memory.limit_in_bytes", "4096\n");
	put("my cgroups/memory/docker/3f2a/memory.max", "4096\n");
	assert_nothing_but_the_process(look());
	/* Hybrid: v2 is there, without memory. */
	put("proc/thread-self/cgroup", "5:memory:/docker/3f2a\n0::/x\n");
	put_mount(mount, "/", "my cgroups/unified");
	put("my cgroups/unified/x/cgroup.procs", "1\n");
	put("my cgroups/unified/x/memory.pressure",
	    "some avg10=0.50 avg60=0.00 avg300=0.00 total=0\n");
	m = look();
	assert_int_equal(m.cgroup_current, -1);
	assert_int_equal(m.cgroup_max, -1);
	assert_int_equal(m.cgroup_high, -1);
	assert_int_equal(m.pressure_some, 50);
	free(mount);
	free(memory);
}

static void without_mountinfo_cgroups_are_where_they_usually_are(void **state)
{
	(void)state;
	put("proc/thread-self/cgroup", "0::/a\n");
	put("usual/a/memory.current", "1000\n");
	put("usual/memory.max", "2000\n");
	assert_int_equal(look().cgroup_current, 1000);
	assert_int_equal(look().cgroup_max, 2000);
	put("proc/thread-self/mountinfo", "");
	assert_int_equal(look().cgroup_current, -1);
}

/* ---- Pressure ---- */

static void pressure_is_that_of_the_cgroup_or_of_the_machine(void **state)
{
	struct porter_process_usage m;

	(void)state;
	put("proc/pressure/memory",
	    "some avg10=12.34 avg60=0.00 avg300=0.00 total=0\n"
	    "full avg10=5.60 avg60=0.00 avg300=0.00 total=0\n");
	m = look();
	assert_int_equal(m.pressure_some, 1234);
	assert_int_equal(m.pressure_full, 560);
	put("proc/thread-self/cgroup", "0::/a\n");
	put_mount("", "/", "my cgroups");
	put("my cgroups/memory.pressure",
	    "some avg10=99.00 avg60=0.00 avg300=0.00 total=0\n");
	assert_int_equal(look().pressure_some, 1234);
	put("my cgroups/a/memory.pressure",
	    "some avg10=0.07 avg60=0.00 avg300=0.00 total=0\n");
	m = look();
	assert_int_equal(m.pressure_some, 7);
	assert_int_equal(m.pressure_full, -1); /* never one of each */
}

/* ---- What does not fit, and what makes no sense ---- */

static char *long_text(size_t length, char fill)
{
	char *text = malloc(length + 1);

	must(text);
	memset(text, fill, length);
	text[length] = '\0';
	return text;
}

static void lines_of_any_length_are_stepped_over(void **state)
{
	(void)state;
	put("proc/thread-self/cgroup", "0::/a\n");
	put("my cgroups/a/memory.current", "1000\n");
	/* All lengths around that of the buffer, and its multiples. */
	for (size_t length = 0; length < 9000;
	     length += length % 1024 < 1015 && length % 1024 > 5 ? 251 : 1) {
		char *line = long_text(length + 1, 'x');
		char *status;

		line[length] = '\n';
		put_mount(line, "/", "my cgroups");
		must(asprintf(&status, "%sVmRSS:\t3 kB\n%sVmHWM:\t4 kB", line,
			      line) >= 0);
		put("proc/thread-self/status", status);
		if (look().cgroup_current != 1000)
			fail_msg("mount, after a line of %zu", length);
		if (look().resident != 3072 || look().resident_peak != 4096)
			fail_msg("status, after a line of %zu", length);
		free(status);
		free(line);
	}
}

/* The rest of a line must not be taken for a line. */
static void the_rest_of_a_long_line_is_no_line(void **state)
{
	(void)state;
	for (size_t length = 2000; length < 2100; length++) {
		char *line = long_text(length, 'x'), *status;

		must(asprintf(&status, "%sVmRSS:\t3 kB\nVmHWM:\t4 kB\n",
			      line) >= 0);
		put("proc/thread-self/status", status);
		assert_int_equal(look().resident, -1);
		assert_int_equal(look().resident_peak, 4096);
		free(status);
		free(line);
	}
}

static void a_path_that_does_not_fit_is_unknown_not_another(void **state)
{
	(void)state;
	put_mount("", "/", "my cgroups");
	put("my cgroups/memory.current", "1000\n");
	for (size_t length = 1; length < 5000; length += 7) {
		char *name = long_text(length, 'x'), *cgroup;

		must(asprintf(&cgroup, "0::/%s\n", name) >= 0);
		put("proc/thread-self/cgroup", cgroup);
		/* A folder that is not there: the root above counts. */
		if (length < 1900)
			assert_int_equal(look().cgroup_current, 1000);
		else if (length > 2048)
			assert_int_equal(look().cgroup_current, -1);
		else
			look();
		free(cgroup);
		free(name);
	}
}

static void garbage_in_any_file_is_unknown(void **state)
{
	static const char *const files[] = {
		"proc/thread-self/status",     "proc/thread-self/cgroup",
		"proc/thread-self/mountinfo",  "proc/pressure/memory",
		"my cgroups/a/memory.current", "my cgroups/a/memory.max",
	};
	uint64_t random = random_seed();

	(void)state;
	for (size_t round = 0; round < scaled(2000); round++) {
		const char *file =
			files[random_below(&random, ARRAY_SIZE(files))];
		size_t length = random_below(&random, 6000);
		char *bytes = malloc(length + 1);
		struct porter_process_usage m;

		must(bytes);
		for (size_t i = 0; i < length; i++)
			bytes[i] = (char)next_random(&random);
		put("proc/thread-self/cgroup", "0::/a\n");
		put_mount("", "/", "my cgroups");
		put_bytes(file, bytes, length);
		m = look();
		assert_int_equal(m.resident, -1);
		assert_int_equal(m.cgroup_current, -1);
		assert_int_equal(m.cgroup_max, -1);
		assert_int_equal(m.pressure_some, -1);
		free(bytes);
	}
}

#define in_folder(test) \
	cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(without_proc_all_is_unknown),
		in_folder(resident_and_its_peak_come_from_status),
		in_folder(status_without_memory_is_unknown),
		in_folder(limits_are_the_least_of_all_above),
		in_folder(no_limit_is_told_from_an_unknown_one),
		in_folder(a_cgroup_without_accounting_counts_in_the_one_above),
		in_folder(a_container_sees_itself_as_the_root),
		in_folder(a_mount_may_begin_below_the_root),
		in_folder(of_several_mounts_the_one_that_shows_most_serves),
		in_folder(of_mounts_at_one_point_the_last_one_counts),
		in_folder(a_mount_of_something_else_covers_as_well),
		in_folder(a_mount_elsewhere_serves_where_the_best_is_covered),
		in_folder(out_of_the_namespace_is_unknown),
		in_folder(cgroups_of_v1_are_not_read),
		in_folder(without_mountinfo_cgroups_are_where_they_usually_are),
		in_folder(pressure_is_that_of_the_cgroup_or_of_the_machine),
		in_folder(lines_of_any_length_are_stepped_over),
		in_folder(the_rest_of_a_long_line_is_no_line),
		in_folder(a_path_that_does_not_fit_is_unknown_not_another),
		in_folder(garbage_in_any_file_is_unknown),
	};

	return run_all("process", tests);
}
