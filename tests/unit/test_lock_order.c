/* SPDX-License-Identifier: MIT */
/*
 * The checker of lock ranks: it catches a wrong order, and a callback that is
 * called with a lock held; and it lets the right order pass.
 */
#include "support.h"

#include "0-machine/fork.h"
#include "0-machine/spin.h"

#include <string.h>

static struct porter__lock low = PORTER__LOCK_INIT;
static struct porter__lock high = PORTER__LOCK_INIT;
static struct porter__lock unknown = PORTER__LOCK_INIT;
static struct spin family;

__attribute__((constructor)) static void on_load(void)
{
	static struct fork_hold hold_low = { .rank = RANK_TRACKERS,
					     .lock = &low };
	static struct fork_hold hold_high = { .rank = RANK_RETIRED,
					      .lock = &high };

	porter__fork_join(&hold_low);
	porter__fork_join(&hold_high);
}

static void up(void *unused)
{
	sigset_t first, second;

	(void)unused;
	must(porter__locks_held() == 0);
	porter__lock(&low, &first);
	must(porter__locks_held() == 1);
	porter__lock(&high, &second);
	spin_lock(&family);
	must(porter__locks_held() == 3);
	/* Given back in another order than taken. */
	porter__unlock(&high, &second);
	porter__unlock(&low, &first);
	must(porter__locks_held() == 1);
	spin_unlock(&family);
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

static void equal(void *unused)
{
	static struct spin another;

	(void)unused;
	spin_lock(&family);
	spin_lock(&another);
}

static void below_a_family(void *unused)
{
	sigset_t saved;

	(void)unused;
	must(spin_try(&family));
	porter__lock(&high, &saved);
}

static void of_no_rank(void *unused)
{
	sigset_t first, second;

	(void)unused;
	porter__lock(&high, &first);
	porter__lock(&unknown, &second);
	must(porter__locks_held() == 2);
	porter__unlock(&unknown, &second);
	porter__unlock(&high, &first);
	must(porter__locks_held() == 0);
}

static void ends_with(void (*run)(void *arg), const char *text)
{
	struct child_end end = in_child(run, NULL);

	assert_int_not_equal(end.status, 0);
	if (!strstr(end.text, text))
		fail_msg("it says: %s", end.text);
}

static void the_right_order_passes(void **state)
{
	(void)state;
	up(NULL);
	of_no_rank(NULL);
}

static void a_wrong_order_ends_the_program(void **state)
{
	(void)state;
	ends_with(down, "lock order: a lock of rank");
	ends_with(below_a_family, "lock order: a lock of rank");
	ends_with(equal, "lock order: a lock of rank");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_order_passes),
		cmocka_unit_test(a_wrong_order_ends_the_program),
	};

	return run_all("lock_order", tests);
}
