/* SPDX-License-Identifier: MIT */
/*
 * Watches in adverse conditions: callbacks that fault, no thread to be had, file
 * descriptors that the program has closed.
 */
#include "api/watch_log.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void skip_where_children_have_no_threads(void)
{
	if (!children_start_threads())
		skip_because("a child cannot start threads here");
}

/* ---- Faults ---- */

enum { HANDLED = 42 };

static void handle(int signal)
{
	(void)signal;
	_exit(HANDLED);
}

static void handle_faults(void)
{
	const struct sigaction action = { .sa_handler = handle };
	const int faults[] = { SIGSEGV, SIGBUS,	 SIGFPE, SIGILL,
			       SIGTRAP, SIGABRT, SIGSYS };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		must(sigaction(faults[i], &action, NULL) == 0);
}

static void bad_store(struct log *log)
{
	(void)log;
	*(volatile int *)mmap(NULL, 4096, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
}

static void bad_instruction(struct log *log)
{
	(void)log;
	__builtin_trap();
}

static void give_up(struct log *log)
{
	(void)log;
	abort();
}

static void raise_it(struct log *log)
{
	(void)log;
	/* It comes through, or is pending for ever. */
	raise(SIGABRT);
	pause();
}

static bool is_handled(void (*fault)(struct log *log))
{
	int status;
	pid_t child = fork();

	must(child >= 0);
	if (child == 0) {
		struct log log;

		alarm(60);
		handle_faults();
		begin(&log, fault, 0);
		up(&log);
		wait_told(&log);
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child);
	return WIFEXITED(status) && WEXITSTATUS(status) == HANDLED;
}

static void a_callback_that_faults_comes_to_the_programs_handler(void **state)
{
	(void)state;
	skip_where_children_have_no_threads();
	if (under_a_tool())
		skip_because("the tool has handlers of its own");
	assert_true(is_handled(bad_store));
	assert_true(is_handled(bad_instruction));
	assert_true(is_handled(give_up));
	assert_true(is_handled(raise_it));
}

/* A sandbox that does itself what a program must not ask the kernel for. */
static bool trap_eventfd(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_eventfd2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(filter),
				      .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void a_sandbox_may_trap_what_the_library_asks_for(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (under_a_tool() || getenv("PORTER_TEST_EMULATOR"))
		skip_because("seccomp is not for tools and emulators");
	child = fork();
	must(child >= 0);
	if (child == 0) {
		struct porter_watch w = PORTER_WATCH_INIT;
		porter_tracked *t = porter_tracked_new(NULL);

		w.high = HIGH;
		handle_faults();
		if (!trap_eventfd())
			_exit(1);
		porter_watch_fd(t, porter_watch_add(t, &w));
		_exit(2);
	}
	must(waitpid(child, &status, 0) == child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		skip_because("no seccomp here");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == HANDLED);
}

/* ---- No thread to be had ---- */

static atomic_bool no_threads;
static atomic_int denied;

extern int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
				 void *(*run)(void *), void *arg);
extern int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
				 void *(*run)(void *), void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	if (atomic_load(&no_threads)) {
		atomic_fetch_add(&denied, 1);
		return EAGAIN;
	}
	return __real_pthread_create(thread, attr, run, arg);
}

/* What stays above the watermark, in small steps. */
static void operate(struct log *log, uint64_t until)
{
	porter_allocator *a = porter_tracked_allocator(log->t);

	while (now() < until && !atomic_load(&log->over)) {
		void *block = porter_allocate(a, 100);

		must(block);
		porter_free(a, block, 100);
	}
}

static void cross_without_threads(void *arg)
{
	struct log *log = arg;
	const uint64_t begun = now();

	atomic_store(&no_threads, true);
	up(log);
	operate(log, begun + (uint64_t)200 * MS);
	must(log->count == 0);
	/* Now and then, not each time. */
	must(atomic_load(&denied) >= 2);
	must((uint64_t)atomic_load(&denied) <= (now() - begun) / (5 * MS) + 1);
	atomic_store(&no_threads, false);
	operate(log, now() + (uint64_t)60000 * MS);
	must(waits(&log->told));
	operate(log, now() + (uint64_t)50 * MS);
	must(log->count == 1);
	must(log->events[0].mark == PORTER_WATCH_HIGH);
	must(log->events[0].crossing == 1);
}

static void a_crossing_is_told_when_a_thread_can_be_had_again(void **state)
{
	struct log log;

	(void)state;
	skip_where_children_have_no_threads();
	begin(&log, NULL, 0);
	assert_true(child_does(cross_without_threads, &log));
	end(&log);
}

/* ---- Descriptors that the program has closed ---- */

static int memory(void)
{
	return memfd_create("of the program", 0);
}

static int counter(void)
{
	return eventfd(0, EFD_NONBLOCK);
}

static int set(void)
{
	return epoll_create1(0);
}

static bool is_untouched(int fd, int (*open_one)(void))
{
	struct pollfd file = { .fd = fd, .events = POLLIN };

	if (fcntl(fd, F_GETFD) < 0)
		return false;
	if (open_one == memory)
		return lseek(fd, 0, SEEK_END) == 0;
	return poll(&file, 1, 0) == 0;
}

static int watch_of(porter_tracked *t, int64_t high)
{
	struct porter_watch w = PORTER_WATCH_INIT;
	int watch;

	w.high = high;
	watch = porter_watch_add(t, &w);
	must(watch >= 0);
	return watch;
}

static bool readable(int fd)
{
	struct pollfd file = { .fd = fd, .events = POLLIN };

	return poll(&file, 1, 0) == 1;
}

static struct {
	int fd;
	int (*open_one)(void);
} taken;

static void is_untouched_in_a_child(void *unused)
{
	(void)unused;
	must(is_untouched(taken.fd, taken.open_one));
}

static void take_the_number_of_a_watch(int (*open_one)(void))
{
	struct porter_watch_event event = PORTER_WATCH_EVENT_INIT;
	porter_tracked *t = porter_tracked_new(NULL);
	int watch = watch_of(t, HIGH), fd = porter_watch_fd(t, watch), again;

	must(fd >= 0 && close(fd) == 0);
	assert_int_equal(open_one(), fd);
	assert_int_equal(porter_charge(t, HIGH), 0);
	assert_true(is_untouched(fd, open_one));
	taken.fd = fd;
	taken.open_one = open_one;
	assert_true(child_does(is_untouched_in_a_child, NULL));
	assert_int_equal(porter_watch_read(t, watch, &event), 0);
	assert_int_equal(event.crossing, 1);
	assert_true(is_untouched(fd, open_one));
	/* Another number, which works. */
	again = porter_watch_fd(t, watch);
	assert_true(again >= 0 && again != fd);
	assert_false(readable(again));
	porter_refund(t, HIGH);
	assert_true(readable(again));
	assert_int_equal(porter_watch_remove(t, watch), 0);
	assert_int_equal(fcntl(again, F_GETFD), -1);
	assert_true(is_untouched(fd, open_one));
	close(fd);
	assert_int_equal(left_at_destroy(t), 0);
}

static void files_that_got_the_number_are_left_alone(void **state)
{
	(void)state;
	take_the_number_of_a_watch(memory);
	take_the_number_of_a_watch(counter);
	take_the_number_of_a_watch(set);
}

/* The child of fork() makes its own; not where another file is. */
static void forget_it_in_a_child(void *unused)
{
	(void)unused;
	must(fcntl(taken.fd, F_GETFL) >= 0);
	must(lseek(taken.fd, 0, SEEK_END) == 0);
}

static void a_child_of_fork_leaves_them_alone(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int watch = watch_of(t, HIGH);

	(void)state;
	taken.fd = porter_watch_fd(t, watch);
	must(taken.fd >= 0 && close(taken.fd) == 0);
	must(memory() == taken.fd);
	assert_true(child_does(forget_it_in_a_child, NULL));
	assert_int_equal(left_at_destroy(t), 0);
	assert_true(is_untouched(taken.fd, memory));
	close(taken.fd);
}

static void a_number_that_went_to_another_watch_is_that_ones(void **state)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int one = watch_of(t, HIGH), two = watch_of(t, 2 * HIGH);
	int fd = porter_watch_fd(t, one);

	(void)state;
	must(fd >= 0 && close(fd) == 0);
	assert_int_equal(porter_watch_fd(t, two), fd);
	assert_int_equal(porter_charge(t, HIGH), 0);
	assert_false(readable(fd));
	assert_int_equal(porter_watch_remove(t, one), 0);
	assert_int_equal(porter_charge(t, HIGH), 0);
	assert_true(readable(fd));
	porter_refund(t, 2 * HIGH);
	assert_int_equal(left_at_destroy(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_callback_that_faults_comes_to_the_programs_handler),
		cmocka_unit_test(a_sandbox_may_trap_what_the_library_asks_for),
		cmocka_unit_test(
			a_crossing_is_told_when_a_thread_can_be_had_again),
		cmocka_unit_test(files_that_got_the_number_are_left_alone),
		cmocka_unit_test(a_child_of_fork_leaves_them_alone),
		cmocka_unit_test(
			a_number_that_went_to_another_watch_is_that_ones),
	};

	return run_all("watches in adverse conditions", tests);
}
