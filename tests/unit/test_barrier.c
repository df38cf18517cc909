/* SPDX-License-Identifier: MIT */
/*
 * The barrier in all threads, where there is none: on old kernels, in sandboxes
 * and emulators. Whatever error membarrier(2) has, that means that it is not
 * there, from the beginning or from some moment on.
 *
 * The linker wraps syscall(). What is found out is so for the whole process and
 * for good; so each case has a process apart.
 */
#include "support.h"

#include "0-machine/barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int error_of_all, error_of_use; /* 0: none */
static int calls;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	int command, flags, cpu, error;
	va_list list;

	va_start(list, number);
	command = va_arg(list, int);
	flags = va_arg(list, int);
	cpu = va_arg(list, int);
	va_end(list);
	must(number == SYS_membarrier);
	calls++;
	error = error_of_all;
	if (!error && command == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		error = error_of_use;
	if (!error)
		return __real_syscall(number, command, flags, cpu);
	errno = error;
	return -1;
}

static const int errors[] = { ENOSYS, EINVAL, EPERM, EACCES, ENOMEM, EINTR,
			      EAGAIN, EFAULT, EIO,   ENODEV, 255 };

static void it_is_not_possible(void *unused)
{
	(void)unused;
	errno = EDOM;
	must(!porter__barrier_possible());
	must(!porter__barrier_possible());
	must(errno == EDOM);
}

static void any_error_means_that_there_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		error_of_all = errors[i];
		assert_int_equal(in_child(it_is_not_possible, NULL).status, 0);
		error_of_all = 0;
		/* Some emulators accept the registration. */
		error_of_use = errors[i];
		assert_int_equal(in_child(it_is_not_possible, NULL).status, 0);
		error_of_use = 0;
	}
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void it_goes_away(void *error)
{
	uint64_t begin;

	if (!porter__barrier_possible())
		return; /* Here it never was. */
	errno = EDOM;
	calls = 0;
	porter__barrier_everywhere();
	must(calls == 1 && porter__barrier_possible());
	error_of_all = *(const int *)error;
	begin = nanoseconds();
	porter__barrier_everywhere();
	/* Time stands for it, this once. */
	must(nanoseconds() - begin >= 10 * 1000 * 1000);
	must(!porter__barrier_possible());
	must(errno == EDOM);
}

static void what_is_forbidden_later_is_gone_for_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		int error = errors[i];

		assert_int_equal(in_child(it_goes_away, &error).status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_error_means_that_there_is_none),
		cmocka_unit_test(what_is_forbidden_later_is_gone_for_good),
	};

	return run_all("barrier", tests);
}
