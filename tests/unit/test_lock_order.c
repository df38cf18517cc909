/* SPDX-License-Identifier: MIT */
/*
 * The checker of lock ranks: it catches a wrong order, and a callback that is
 * called with a lock held; and it lets the right order pass, a fork among it.
 */
#include "support.h"

#include "0-machine/fork.h"
#include "0-machine/lock-order.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct porter__lock low = PORTER__LOCK_INIT(RANK_TRACKERS);
static struct porter__lock high = PORTER__LOCK_INIT(RANK_RETIRED);
static int hierarchy, another; /* locks of a floor above, of its own kind */

FORK_HOLD(hold_high, .lock = &high);
FORK_HOLD(hold_low, .lock = &low);

static void up(void *unused)
{
	sigset_t first, second;

	(void)unused;
	must(porter__locks_held() == 0);
	porter__lock_order_take(&hierarchy, RANK_HIERARCHY);
	porter__lock(&low, &first);
	must(porter__locks_held() == 2);
	porter__lock(&high, &second);
	must(porter__locks_held() == 3);
	/* Given back in another order than taken. */
	porter__lock_order_give(&hierarchy);
	porter__unlock(&high, &second);
	must(porter__locks_held() == 1);
	porter__unlock(&low, &first);
	must(porter__locks_held() == 0);
	porter__lock(&low, &first);
	porter__unlock(&low, &first);
}

static void down(void *unused)
{
	sigset_t first, second;

	(void)unused;
	porter__lock(&high, &first);
	porter__lock(&low, &second);
}

static void two_hierarchies(void *unused)
{
	(void)unused;
	porter__lock_order_take(&hierarchy, RANK_HIERARCHY);
	porter__lock_order_take(&another, RANK_HIERARCHY);
}

static void a_hierarchy_below_a_pool(void *unused)
{
	sigset_t saved;

	(void)unused;
	porter__lock(&low, &saved);
	porter__lock_order_take(&hierarchy, RANK_HIERARCHY);
}

static void fork_with(void *lock)
{
	sigset_t saved;
	pid_t child;

	if (lock)
		porter__lock(lock, &saved);
	child = fork();
	if (child == 0)
		_exit(porter__locks_held());
	must(waitpid(child, NULL, 0) == child);
}

static void ends_with(void (*run)(void *arg), void *arg, const char *text)
{
	struct child_end end = in_child(run, arg);

	assert_int_not_equal(end.status, 0);
	if (!strstr(end.text, text))
		fail_msg("it says: %s", end.text);
}

static void the_right_order_passes(void **state)
{
	(void)state;
	up(NULL);
}

static void a_wrong_order_ends_the_program(void **state)
{
	static const char text[] = "lock order: a lock of rank";

	(void)state;
	ends_with(down, NULL, text);
	ends_with(two_hierarchies, NULL, text);
	ends_with(a_hierarchy_below_a_pool, NULL, text);
	ends_with(fork_with, &low, text);
}

/* As a signal handler does that comes while its thread holds that lock. */
static void a_fork_may_come_while_a_hierarchy_is_held(void **state)
{
	int status = -1;
	pid_t child;

	(void)state;
	fork_with(NULL);
	porter__lock_order_take(&hierarchy, RANK_HIERARCHY);
	child = fork();
	if (child == 0) {
		must(porter__locks_held() == 1);
		porter__lock_order_give(&hierarchy);
		must(porter__locks_held() == 0);
		up(NULL);
		_exit(0);
	}
	assert_int_equal(porter__locks_held(), 1);
	porter__lock_order_give(&hierarchy);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_order_passes),
		cmocka_unit_test(a_wrong_order_ends_the_program),
		cmocka_unit_test(a_fork_may_come_while_a_hierarchy_is_held),
	};

	porter__fork_register();
	return run_all("lock_order", tests);
}
