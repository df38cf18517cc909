/* SPDX-License-Identifier: MIT */
/*
 * Accounts in a child of fork(): whatever the other threads of the parent were in
 * the middle of, all adds up, and all room can be had that nobody uses.
 */
#include "unit/rebuilds.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- In the middle of what ---- */

static void stock_of_threads_that_are_no_more_is_there_for_all(void **state)
{
	(void)state;
	open_busy();
	assert_right_in_child(3000);
	close_busy(3000);
}

static void stopped_where(enum test_point point, int what, uint64_t size,
			  int64_t in_the_child, int64_t in_the_end)
{
	struct operation o = { .size = size };

	open_busy();
	o.what = what;
	o.a = root;
	stop_at(w[0], point);
	begin(w[0], &o);
	wait_until_stopped(w[0]);
	assert_right_in_child(in_the_child);
	go_on(w[0]);
	wait_for(w[0]);
	close_busy(in_the_end);
}

/* It holds the lock, and all quotas are marked. */
static void a_thread_may_have_been_in_a_drain(void **state)
{
	(void)state;
	needs_stock();
	stopped_where(DRAINING, DRAIN, 0, 3000, 3000);
}

static void a_thread_may_have_held_the_lock(void **state)
{
	(void)state;
	/* So much never is for atomic mode. */
	stopped_where(REFUSING, CHARGE, (uint64_t)GIB, 3000, 3000);
}

static void a_thread_may_have_been_in_an_attempt(void **state)
{
	(void)state;
	needs_stock();
	stopped_where(ATTEMPTING, CHARGE, 100, 3000, 3100);
}

static void a_thread_may_have_waited_for_an_attempt(void **state)
{
	struct operation charging = { .what = CHARGE, .size = 100 };
	struct operation draining = { .what = DRAIN };

	(void)state;
	needs_stock();
	open_busy();
	charging.a = draining.a = root;
	stop_at(w[0], ATTEMPTING);
	begin(w[0], &charging);
	wait_until_stopped(w[0]);
	begin(w[1], &draining);
	while (came_to(DRAINING) == 0)
		give_time();
	assert_right_in_child(3000);
	go_on(w[0]);
	wait_for(w[0]);
	wait_for(w[1]);
	close_busy(3100);
}

/* ---- In atomic mode ---- */

static void open_atomic(void)
{
	root = open_full(LIMIT, LIMIT - 100 * KIB);
	hire_so_many(1);
}

static void a_thread_may_have_been_refusing_in_atomic_mode(void **state)
{
	struct operation o = { .what = CHARGE, .size = 200 * KIB };

	(void)state;
	open_atomic();
	o.a = root;
	stop_at(w[0], REFUSING_ATOMICALLY);
	begin(w[0], &o);
	wait_until_stopped(w[0]);
	assert_right_in_child(LIMIT - 100 * KIB);
	go_on(w[0]);
	wait_for(w[0]);
	close_full(root);
}

/* What is reserved may be too much then: a read must not take it for less. */
static void a_thread_may_have_been_ending_atomic_mode(void **state)
{
	struct operation o = { .what = DRAIN };

	(void)state;
	open_atomic();
	o.a = root;
	stop_at(w[0], ATOMIC_MODE_ENDS);
	begin(w[0], &o);
	wait_until_stopped(w[0]);
	assert_right_in_child(LIMIT - 100 * KIB);
	/* Or too little, as a thread that reserves may have stored half of it. */
	root->reserved = 1000;
	assert_right_in_child(LIMIT - 100 * KIB);
	root->reserved = LIMIT;
	go_on(w[0]);
	wait_for(w[0]);
	close_full(root);
}

static void do_one_half(void *account)
{
	struct account *a = account;

	store_relaxed(&a->word, a->word + (int64_t)50 * KIB * WORD_MODES);
}

static void do_the_other_half(void *account)
{
	struct cell *cell = my_cell(account);

	store_relaxed(&cell->word[QUOTA], cell->word[QUOTA] + 50 * KIB);
	word_add(&cell->word[ALLOCATED], 50 * KIB);
}

/* Its word was changed, and its cell was not yet. */
static void a_thread_may_have_done_one_half_of_a_charge(void **state)
{
	(void)state;
	open_atomic();
	let(w[0], do_one_half, root);
	assert_right_in_child(LIMIT - 100 * KIB);
	let(w[0], do_the_other_half, root);
	assert_int_equal(reserved_in(root), LIMIT - 50 * KIB);
	close_full(root);
}

static void see_to_it_that_the_lock_is_needed(void *unused)
{
	struct cell *cell = my_cell(root);
	struct atomic_refusal why;

	(void)unused;
	must(is_atomic(root->word));
	must(charge_atomically(root, cell, 1, &why) == NEEDS_LOCK);
	must(charge_atomically(root, cell, LIMIT, &why) == NEEDS_LOCK);
	word_add_release(&cell->word[FREED], 1000);
	must(uncharge_atomically(root, cell) == NEEDS_LOCK);
	must_equal(word_reserved(root->word), LIMIT - 100 * KIB);
	porter__settle(root, cell);
	must_equal(porter__account_charged(root), LIMIT - 100 * KIB - 1000);
	assert_adds_up(root);
}

/* Or the rebuild, by another thread, might miss one half of an operation. */
static void there_is_no_atomic_mode_before_the_rebuild(void **state)
{
	(void)state;
	open_atomic();
	assert_int_equal(
		in_child(see_to_it_that_the_lock_is_needed, NULL).status, 0);
	close_full(root);
}

/* ---- Peaks ---- */

static void look_at_the_peak(void *unused)
{
	struct porter_interval pair = peak_read(&root->peak);

	(void)unused;
	must(pair.lower == 2 * MIB && pair.upper == 2 * MIB);
	drain(root);
	pair = peak_read(&root->peak);
	must(pair.lower <= pair.upper);
	must_equal(pair.upper, 2 * MIB);
	assert_adds_up(root);
}

static void a_peak_may_have_been_half_published(void **state)
{
	struct porter_interval *copy;
	struct peak whole;

	(void)state;
	root = open_account(NULL, LIMIT);
	must(charge(root, 2 * MIB));
	whole = root->peak;
	/* Another one is, with the upper bound yet to come. */
	copy = &root->peak.copy[(whole.number + 1) & 1];
	copy->lower = root->lower = 3 * MIB;
	assert_int_equal(in_child(look_at_the_peak, NULL).status, 0);
	root->lower = 2 * MIB;
	/* What is reserved was raised, and the peak was not yet. */
	root->upper = MIB;
	root->lower = MIB;
	assert_int_equal(in_child(look_at_the_peak, NULL).status, 0);
	root->upper = root->lower = 2 * MIB;
	root->peak = whole;
	uncharge(root, 2 * MIB);
	close_account(root);
}

/* ---- Again and again ---- */

static void beget(void *generations)
{
	int left = *(int *)generations - 1;
	int64_t in_use = 3000;

	if (left % 2 == 0) /* Not each of them asks. */
		check_all(&in_use);
	if (left > 0)
		must(in_child(beget, &left).status == 0);
	check_all(&in_use);
}

static void children_have_children(void **state)
{
	int generations = 5;

	(void)state;
	open_busy();
	assert_int_equal(in_child(beget, &generations).status, 0);
	close_busy(3000);
}

/* ---- A thread that forks in its own midst ---- */

static pid_t forked;

static void fork_here(void)
{
	bool held = root->lock.held_by != 0;

	store_relaxed(&forked, fork());
	/* What it holds, it holds in both. */
	must(!held || root->lock.held_by == porter__fork_generation);
}

static void begin_to_fork_at(enum test_point point)
{
	call_at(point, fork_here);
	forked = -1;
}

static void end_in_both(int64_t in_use)
{
	int status;

	must(forked >= 0);
	check_all(&in_use);
	if (forked == 0)
		_exit(0);
	must(waitpid(forked, &status, 0) == forked);
	assert_int_equal(status, 0);
}

/* As in a signal handler. Both go on, and do what they have begun. */
static void a_thread_that_forks_goes_on_in_both(void **state)
{
	(void)state;
	open_busy();
	begin_to_fork_at(REFUSING);
	must(!charge(root, (uint64_t)GIB));
	end_in_both(3000);
	if (stock_is_given()) {
		get_stock(root);
		begin_to_fork_at(ATTEMPTING);
		must(charge(root, 100));
		end_in_both(3100);
		uncharge(root, 100);
		begin_to_fork_at(DRAINING);
		drain(root);
		end_in_both(3000);
	}
	close_busy(3000);
	open_atomic();
	begin_to_fork_at(REFUSING_ATOMICALLY);
	must(!charge(root, 200 * KIB));
	end_in_both(LIMIT - 100 * KIB);
	raise_peak_to(root, 1000);
	must(is_atomic(root->word));
	begin_to_fork_at(ATOMIC_MODE_ENDS);
	drain(root);
	end_in_both(LIMIT - 100 * KIB);
	close_full(root);
}

static void fork_in_handler(int signal)
{
	(void)signal;
	if (load_relaxed(&forked) < 0)
		store_relaxed(&forked, fork());
}

static pthread_t main_thread;

static void interrupt_main(void *unused)
{
	(void)unused;
	while (came_to(DRAINING) == 0)
		give_time();
	while (load_relaxed(&forked) < 0) {
		pthread_kill(main_thread, SIGUSR1);
		give_time();
	}
	go_on(w[0]);
}

/* In the child there is nobody who would end the attempt. */
static void a_thread_that_waits_for_an_attempt_may_fork(void **state)
{
	struct sigaction action = { .sa_handler = fork_in_handler }, before;
	struct operation charging = { .what = CHARGE, .size = 100 };

	(void)state;
	needs_stock();
	open_busy();
	main_thread = pthread_self();
	must(sigaction(SIGUSR1, &action, &before) == 0);
	charging.a = root;
	stop_at(w[0], ATTEMPTING);
	begin(w[0], &charging);
	wait_until_stopped(w[0]);
	forked = -1;
	begin_job(w[1], interrupt_main, NULL);
	drain(root);
	if (forked == 0)
		end_in_both(3000);
	wait_for(w[1]);
	wait_for(w[0]);
	end_in_both(3100);
	must(sigaction(SIGUSR1, &before, NULL) == 0);
	close_busy(3100);
}

/* ---- Without barriers ---- */

static void fork_without(void *unused)
{
	int64_t in_use = 0;

	(void)unused;
	root = open_account(NULL, LIMIT);
	raise_peak_to(root, MIB);
	must(charge(root, 5000));
	in_use = 5000;
	must(in_child(check_all, &in_use).status == 0);
	check_all(&in_use);
}

static void without_barriers_it_is_the_same(void **state)
{
	(void)state;
	assert_true(without_barriers(fork_without, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(
			stock_of_threads_that_are_no_more_is_there_for_all),
		account_test(a_thread_may_have_been_in_a_drain),
		account_test(a_thread_may_have_held_the_lock),
		account_test(a_thread_may_have_been_in_an_attempt),
		account_test(a_thread_may_have_waited_for_an_attempt),
		account_test(a_thread_may_have_been_refusing_in_atomic_mode),
		account_test(a_thread_may_have_been_ending_atomic_mode),
		account_test(a_thread_may_have_done_one_half_of_a_charge),
		account_test(there_is_no_atomic_mode_before_the_rebuild),
		account_test(a_peak_may_have_been_half_published),
		account_test(children_have_children),
		account_test(a_thread_that_forks_goes_on_in_both),
		account_test(a_thread_that_waits_for_an_attempt_may_fork),
		account_test(without_barriers_it_is_the_same),
	};

	return run_all("rebuild", tests);
}
