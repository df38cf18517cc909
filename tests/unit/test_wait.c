/* SPDX-License-Identifier: MIT */
/*
 * A thread may hold a lock of the library, or of liburcu, while it waits in one
 * of these. So its cancellation waits, too: until it is back with its caller.
 * And signals neither cut the waiting short nor show in errno.
 *
 * The linker wraps syscall(), for a machine without membarrier(2).
 */
#include "support.h"

#include "0-machine/barrier.h"
#include "0-machine/urcu-glue.h"
#include "0-machine/wait.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	(void)number;
	errno = EPERM;
	return -1;
}

/* ---- One thread, cancelled before it begins ---- */

struct attempt {
	void (*wait)(void);
	bool came_back;
	int error;
};

static void *be_cancelled(void *arg)
{
	struct attempt *a = arg;

	errno = EDOM;
	pthread_cancel(pthread_self());
	a->wait();
	a->error = errno;
	a->came_back = true;
	pthread_testcancel();
	return NULL;
}

static void comes_back_from(void (*wait)(void))
{
	struct attempt a = { .wait = wait };
	pthread_t thread;
	void *end;

	assert_int_equal(pthread_create(&thread, NULL, be_cancelled, &a), 0);
	pthread_join(thread, &end);
	assert_true(a.came_back);
	assert_ptr_equal(end, PTHREAD_CANCELED); /* But not forgotten. */
	assert_int_equal(a.error, EDOM);
}

/* ---- Where it waits ---- */

static void long_enough_to_nap(void)
{
	unsigned steps = 0;

	for (int i = 0; i < 500; i++)
		porter__wait_a_little(&steps);
}

static void no_thread_is_cancelled_while_it_waits_a_little(void **state)
{
	(void)state;
	comes_back_from(long_enough_to_nap);
}

static void nor_in_a_barrier_where_there_is_none(void **state)
{
	(void)state;
	comes_back_from(porter__barrier_everywhere);
	assert_false(porter__barrier_possible());
}

/* ---- Signals ---- */

static void on_signal(int signal)
{
	(void)signal;
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void signals_neither_wake_it_nor_change_errno(void **state)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	uint64_t begin = nanoseconds();
	int error;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	errno = EDOM;
	porter__sleep(30 * 1000 * 1000);
	error = errno;
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_true(nanoseconds() - begin >= 30 * 1000 * 1000);
	assert_int_equal(error, EDOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			no_thread_is_cancelled_while_it_waits_a_little),
		cmocka_unit_test(nor_in_a_barrier_where_there_is_none),
		cmocka_unit_test(signals_neither_wake_it_nor_change_errno),
	};

	return run_all("wait", tests);
}
