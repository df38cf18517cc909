/* SPDX-License-Identifier: MIT */
/*
 * Slots: one for each live thread, handed on with what is in it.
 *
 * Linked with the library's objects, whose private names the library hides.
 */
#include "support.h"

#include "1-slots/slots.h"
#include "2-counter/counter.h"

#include <portermem/thread.h>

#include <pthread.h>
#include <signal.h>

/* ---- A signal just when a slot is taken; the linker wraps the taking ---- */

void *__real_porter__pool_take(struct pool *pool);
void *__wrap_porter__pool_take(struct pool *pool);

static bool raise_when_taking;
static porter_counter *counter_of_handler;

void *__wrap_porter__pool_take(struct pool *pool)
{
	void *element = __real_porter__pool_take(pool);

	if (raise_when_taking)
		raise(SIGUSR1);
	return element;
}

static void count_in_handler(int signal)
{
	(void)signal;
	porter_counter_add(counter_of_handler, 5);
}

static void count_one(void *counter);

static void
a_handler_in_the_midst_of_taking_a_slot_takes_no_second(void **state)
{
	struct sigaction action = { .sa_handler = count_in_handler };
	porter_counter *c = porter_counter_new();
	size_t before;

	(void)state;
	counter_of_handler = c;
	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	in_a_thread(count_one, c);
	before = porter__slots_count();
	raise_when_taking = true;
	for (int i = 0; i < 20; i++)
		in_a_thread(count_one, c);
	raise_when_taking = false;
	assert_int_equal(porter__slots_count(), before);
	assert_int_equal(porter_counter_sum(c), 1 + 20 * 6);
	porter_counter_destroy(c);
}

/* ---- Reuse ---- */

static void count_one(void *counter)
{
	porter_counter_add(counter, 1);
}

static void slots_are_reused_with_their_values(void **state)
{
	enum { THREADS = 1000 };
	size_t threads = scaled(THREADS), before;
	porter_counter *c = porter_counter_new();

	(void)state;
	in_a_thread(count_one, c);
	before = porter__slots_count();
	for (size_t i = 1; i < threads; i++)
		in_a_thread(count_one, c);
	assert_int_equal(porter__slots_count(), before);
	assert_int_equal(porter_counter_sum(c), threads);
	porter_counter_destroy(c);
}

static void unregister_in_turn(void *counter)
{
	size_t before;

	must(porter_thread_register() == 0);
	before = porter__slots_count();
	for (size_t i = 0; i < 100; i++) {
		porter_counter_add(counter, 1);
		porter_thread_unregister();
	}
	must(porter__slots_count() == before);
}

static void a_thread_that_unregisters_hands_its_slot_on(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	in_a_thread(unregister_in_turn, c);
	assert_int_equal(porter_counter_sum(c), 100);
	porter_counter_destroy(c);
}

static void register_twice(void *unused)
{
	struct slot *mine;

	(void)unused;
	must(porter_thread_register() == 0);
	mine = porter__self;
	must(porter_thread_register() == 0);
	must(porter__self == mine);
	porter_thread_unregister();
	must(porter__self != mine);
	porter_thread_unregister();
}

static void registering_again_changes_nothing(void **state)
{
	size_t before;

	(void)state;
	in_a_thread(register_twice, NULL);
	before = porter__slots_count();
	in_a_thread(register_twice, NULL);
	assert_int_equal(porter__slots_count(), before);
}

static void update_and_look(void *counter)
{
	struct cell_address at = ((struct porter_counter *)counter)->at;

	/* An empty slot has no block: the fast way finds nothing. */
	must(this_cell_fast(at) == NULL);
	porter_counter_add(counter, 7);
	must(this_cell_fast(at) != NULL);
	must(this_cell_fast(at) == porter__this_cell(at));
}

static void the_first_update_takes_a_slot(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	in_a_thread(update_and_look, c);
	assert_int_equal(porter_counter_sum(c), 7);
	assert_int_equal(c->id->shared.word[ALLOCATED], 0);
	porter_counter_destroy(c);
}

/* ---- All at once ---- */

struct crowd {
	porter_counter *counter;
	pthread_barrier_t all_here;
	struct slot **slots;
};

static void take_a_slot_and_stay(void *arg, size_t number)
{
	struct crowd *crowd = arg;

	porter_counter_add(crowd->counter, number + 1);
	crowd->slots[number] = porter__self;
	pthread_barrier_wait(&crowd->all_here);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t left = (uintptr_t) * (struct slot *const *)a;
	uintptr_t right = (uintptr_t) * (struct slot *const *)b;

	return (left > right) - (left < right);
}

static void live_threads_have_slots_of_their_own(void **state)
{
	size_t n = threads_allowed(500), before;
	struct crowd crowd = { .counter = porter_counter_new() };

	(void)state;
	crowd.slots = calloc(n, sizeof(*crowd.slots));
	pthread_barrier_init(&crowd.all_here, NULL, (unsigned)n);
	for (int round = 0; round < 2; round++) {
		before = porter__slots_count();
		assert_true(in_threads(n, take_a_slot_and_stay, &crowd));
		qsort(crowd.slots, n, sizeof(*crowd.slots), by_address);
		for (size_t i = 1; i < n; i++)
			assert_ptr_not_equal(crowd.slots[i - 1],
					     crowd.slots[i]);
	}
	/* The second crowd went on in the slots of the first. */
	assert_int_equal(porter__slots_count(), before);
	assert_int_equal(porter_counter_sum(crowd.counter), n * (n + 1));
	pthread_barrier_destroy(&crowd.all_here);
	free(crowd.slots);
	porter_counter_destroy(crowd.counter);
}

/* ---- Places in memory ---- */

static void cells_of_two_threads_never_share_a_line(void **state)
{
	struct cell_address first = cell_address(0);
	struct cell_address last = cell_address(BLOCK_CELLS - 1);

	(void)state;
	must(porter_thread_register() == 0);
	for (size_t i = 0; i < porter__slots_count(); i++) {
		uintptr_t a = (uintptr_t)porter__slot_cell(i, first);
		uintptr_t z = (uintptr_t)porter__slot_cell(i, last);

		assert_int_equal(a % CACHE_LINE, 0);
		assert_int_equal(z - a, (BLOCK_CELLS - 1) * CACHE_LINE);
	}
}

static void every_id_has_a_cell_of_its_own(void **state)
{
	/* The edges of blocks, of the direct ones, and of the tables. */
	static const uint32_t ids[] = {
		0,    1,    62,	   63,	  64,	 65,	127,	128,
		2046, 2047, 2048,  2049,  4095,	 4096,	4097,	8191,
		8192, 9999, 10000, 16383, 16384, 32768, 100000, 1000000,
	};
	struct cell *cells[ARRAY_SIZE(ids)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		cells[i] = porter__this_cell(cell_address(ids[i]));
		assert_non_null(cells[i]);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(cells[i], cells[j]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct cell_address at = cell_address(ids[i]);

		assert_ptr_equal(porter__this_cell(at), cells[i]);
		assert_ptr_equal(this_cell_fast(at),
				 ids[i] < 2048 ? cells[i] : NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_handler_in_the_midst_of_taking_a_slot_takes_no_second),
		cmocka_unit_test(slots_are_reused_with_their_values),
		cmocka_unit_test(a_thread_that_unregisters_hands_its_slot_on),
		cmocka_unit_test(registering_again_changes_nothing),
		cmocka_unit_test(the_first_update_takes_a_slot),
		cmocka_unit_test(live_threads_have_slots_of_their_own),
		cmocka_unit_test(cells_of_two_threads_never_share_a_line),
		cmocka_unit_test(every_id_has_a_cell_of_its_own),
	};

	return run_all("slots", tests);
}
