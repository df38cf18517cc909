/* SPDX-License-Identifier: MIT */
/*
 * Atomic mode, from which others take away what a thread has just looked at:
 * refusals without the lock, frees in vain, many threads at the limit at once.
 */
#include "unit/accounts.h"

enum { LIMIT = MIB };

/* ---- Refusals without the lock ---- */

static struct account *refusing;
static struct operation request;

/* A worker has looked, and stops before it refuses. */
static void begin_to_refuse(int64_t size)
{
	refusing = open_full(LIMIT, 1000 * KIB);
	request = (struct operation){ .what = CHARGE,
				      .a = refusing,
				      .size = (uint64_t)size };
	hire_so_many(1);
	stop_at(w[0], REFUSING_ATOMICALLY);
	begin(w[0], &request);
	wait_until_stopped(w[0]);
}

static void end_refusal(bool granted)
{
	go_on(w[0]);
	wait_for(w[0]);
	assert_int_equal(request.granted, granted);
	assert_adds_up(refusing);
	close_full(refusing);
}

static void a_limit_that_is_raised_meanwhile_refuses_nothing(void **state)
{
	(void)state;
	begin_to_refuse(50 * KIB);
	porter__account_set_limit(refusing, 2 * LIMIT);
	end_refusal(true);
}

/* The limit of one mode says nothing about what was charged in another. */
static void room_that_was_there_meanwhile_is_seen(void **state)
{
	(void)state;
	begin_to_refuse(50 * KIB);
	uncharge(refusing, 100 * KIB);
	porter__account_set_limit(refusing, LIMIT + 1);
	raise_peak_to(refusing, 1000);
	assert_true(is_atomic(refusing->word));
	end_refusal(true);
	assert_int_equal(came_to(REFUSING), 0);
}

static void another_mode_that_looks_the_same_is_another(void **state)
{
	int64_t before;

	(void)state;
	begin_to_refuse(50 * KIB);
	before = refusing->word;
	assert_int_equal(porter__account_charged(refusing), 1000 * KIB);
	raise_peak_to(refusing, 1000);
	assert_true(is_atomic(refusing->word));
	assert_int_equal(word_reserved(refusing->word), word_reserved(before));
	end_refusal(false);
	/* With the lock. */
	assert_int_equal(came_to(REFUSING), 1);
}

/* It was full at the instant when it was looked at. */
static void what_is_freed_after_the_look_changes_nothing(void **state)
{
	(void)state;
	begin_to_refuse(50 * KIB);
	uncharge(refusing, 100 * KIB);
	assert_true(is_atomic(refusing->word));
	go_on(w[0]);
	wait_for(w[0]);
	assert_false(request.granted);
	assert_int_equal(request.refused.charged, 1000 * KIB);
	assert_int_equal(came_to(REFUSING), 0);
	close_full(refusing);
}

/* ---- Frees in vain ---- */

static void what_was_subtracted_in_vain_is_forgotten(void **state)
{
	struct account *a = open_account(NULL, LIMIT);

	(void)state;
	a->word = NOT_ATOMIC - (int64_t)5000 * WORD_MODES;
	account_enter(a);
	assert_int_equal(a->word, NOT_ATOMIC);
	assert_int_equal(a->reserved, 0);
	account_leave(a);
	close_account(a);
}

static void frees_while_it_ends_do_not_add_up(void **state)
{
	struct account *a = open_full(LIMIT, 900 * KIB);
	struct operation large = { .what = CHARGE, .a = a, .size = GIB };
	struct operation small[10];

	(void)state;
	hire_so_many(11);
	/* It has ended the mode, and holds the lock. */
	stop_at(w[10], REFUSING);
	begin(w[10], &large);
	wait_until_stopped(w[10]);
	assert_int_equal(a->word, NOT_ATOMIC);
	for (int i = 0; i < 10; i++) {
		small[i] = (struct operation){ .what = UNCHARGE,
					       .a = a,
					       .size = 1000 };
		begin(w[i], &small[i]);
		while (load_relaxed(&a->word) !=
		       NOT_ATOMIC - (int64_t)1000 * WORD_MODES * (i + 1))
			give_time();
	}
	go_on(w[10]);
	for (int i = 0; i < 11; i++)
		wait_for(w[i]);
	assert_int_equal(reserved_in(a), 900 * KIB - 10000);
	assert_adds_up(a);
	assert_int_equal(porter__account_charged(a), 900 * KIB - 10000);
	assert_int_equal(a->word, NOT_ATOMIC);
	close_full(a);
}

/* ---- All at once ---- */

enum { THREADS = 4, ROUNDS = 100000 };

static int64_t
	credit; /* what may yet be asked for, so that nobody is refused */

/* Demand stays within the limit, so there is always room. */
static void take_and_give(void *account, size_t number)
{
	struct account *a = account;
	uint64_t random = random_seed() + number;

	for (size_t i = 0; i < scaled(ROUNDS); i++) {
		int64_t size = (int64_t)random_below(&random, 3000);

		if (__atomic_sub_fetch(&credit, size, __ATOMIC_SEQ_CST) >= 0) {
			must(charge(a, (uint64_t)size));
			uncharge(a, (uint64_t)size);
		}
		__atomic_add_fetch(&credit, size, __ATOMIC_SEQ_CST);
	}
}

/* Each of them, and even more so all of them. */
static void ask_for_more(void *account, size_t number)
{
	struct account *a = account;
	uint64_t random = random_seed() + number;

	for (size_t i = 0; i < scaled(ROUNDS); i++) {
		uint64_t size = random_below(&random, 6000);

		if (charge(a, size))
			uncharge(a, size);
	}
}

static void beside_each_other(void (*run)(void *account, size_t number))
{
	struct account *a = open_full(LIMIT, LIMIT - 4000);

	credit = 4000;
	assert_true(in_threads(THREADS, run, a));
	assert_int_equal(charged_in(a), LIMIT - 4000);
	assert_int_equal(reserved_in(a), LIMIT - 4000);
	assert_int_equal(peak_read(&a->peak).upper, LIMIT);
	close_full(a);
}

static void nobody_is_refused_while_there_is_room(void **state)
{
	(void)state;
	beside_each_other(take_and_give);
}

static void nothing_is_charged_above_the_limit(void **state)
{
	(void)state;
	beside_each_other(ask_for_more);
	assert_true(came_to(REFUSING_ATOMICALLY) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		account_test(a_limit_that_is_raised_meanwhile_refuses_nothing),
		account_test(room_that_was_there_meanwhile_is_seen),
		account_test(another_mode_that_looks_the_same_is_another),
		account_test(what_is_freed_after_the_look_changes_nothing),
		account_test(what_was_subtracted_in_vain_is_forgotten),
		account_test(frees_while_it_ends_do_not_add_up),
		account_test(nobody_is_refused_while_there_is_room),
		account_test(nothing_is_charged_above_the_limit),
	};

	return run_all("atomic races", tests);
}
