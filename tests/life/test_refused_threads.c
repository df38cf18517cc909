/* SPDX-License-Identifier: MIT */
/*
 * Whose cell a request counts in, when its thread is another after on_refused():
 * because it has handed its slot on, or because a scheduler of the program has
 * moved it, as a fiber, to another thread.
 *
 *	thread 1	request, refused ->|  on_refused()  |-> granted
 *	                 in slot 1                           in which slot?
 *	thread 2	                    frees the room; then counts in slot 1
 *
 * If thread 1 still counts in slot 1, both add to one word, and bytes get lost.
 */
#define WITHOUT_KINDS
#include "watched.h"
#include "ways.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#ifdef __GLIBC__
#include <ucontext.h>
#endif

enum { LIMIT = 100000, BASE = 99000, ROOM = 600, DEPTH = 3 };

static porter_tracked *chain[DEPTH];
static porter_tracked *t; /* the last of them; the first one has the limit */
static const struct way *way;
static int depth;
static void *base, *room;
static porter_on_refused on_refused;

static void make_chain(void)
{
	for (int i = 0; i < depth; i++) {
		struct porter_tracked_options o = {
			.size = sizeof(o),
			.parent = i ? chain[i - 1] : NULL,
			.limit = i ? 0 : LIMIT,
			.on_refused = i ? NULL : on_refused,
		};

		chain[i] = porter_tracked_new_with(NULL, &o);
		must(chain[i]);
	}
	t = chain[depth - 1];
	base = way->get(t, BASE);
	must(base);
}

/* What is there is right, and so the whole limit can be had. */
static void end_chain(void)
{
	struct porter_stats stats = { .size = sizeof(stats) };
	void *all;

	way->put(t, base, BASE);
	for (int i = 0; i < depth; i++) {
		must(porter_tracked_stats(chain[i], &stats) == 0);
		must(porter_bytes_used(chain[i]) == 0);
		must(stats.total_allocated == stats.total_freed);
		must(stats.allocations == stats.frees);
	}
	all = way->get(t, LIMIT);
	must(all);
	must(porter_bytes_used(t) == LIMIT);
	way->put(t, all, LIMIT);
	for (int i = depth - 1; i >= 0; i--)
		must(destroy(chain[i]) == 0);
}

/* Each way, at each depth. */
static void each_way(void (*round)(void), size_t rounds)
{
	for (depth = 1; depth <= DEPTH; depth++)
		for (size_t w = 0; w < ways_count; w++) {
			way = &ways[w];
			make_chain();
			for (size_t i = 0; i < rounds; i++) {
				round();
				progress();
			}
			end_chain();
		}
}

/* ---- A slot that is handed on ---- */

enum step { WAIT, WORK, END };

static _Atomic enum step step;
static pthread_t other;
static bool unregisters, expected;

/* Its first operation takes the slot that is free. */
static void *take_the_slot(void *unused)
{
	way->put(t, room, ROOM);
	atomic_store(&step, WORK);
	while (atomic_load(&step) == WORK) {
		void *block = way->get(t, 1);

		must(block);
		way->put(t, block, 1);
	}
	return unused;
}

static int waits_for_room(porter_tracked *asked, size_t size, void *unused)
{
	(void)unused;
	must(asked == t && size == ROOM && expected);
	if (unregisters)
		porter_thread_unregister();
	must(pthread_create(&other, NULL, take_the_slot, NULL) == 0);
	while (atomic_load(&step) == WAIT)
		sched_yield();
	return 1;
}

static void one_request(void)
{
	void *block;

	atomic_store(&step, WAIT);
	room = way->get(t, ROOM);
	must(room);
	expected = true;
	block = way->get(t, ROOM);
	must(block);
	expected = false;
	way->put(t, block, ROOM);
	atomic_store(&step, END);
	pthread_join(other, NULL);
}

static void hand_it_on(void *unused)
{
	(void)unused;
	on_refused = waits_for_room;
	each_way(one_request, scaled(50));
}

static void a_thread_that_keeps_its_slot_counts_in_it(void **state)
{
	(void)state;
	unregisters = false;
	assert_true(ends_well(hand_it_on, NULL));
}

static void one_that_hands_its_slot_on_counts_elsewhere(void **state)
{
	(void)state;
	unregisters = true;
	assert_true(ends_well(hand_it_on, NULL));
}

/* ---- A fiber that moves ---- */

#ifdef __GLIBC__

static ucontext_t fiber, schedulers[2];
static char stack[256 * 1024];
static int scheduler; /* of the thread that the fiber runs in */
static bool in_fiber, moves;
static pthread_barrier_t both;

/*
 * A compiler takes it for granted that a function stays in its thread, so
 * nothing here, up to way->get(), has anything of a thread's own.
 */
static int sleeps_in_a_fiber(porter_tracked *asked, size_t size, void *unused)
{
	(void)unused;
	must(in_fiber && asked == t && size == ROOM);
	in_fiber = false;
	swapcontext(&fiber, &schedulers[scheduler]);
	in_fiber = true;
	return 1;
}

static void fiber_body(void)
{
	for (;;) {
		void *block;

		in_fiber = true;
		block = way->get(t, ROOM);
		must(block);
		way->put(t, block, ROOM);
		in_fiber = false;
		swapcontext(&fiber, &schedulers[scheduler]);
	}
}

/* In the cell of the thread that runs this. */
static void count_meanwhile(void)
{
	while (atomic_load(&step) == WORK) {
		void *block = way->get(t, 1);

		must(block);
		way->put(t, block, 1);
	}
}

/* The fiber sleeps; this thread makes room, and runs it or not. */
static void *second_thread(void *unused)
{
	way->put(t, room, ROOM);
	atomic_store(&step, WORK);
	if (moves) {
		scheduler = 1;
		swapcontext(&schedulers[1], &fiber);
		atomic_store(&step, END);
	} else {
		count_meanwhile();
	}
	pthread_barrier_wait(&both);
	return unused;
}

static void one_sleep(void)
{
	atomic_store(&step, WAIT);
	room = way->get(t, ROOM);
	must(room);
	scheduler = 0;
	swapcontext(&schedulers[0], &fiber);
	must(pthread_create(&other, NULL, second_thread, NULL) == 0);
	while (atomic_load(&step) == WAIT)
		sched_yield();
	if (moves) {
		count_meanwhile();
	} else {
		swapcontext(&schedulers[0], &fiber);
		atomic_store(&step, END);
	}
	pthread_barrier_wait(&both);
	pthread_join(other, NULL);
}

static void let_it_sleep(void *unused)
{
	(void)unused;
	on_refused = sleeps_in_a_fiber;
	pthread_barrier_init(&both, NULL, 2);
	must(getcontext(&fiber) == 0);
	fiber.uc_stack.ss_sp = stack;
	fiber.uc_stack.ss_size = sizeof(stack);
	makecontext(&fiber, fiber_body, 0);
	each_way(one_sleep, scaled(50));
}

static void run_fibers(bool move)
{
	if (under_a_tool())
		skip_because("the tool does not know about fibers");
	moves = move;
	assert_true(ends_well(let_it_sleep, NULL));
}

static void a_fiber_that_stays_counts_in_its_thread(void **state)
{
	(void)state;
	run_fibers(false);
}

static void one_that_moves_counts_in_the_other(void **state)
{
	(void)state;
	run_fibers(true);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_keeps_its_slot_counts_in_it),
		cmocka_unit_test(one_that_hands_its_slot_on_counts_elsewhere),
#ifdef __GLIBC__
		cmocka_unit_test(a_fiber_that_stays_counts_in_its_thread),
		cmocka_unit_test(one_that_moves_counts_in_the_other),
#endif
	};

	return run_all("threads that change in on_refused", tests);
}
