/* SPDX-License-Identifier: MIT */
/*
 * fork() while another thread holds a lock of the library: the child finds all
 * of them free; and it knows that it is another process.
 *
 * The linker wraps porter__map_pages(), which pools and the store of blocks
 * call under their locks when they grow: there a thread dwells while the main
 * thread forks. Were the locks not taken for the fork, the child would wait
 * for ever, until in_child() loses patience.
 */
#include "support.h"

#include "0-machine/fork.h"
#include "2-counter/counter.h"

#include <portermem/thread.h>

#include <pthread.h>
#include <unistd.h>

void *__real_porter__map_pages(size_t size);
void *__wrap_porter__map_pages(size_t size);

static __thread bool dwell;
static bool dwelling;

void *__wrap_porter__map_pages(size_t size)
{
	if (dwell) {
		dwell = false;
		__atomic_store_n(&dwelling, true, __ATOMIC_RELEASE);
		usleep(20000);
	}
	return __real_porter__map_pages(size);
}

enum { MOST = 20000 };

static porter_counter *made[MOST];
static size_t n_made;

/* New counters, and blocks for them, until memory was mapped. */
static void *grow(void *unused)
{
	(void)unused;
	must(porter_thread_register() == 0);
	dwell = true;
	while (dwell && n_made < MOST) {
		porter_counter *c = porter_counter_new();

		must(c);
		porter_counter_add(c, n_made + 1);
		made[n_made++] = c;
	}
	must(!dwell);
	return NULL;
}

static void use_everything(void *counter)
{
	porter_counter *c;

	for (int i = 0; i < 100; i++) {
		must(c = porter_counter_new());
		porter_counter_add(c, 1);
		must(porter_counter_sum(c) == 1);
	}
	must(porter_counter_sum(counter) == 7);
	porter_counter_add(counter, 1);
	must(porter_counter_sum(counter) == 8);
}

static void a_child_finds_the_locks_free_that_other_threads_held(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	if (under_a_tool())
		skip_because("the tool's locks may be held in the child");
	porter_counter_add(c, 7);
	for (int i = 0; i < 12; i++) {
		pthread_t grower;

		dwelling = false;
		must(pthread_create(&grower, NULL, grow, NULL) == 0);
		while (!__atomic_load_n(&dwelling, __ATOMIC_ACQUIRE))
			sched_yield();
		assert_int_equal(in_child(use_everything, c).status, 0);
		pthread_join(grower, NULL);
	}
	assert_int_equal(porter_counter_sum(c), 7);
	for (size_t i = 0; i < n_made; i++) {
		assert_int_equal(porter_counter_sum(made[i]), i + 1);
		porter_counter_destroy(made[i]);
	}
	porter_counter_destroy(c);
}

static pthread_barrier_t gate;

static void count_together(void *counter, size_t number)
{
	(void)number;
	porter_counter_add(counter, 1);
	/* Alive until all have counted, so that each needs a slot. */
	pthread_barrier_wait(&gate);
}

static void use_the_slots_of_the_dead(void *counter)
{
	size_t before = porter__slots_count();

	pthread_barrier_init(&gate, NULL, 10); /* A new one, in the child. */
	must(in_threads(10, count_together, counter));
	must(porter__slots_count() == before);
	must(porter_counter_sum(counter) == 10 + 20);
}

static void *count_and_wait(void *counter)
{
	porter_counter_add(counter, 2);
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&gate);
	return NULL;
}

static void in_the_child_the_slots_of_other_threads_are_free(void **state)
{
	porter_counter *c = porter_counter_new();
	pthread_t threads[10];

	(void)state;
	if (under_a_tool())
		skip_because("the tool's locks may be held in the child");
	if (getenv("PORTER_TEST_EMULATOR"))
		skip_because("the emulator ends when a child starts a thread");
	pthread_barrier_init(&gate, NULL, 11);
	for (int i = 0; i < 10; i++)
		must(!pthread_create(&threads[i], NULL, count_and_wait, c));
	pthread_barrier_wait(&gate);
	assert_int_equal(in_child(use_the_slots_of_the_dead, c).status, 0);
	pthread_barrier_wait(&gate);
	for (int i = 0; i < 10; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(porter_counter_sum(c), 20);
	pthread_barrier_destroy(&gate);
	porter_counter_destroy(c);
}

/* ---- Generations ---- */

static uint32_t found_by_holds[3]; /* before, in the parent, in the child */

static void before(void)
{
	found_by_holds[0] = porter__fork_generation;
}

static void in_the_parent(void)
{
	found_by_holds[1] = porter__fork_generation;
}

static void in_the_child(void)
{
	found_by_holds[2] = porter__fork_generation;
}

/* Of the lowest rank: it comes first of all. */
FORK_HOLD(first_hold, .rank = RANK_FORKING, .before = before,
	  .parent = in_the_parent, .child = in_the_child);

static void beget(void *generation)
{
	uint32_t mine = *(uint32_t *)generation + 1;

	must(porter__fork_generation == mine);
	must(found_by_holds[0] == mine - 1 && found_by_holds[2] == mine);
	if (mine < 5)
		must(in_child(beget, &mine).status == 0);
	must(porter__fork_generation == mine);
}

static void a_child_is_of_the_next_generation_from_the_first(void **state)
{
	uint32_t generation = 1;

	(void)state;
	assert_int_equal(porter__fork_generation, generation);
	assert_int_equal(in_child(beget, &generation).status, 0);
	assert_int_equal(in_child(beget, &generation).status, 0);
	assert_int_equal(porter__fork_generation, generation);
	assert_int_equal(found_by_holds[1], generation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_child_finds_the_locks_free_that_other_threads_held),
		cmocka_unit_test(
			in_the_child_the_slots_of_other_threads_are_free),
		cmocka_unit_test(
			a_child_is_of_the_next_generation_from_the_first),
	};

	return run_all("fork inside", tests);
}
