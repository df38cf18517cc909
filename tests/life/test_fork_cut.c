/* SPDX-License-Identifier: MIT */
/*
 * The memory of a child is a consistent cut: a write that it sees is there with
 * all writes that happened before (0-machine/fork.h says why). One thread counts
 * what it hands over, another one counts the same again when it has got it;
 * meanwhile the process forks. No child may see more of the latter.
 *
 * First with plain words, on as many pages as fork() takes a while to copy: what
 * the library relies on. Then through the library.
 */
#include "life.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

/* ---- Many forks, beside two threads ---- */

enum { HALF_A_SECOND = 500 * 1000 * 1000, AHEAD = 50 };

static struct {
	/* What is handed over; each on a page of its own. */
	alignas(4096) atomic_uint_least64_t given;
	alignas(4096) atomic_uint_least64_t got;
	alignas(4096) atomic_bool stop;
} relay;

/* The places that the two use are the same, in the same order. */
static void (*give)(size_t place);
static void (*get)(size_t place);
static size_t places;

/* Never far ahead, so that the second is often right behind it. */
static void *giver(void *unused)
{
	uint64_t random = 1, n = 0;

	while (!atomic_load(&relay.stop)) {
		while (n - atomic_load(&relay.got) > AHEAD) {
			if (atomic_load(&relay.stop))
				return unused;
			sched_yield();
		}
		give(random_below(&random, places));
		atomic_store_explicit(&relay.given, ++n, memory_order_release);
	}
	return unused;
}

static void *getter(void *unused)
{
	uint64_t random = 1, n = 0;

	while (!atomic_load(&relay.stop)) {
		while (n == atomic_load_explicit(&relay.given,
						 memory_order_acquire)) {
			if (atomic_load(&relay.stop))
				return unused;
			sched_yield();
		}
		get(random_below(&random, places));
		atomic_store_explicit(&relay.got, ++n, memory_order_relaxed);
	}
	return unused;
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fork_beside(void *(*second)(void *), void (*check)(void *unused))
{
	uint64_t end = nanoseconds() + HALF_A_SECOND;
	pthread_t threads[2];
	int forks = 0;

	atomic_store(&relay.stop, false);
	atomic_store(&relay.given, 0);
	atomic_store(&relay.got, 0);
	must(!pthread_create(&threads[0], NULL, giver, NULL));
	must(!pthread_create(&threads[1], NULL, second, NULL));
	while (atomic_load(&relay.got) == 0)
		pause_for(100);
	for (; forks < 20 || nanoseconds() < end; forks++)
		must(child_does(check, NULL));
	atomic_store(&relay.stop, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	print_message("# %d forks, %llu handed over\n", forks,
		      (unsigned long long)atomic_load(&relay.got));
}

/* ---- Plain words ---- */

enum { PAGES = 3000, WORDS_A_PAGE = 4096 / sizeof(uint64_t) };

static uint64_t *memory;

/* On the one page; on another, below it as often as above it. */
static uint64_t *given_word(size_t place)
{
	return &memory[place * WORDS_A_PAGE];
}

static uint64_t *got_word(size_t place)
{
	return &memory[(PAGES - 1 - place) * WORDS_A_PAGE + 8];
}

static void count(uint64_t *word)
{
	uint64_t n = __atomic_load_n(word, __ATOMIC_RELAXED);

	__atomic_store_n(word, n + 1, __ATOMIC_RELAXED);
}

static void count_given(size_t place)
{
	count(given_word(place));
}

static void count_got(size_t place)
{
	count(got_word(place));
}

static void compare_words(void *unused)
{
	uint64_t given = 0, got = 0;

	(void)unused;
	for (size_t i = 0; i < PAGES; i++) {
		given += *given_word(i);
		got += *got_word(i);
	}
	must(got <= given);
	must(got >= atomic_load(&relay.got));
	must(given >= atomic_load(&relay.given));
	must(got > 0);
}

static void what_a_child_sees_is_there_with_what_happened_before(void **state)
{
	size_t size = (size_t)PAGES * 4096;

	(void)state;
	if (under_a_tool())
		skip_because("this is about the kernel, not the library");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	for (size_t i = 0; i < PAGES; i++)
		*given_word(i) = 0; /* The page is there. */
	give = count_given;
	get = count_got;
	places = PAGES;
	fork_beside(getter, compare_words);
	munmap(memory, size);
}

/* ---- Counters: of each thread, a page for 64 of them ---- */

enum { MANY = 2000, HELD = 100, SIZE = 7 };

static porter_counter *counters[MANY];

static void add(size_t place)
{
	porter_counter_add(counters[place], SIZE);
}

static void sub(size_t place)
{
	porter_counter_sub(counters[place], SIZE);
}

static void compare_sums(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < MANY; i++)
		must(porter_counter_sum(counters[i]) >= HELD);
	/* And it goes on from there. */
	for (size_t i = 0; i < MANY; i += 100) {
		int64_t before = porter_counter_sum(counters[i]);

		porter_counter_add(counters[i], 5);
		must(porter_counter_sum(counters[i]) == before + 5);
	}
}

static void count_and_fork(void *(*second)(void *))
{
	for (size_t i = 0; i < MANY; i++) {
		assert_non_null(counters[i] = porter_counter_new());
		porter_counter_add(counters[i], HELD);
	}
	give = add;
	get = sub;
	places = MANY;
	fork_beside(second, compare_sums);
	for (size_t i = 0; i < MANY; i++)
		porter_counter_destroy(counters[i]);
}

static void no_child_sees_a_sub_without_its_add(void **state)
{
	(void)state;
	if (WITH_TSAN)
		skip_because("a child of several threads stops under TSan");
	count_and_fork(getter);
}

/* The second thread has left its slot, and counts in shared cells. */
static pthread_key_t leaving;

static void get_from_outside(void *unused)
{
	must(porter_thread_register() == -1 && errno == ECANCELED);
	getter(unused);
}

static void *leave_and_get(void *unused)
{
	must(porter_thread_register() == 0);
	must(pthread_setspecific(leaving, &leaving) == 0);
	return unused;
}

static void nor_one_of_a_thread_that_has_left_its_slot(void **state)
{
	(void)state;
	if (WITH_TSAN)
		skip_because("TSan does not know the library any more then");
	must(!pthread_key_create(&leaving, get_from_outside));
	count_and_fork(leave_and_get);
	pthread_key_delete(leaving);
}

/* ---- Trackers ---- */

static porter_tracked *trackers[MANY];

static void allocate(size_t place)
{
	porter_allocator *a = porter_tracked_allocator(trackers[place]);

	must(porter_allocate(a, SIZE));
}

static void give_back(size_t place)
{
	static char block[SIZE]; /* any will do: see `nothing` */

	porter_free(porter_tracked_allocator(trackers[place]), block, SIZE);
}

static void compare_bytes(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < MANY; i++) {
		struct porter_stats stats = { .size = sizeof(stats) };
		int64_t used = porter_bytes_used(trackers[i]);

		must(used >= HELD);
		must(porter_tracked_stats(trackers[i], &stats) == 0);
		must(stats.bytes_used == used);
		must(stats.allocations >= stats.frees + 1);
		must(stats.total_allocated >= stats.total_freed + HELD);
	}
}

static void no_child_sees_a_free_without_its_allocation(void **state)
{
	(void)state;
	if (WITH_TSAN)
		skip_because("a child of several threads stops under TSan");
	for (size_t i = 0; i < MANY; i++) {
		porter_tracked *t = tracker_of_kind(&nothing);

		assert_non_null(t);
		assert_non_null(
			porter_allocate(porter_tracked_allocator(t), HELD));
		trackers[i] = t;
	}
	give = allocate;
	get = give_back;
	places = MANY;
	fork_beside(getter, compare_bytes);
	for (size_t i = 0; i < MANY; i++) {
		porter_free(porter_tracked_allocator(trackers[i]), &relay,
			    HELD);
		porter_tracked_destroy(trackers[i], NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_child_sees_is_there_with_what_happened_before),
		cmocka_unit_test(no_child_sees_a_sub_without_its_add),
		cmocka_unit_test(nor_one_of_a_thread_that_has_left_its_slot),
		cmocka_unit_test(no_child_sees_a_free_without_its_allocation),
	};

	return run_all("fork as a cut", tests);
}
