/* SPDX-License-Identifier: MIT */
/*
 * The memory of this process, on this machine, beside what other files and
 * functions say about it; and in bad circumstances.
 */
#include "support.h"

#include <portermem/portermem.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MEGABYTE = 1 << 20 };

static struct porter_process_usage look(void)
{
	struct porter_process_usage m = { .size = sizeof(m) };

	must(porter_process_memory(&m) == 0);
	return m;
}

/* ---- How the numbers are told ---- */

static void a_struct_smaller_than_the_first_is_refused_untouched(void **state)
{
	struct porter_process_usage m, before;

	(void)state;
	for (size_t size = 0; size < sizeof(m); size++) {
		memset(&m, 0x5a, sizeof(m));
		m.size = size;
		before = m;
		errno = 0;
		assert_int_equal(porter_process_memory(&m), -1);
		assert_int_equal(errno, EINVAL);
		assert_memory_equal(&m, &before, sizeof(m));
	}
	errno = 0;
	assert_int_equal(porter_process_memory(NULL), -1);
	assert_int_equal(errno, EINVAL);
}

static void a_struct_larger_than_known_gets_zeros_at_its_end(void **state)
{
	struct {
		struct porter_process_usage memory;
		char later[100], beyond[8];
	} m;

	(void)state;
	memset(&m, 0x5a, sizeof(m));
	m.memory.size = sizeof(m.memory) + sizeof(m.later);
	errno = EDOM;
	assert_int_equal(porter_process_memory(&m.memory), 0);
	assert_int_equal(errno, EDOM);
	assert_int_equal(m.memory.size, sizeof(m.memory) + sizeof(m.later));
	for (size_t i = 0; i < sizeof(m.later); i++)
		assert_int_equal(m.later[i], 0);
	for (size_t i = 0; i < sizeof(m.beyond); i++)
		assert_int_equal(m.beyond[i], 0x5a);
}

/* ---- Beside what others say ---- */

static int64_t pages_in_statm(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long total, resident;

	if (!file)
		return -1;
	if (fscanf(file, "%ld %ld", &total, &resident) != 2)
		resident = -1;
	fclose(file);
	return resident;
}

#define skip_without_status()                                        \
	do {                                                         \
		if (access("/proc/thread-self/status", R_OK) != 0)   \
			skip_because("no /proc/thread-self/status"); \
	} while (0)

static bool near(int64_t a, int64_t b)
{
	/* What a processor, or a thread, may hold back; and two moments. */
	return llabs(a - b) <= 16 * MEGABYTE;
}

static void resident_agrees_with_statm_and_the_peak_with_rusage(void **state)
{
	struct porter_process_usage m = look();
	struct rusage usage;

	(void)state;
	if (pages_in_statm() < 0)
		skip_because("no /proc/self/statm");
	assert_true(m.resident > 0);
	assert_true(near(m.resident, pages_in_statm() * sysconf(_SC_PAGESIZE)));
	assert_true(m.resident_peak >= m.resident);
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	/* That one may be larger: it has what was there before exec. */
	assert_true(m.resident_peak <=
		    usage.ru_maxrss * INT64_C(1024) + 16 * MEGABYTE);
}

static void pages_that_come_and_go_are_seen(void **state)
{
	const size_t size = 64 * MEGABYTE;
	struct porter_process_usage before = look(), with, after;
	char *pages;

	(void)state;
	skip_without_status();
	if (under_a_tool())
		skip_because("a tool looks on, with memory of its own");
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(pages, MAP_FAILED);
	memset(pages, 1, size);
	with = look();
	assert_true(near(with.resident, before.resident + (int64_t)size));
	munmap(pages, size);
	after = look();
	assert_true(near(after.resident, before.resident));
	assert_true(after.resident_peak >=
		    before.resident + (int64_t)size - 16 * MEGABYTE);
}

/* Another way: mounts from findmnt, the cgroup from sed, and a walk by cd. */
static const char least_by_shell[] =
	"command -v findmnt sed >/dev/null || { echo unfit; exit; }\n"
	"set -- $(findmnt -n -t cgroup2 -o TARGET,FSROOT)\n"
	"[ $# -gt 0 ] || { echo absent; exit; }\n"
	"cd -P \"$1$(sed -n 's/^0:://p' /proc/self/cgroup)\" 2>/dev/null &&\n"
	"	[ $# = 2 ] && [ \"$2\" = / ] || { echo unfit; exit; }\n"
	"least=absent\n"
	"while :; do\n"
	"	if [ -r memory.max ] && read -r max <memory.max; then\n"
	"		case $least,$max in\n"
	"		absent,* | max,*) least=$max ;;\n"
	"		*,max) ;;\n"
	"		*) [ $least -le $max ] || least=$max ;;\n"
	"		esac\n"
	"	fi\n"
	"	case $PWD in \"$1\" | /) break ;; esac\n"
	"	cd ..\n"
	"done\n"
	"echo $least\n";

static void the_limit_is_what_a_shell_finds(void **state)
{
	struct porter_process_usage m = look();
	char line[64] = "";
	FILE *shell = popen(least_by_shell, "r");

	(void)state;
	assert_non_null(shell);
	assert_non_null(fgets(line, sizeof(line), shell));
	assert_int_equal(pclose(shell), 0);
	line[strcspn(line, "\n")] = '\0';
	print_message("# the shell says: %s\n", line);
	if (strcmp(line, "unfit") == 0)
		skip_because("no findmnt, or mounts that this is not made for");
	if (strcmp(line, "absent") == 0)
		assert_true(m.cgroup_max == -1);
	else if (strcmp(line, "max") == 0)
		assert_true(m.cgroup_max == INT64_MAX);
	else
		assert_true(m.cgroup_max == atoll(line));
	assert_true((m.cgroup_current >= 0) == (m.cgroup_max >= 0));
}

static void pressure_is_there_where_the_kernel_has_it(void **state)
{
	struct porter_process_usage m = look();
	char line[128];
	FILE *file = fopen("/proc/pressure/memory", "r");
	bool there = file && fgets(line, sizeof(line), file);

	(void)state;
	if (file)
		fclose(file);
	if (!there)
		skip_because("no /proc/pressure/memory");
	assert_in_range(m.pressure_some, 0, 10000);
	assert_in_range(m.pressure_full, 0, 10000);
	assert_true(m.pressure_full <= m.pressure_some);
}

/* ---- Bad circumstances ---- */

static size_t open_files(void)
{
	size_t n = 0;

	for (int file = 0; file < 256; file++)
		n += fcntl(file, F_GETFD) != -1;
	return n;
}

static void no_file_stays_open(void **state)
{
	size_t before = open_files();

	(void)state;
	for (int i = 0; i < 100; i++)
		look();
	assert_int_equal(open_files(), before);
}

static void without_file_descriptors_all_is_unknown(void **state)
{
	struct rlimit limit, none;
	struct porter_process_usage m;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	errno = EDOM;
	m = look();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(errno, EDOM);
	assert_int_equal(m.resident, -1);
	assert_int_equal(m.resident_peak, -1);
	assert_int_equal(m.cgroup_current, -1);
	assert_int_equal(m.cgroup_max, -1);
	assert_int_equal(m.cgroup_high, -1);
	assert_int_equal(m.pressure_some, -1);
	assert_int_equal(m.pressure_full, -1);
}

static void *look_when_cancelled(void *resident)
{
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
	pthread_cancel(pthread_self());
	*(int64_t *)resident = look().resident;
	pthread_testcancel();
	return NULL;
}

static void a_thread_is_not_cancelled_within(void **state)
{
	pthread_t thread;
	int64_t resident = -2;
	size_t before = open_files();
	void *end;

	(void)state;
	assert_int_equal(
		pthread_create(&thread, NULL, look_when_cancelled, &resident),
		0);
	assert_int_equal(pthread_join(thread, &end), 0);
	assert_ptr_equal(end, PTHREAD_CANCELED); /* but right afterwards */
	assert_true(resident >= -1);
	assert_int_equal(open_files(), before);
}

/*
 * How much of its stack a thread has touched: the stack is painted before. One
 * that does next to nothing shows what a thread takes by itself.
 */
enum { STACK = 256 * 1024, PAINT = 0x5a };

static void *next_to_nothing(void *arg)
{
	(void)arg;
	fcntl(0, F_GETFD);
	return NULL;
}

static void *look_once(void *arg)
{
	(void)arg;
	look();
	return NULL;
}

static size_t stack_of(void *(*run)(void *))
{
	unsigned char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;
	size_t untouched = 0;

	must(stack != MAP_FAILED);
	memset(stack, PAINT, STACK);
	pthread_attr_init(&attributes);
	must(pthread_attr_setstack(&attributes, stack, STACK) == 0);
	must(pthread_create(&thread, &attributes, run, NULL) == 0);
	must(pthread_join(thread, NULL) == 0);
	pthread_attr_destroy(&attributes);
	while (stack[untouched] == PAINT)
		untouched++;
	munmap(stack, STACK);
	return STACK - untouched;
}

static void it_takes_some_10_kilobytes_of_the_stack(void **state)
{
	size_t bytes;

	(void)state;
	if (under_a_tool())
		skip_because("a tool looks on, and takes more of the stack");
	bytes = stack_of(look_once) - stack_of(next_to_nothing);
	print_message("# %zu bytes\n", bytes);
	assert_in_range(bytes, 1, 12 * 1024);
}

/* The files of the first thread are empty once it has ended. */
static void *outlive_the_first_thread(void *first)
{
	pthread_join(*(pthread_t *)first, NULL);
	_exit(look().resident > 0 ? 0 : 1);
}

static void end_the_first_thread(void *arg)
{
	static pthread_t first, other;

	(void)arg;
	first = pthread_self();
	must(pthread_create(&other, NULL, outlive_the_first_thread, &first) ==
	     0);
	pthread_exit(NULL);
}

static void the_first_thread_may_have_ended(void **state)
{
	struct child_end end;

	(void)state;
	if (WITH_TSAN)
		skip_because("ThreadSanitizer wants no threads after a fork");
	skip_without_status();
	end = in_child(end_the_first_thread, NULL);
	assert_string_equal(end.text, "");
	assert_int_equal(end.status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_struct_smaller_than_the_first_is_refused_untouched),
		cmocka_unit_test(
			a_struct_larger_than_known_gets_zeros_at_its_end),
		cmocka_unit_test(
			resident_agrees_with_statm_and_the_peak_with_rusage),
		cmocka_unit_test(pages_that_come_and_go_are_seen),
		cmocka_unit_test(the_limit_is_what_a_shell_finds),
		cmocka_unit_test(pressure_is_there_where_the_kernel_has_it),
		cmocka_unit_test(no_file_stays_open),
		cmocka_unit_test(without_file_descriptors_all_is_unknown),
		cmocka_unit_test(a_thread_is_not_cancelled_within),
		cmocka_unit_test(it_takes_some_10_kilobytes_of_the_stack),
		cmocka_unit_test(the_first_thread_may_have_ended),
	};

	return run_all("process", tests);
}
