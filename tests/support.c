/* SPDX-License-Identifier: MIT */
/*
 * support.c: what the tests share; see support.h.
 */
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Tools that look on ---- */

/*
 * The tests ask for more memory than there is, and want NULL for it, as
 * without a sanitizer.
 */
#define SEEN_BY_TOOLS __attribute__((visibility("default")))

const char *__asan_default_options(void) SEEN_BY_TOOLS;
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void) SEEN_BY_TOOLS;
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

bool under_valgrind(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "vgpreload");
}

bool under_a_tool(void)
{
	return WITH_ASAN || WITH_TSAN || under_valgrind();
}

static size_t scale_in_percent(void)
{
	const char *given = getenv("PORTER_TEST_SCALE");

	if (given && *given)
		return strtoul(given, NULL, 10);
	if (under_valgrind())
		return 2;
	return WITH_TSAN ? 10 : WITH_ASAN ? 25 : 100;
}

size_t scaled(size_t n)
{
	size_t less = n * scale_in_percent() / 100;

	return less ? less : 1;
}

size_t threads_allowed(size_t n)
{
	/* valgrind has a table of 500; ThreadSanitizer of 8,128. */
	size_t max = under_valgrind() ? 100 : under_a_tool() ? 1000 : n;

	return n < max ? n : max;
}

/* ---- Failing ---- */

void must_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

/* ---- Numbers ---- */

uint64_t random_seed(void)
{
	const char *given = getenv("PORTER_TEST_SEED");

	return given ? strtoull(given, NULL, 0) : 20240229;
}

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

size_t random_below(uint64_t *state, size_t below)
{
	return (size_t)(next_random(state) % below);
}

/* ---- Threads ---- */

struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum { GATE_SHUT, GATE_OPEN, GATE_CALLED_OFF } state;
	void (*run)(void *arg, size_t number);
	void *arg;
};

struct member {
	pthread_t thread;
	struct gate *gate;
	size_t number;
};

static void *wait_and_run(void *arg)
{
	struct member *me = arg;
	struct gate *gate = me->gate;
	bool go;

	pthread_mutex_lock(&gate->mutex);
	while (gate->state == GATE_SHUT)
		pthread_cond_wait(&gate->changed, &gate->mutex);
	go = gate->state == GATE_OPEN;
	pthread_mutex_unlock(&gate->mutex);
	if (go)
		gate->run(gate->arg, me->number);
	return NULL;
}

static size_t small_stack(void)
{
	return WITH_ASAN || WITH_TSAN ? 256 * 1024 : 64 * 1024;
}

bool in_threads(size_t n, void (*run)(void *arg, size_t number), void *arg)
{
	struct gate gate = {
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.run = run,
		.arg = arg,
	};
	struct member *members = calloc(n, sizeof(*members));
	pthread_attr_t attributes;
	size_t started = 0;

	must(members);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, small_stack());
	while (started < n) {
		struct member *m = &members[started];

		m->gate = &gate;
		m->number = started;
		if (pthread_create(&m->thread, &attributes, wait_and_run, m))
			break;
		started++;
	}
	pthread_attr_destroy(&attributes);
	pthread_mutex_lock(&gate.mutex);
	gate.state = started == n ? GATE_OPEN : GATE_CALLED_OFF;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
	for (size_t i = 0; i < started; i++)
		pthread_join(members[i].thread, NULL);
	free(members);
	return started == n;
}

struct errand {
	void (*run)(void *arg);
	void *arg;
};

static void run_errand(void *arg, size_t number)
{
	struct errand *errand = arg;

	(void)number;
	errand->run(errand->arg);
}

void in_a_thread(void (*run)(void *arg), void *arg)
{
	struct errand errand = { .run = run, .arg = arg };

	must(in_threads(1, run_errand, &errand));
}

/* ---- Processes ---- */

/*
 * Waits until the child writes or ends. One that hangs, perhaps with all its
 * signals blocked, is ended: a test that failed.
 */
static void wait_for(pid_t child, int from)
{
	struct pollfd pipe = { .fd = from, .events = POLLIN };

	if (poll(&pipe, 1, 60 * 1000) == 0)
		kill(child, SIGKILL);
}

struct child_end in_child(void (*run)(void *arg), void *arg)
{
	struct child_end end = { .status = 0 };
	size_t length = 0;
	int ends[2];
	ssize_t got;
	pid_t child;

	fflush(NULL);
	must(pipe(ends) == 0);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		run(arg);
		_exit(0);
	}
	close(ends[1]);
	do {
		wait_for(child, ends[0]);
		got = read(ends[0], end.text + length,
			   sizeof(end.text) - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0 && length < sizeof(end.text) - 1);
	close(ends[0]);
	must(waitpid(child, &end.status, 0) == child);
	if (end.status != 0 && length > 0)
		print_message("# child: %s", end.text);
	return end;
}

/* ---- The group ---- */

int run_group(const char *name, const struct CMUnitTest *tests, size_t n)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}
