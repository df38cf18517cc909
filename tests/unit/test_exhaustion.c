/* SPDX-License-Identifier: MIT */
/*
 * No memory for slots, blocks and ids: updates go to the id's shared cell, reads
 * go on without liburcu, and every sum is exact.
 *
 * mmap() is wrapped by the linker, and fails while `exhausted` is set. Once
 * more with the machine's own limit, in a child process: there liburcu's
 * mmap() fails too.
 */
#include "support.h"

#include "2-counter/counter.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static bool exhausted, no_key;

void *__real_mmap(void *at, size_t size, int protection, int flags, int file,
		  off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file,
		  off_t offset);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file,
		  off_t offset)
{
	if (exhausted) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return __real_mmap(at, size, protection, flags, file, offset);
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	return no_key ? ENOMEM : __real_pthread_setspecific(key, value);
}

/* ---- Threads without a slot ---- */

enum { ROUNDS = 1000 };

struct crowd {
	porter_counter *counter;
	pthread_barrier_t all_here;
	size_t without_slot;
};

static void count_up_and_down(void *arg, size_t number)
{
	struct crowd *crowd = arg;

	(void)number;
	errno = EDOM; /* Updates have no errors: they leave errno alone. */
	for (size_t i = 0; i < ROUNDS; i++) {
		porter_counter_add(crowd->counter, 3);
		porter_counter_sub(crowd->counter, 1);
	}
	must(errno == EDOM);
	if (!this_cell_fast(crowd->counter->at))
		__atomic_fetch_add(&crowd->without_slot, 1, __ATOMIC_RELAXED);
	/* All live at one time, so that no slot goes from one to another. */
	pthread_barrier_wait(&crowd->all_here);
}

static void threads_without_memory_for_a_slot_count_as_exactly(void **state)
{
	size_t n = threads_allowed(100);
	struct crowd crowd = { .counter = porter_counter_new() };

	(void)state;
	/* The next slots are beyond the 16 of the first segment. */
	pthread_barrier_init(&crowd.all_here, NULL, (unsigned)n);
	exhausted = true;
	assert_true(in_threads(n, count_up_and_down, &crowd));
	assert_true(crowd.without_slot > 0);
	/* Reading without memory does not end the program. */
	assert_int_equal(porter_counter_sum(crowd.counter), 2 * n * ROUNDS);
	exhausted = false;
	assert_int_equal(porter_counter_sum(crowd.counter), 2 * n * ROUNDS);
	/* With memory again, they get slots; what was counted stays. */
	crowd.without_slot = 0;
	assert_true(in_threads(n, count_up_and_down, &crowd));
	assert_int_equal(crowd.without_slot, 0);
	assert_int_equal(porter_counter_sum(crowd.counter), 4 * n * ROUNDS);
	pthread_barrier_destroy(&crowd.all_here);
	porter_counter_destroy(crowd.counter);
}

static void read_and_register(void *arg)
{
	errno = EDOM;
	must(porter_counter_sum(arg) == 42 && errno == EDOM);
	errno = 0;
	must(porter_thread_register() == 0 || errno == ENOMEM);
	must(porter_counter_sum(arg) == 42);
	porter_thread_unregister();
	must(porter_counter_sum(arg) == 42);
}

static void a_thread_that_only_reads_reads_without_memory(void **state)
{
	porter_counter *c = porter_counter_new();

	(void)state;
	porter_counter_add(c, 42);
	exhausted = true;
	in_a_thread(read_and_register, c);
	exhausted = false;
	in_a_thread(read_and_register, c);
	porter_counter_destroy(c);
}

static void count_without_a_key(void *counter)
{
	porter_counter_add(counter, 10);
	must(this_cell_fast(((struct porter_counter *)counter)->at) == NULL);
	errno = 0;
	must(porter_thread_register() == -1 && errno == ENOMEM);
	porter_counter_sub(counter, 4);
}

static void a_slot_that_could_not_be_handed_on_is_not_taken(void **state)
{
	porter_counter *c = porter_counter_new();
	size_t before;

	(void)state;
	no_key = true;
	in_a_thread(count_without_a_key, c);
	before = porter__slots_count();
	for (int i = 0; i < 50; i++)
		in_a_thread(count_without_a_key, c);
	no_key = false;
	assert_int_equal(porter__slots_count(), before);
	assert_int_equal(porter_counter_sum(c), 51 * 6);
	porter_counter_destroy(c);
}

/* ---- Blocks and ids ---- */

static void
a_counter_without_memory_for_its_block_counts_as_exactly(void **state)
{
	enum { COUNTERS = 5000 };
	porter_counter **c = calloc(COUNTERS, sizeof(porter_counter *));
	size_t in_shared = 0;

	(void)state;
	for (size_t i = 0; i < COUNTERS; i++)
		assert_non_null(c[i] = porter_counter_new());
	exhausted = true;
	for (size_t i = 0; i < COUNTERS; i++) {
		porter_counter_add(c[i], i + 5);
		porter_counter_sub(c[i], 5);
		in_shared += c[i]->id->shared.word[ALLOCATED] != 0;
		assert_int_equal(porter_counter_sum(c[i]), i);
	}
	exhausted = false;
	assert_true(in_shared > 0);
	for (size_t i = 0; i < COUNTERS; i++) {
		porter_counter_add(c[i], 1);
		assert_int_equal(porter_counter_sum(c[i]), i + 1);
		porter_counter_destroy(c[i]);
	}
	/* What is in the shared cells is base now. */
	for (size_t i = 0; i < COUNTERS; i++) {
		assert_non_null(c[i] = porter_counter_new());
		assert_int_equal(porter_counter_sum(c[i]), 0);
	}
	for (size_t i = 0; i < COUNTERS; i++)
		porter_counter_destroy(c[i]);
	free(c);
}

static void no_memory_for_an_id_is_enomem_and_passes(void **state)
{
	enum { MOST = 100000 };
	porter_counter **c = calloc(MOST, sizeof(porter_counter *));
	porter_tracked *t;
	size_t n = 0;

	(void)state;
	exhausted = true;
	errno = 0;
	while (n < MOST && (c[n] = porter_counter_new()))
		n++;
	assert_true(n < MOST);
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(porter_counter_new());
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	t = porter_tracked_new(NULL);
	assert_true(t || errno == ENOMEM);
	assert_int_equal(left_at_destroy(t), 0);
	exhausted = false;
	c[n] = porter_counter_new();
	assert_non_null(c[n]);
	for (size_t i = 0; i <= n; i++) {
		assert_int_equal(porter_counter_sum(c[i]), 0);
		porter_counter_destroy(c[i]);
	}
	free(c);
}

/* ---- The machine's own limit ---- */

static porter_counter *limited;
static pthread_barrier_t gate;

static void *count_at_the_limit(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&gate); /* Started. */
	pthread_barrier_wait(&gate); /* No memory is left. */
	for (size_t i = 0; i < ROUNDS; i++) {
		porter_counter_add(limited, 5);
		if (i % 100 == 0)
			must(porter_counter_sum(limited) >= 5);
		porter_counter_sub(limited, 2);
	}
	pthread_barrier_wait(&gate); /* Counted, and still alive. */
	pthread_barrier_wait(&gate); /* Looked at. */
	return NULL;
}

static void live_at_the_limit(void *unused)
{
	enum { THREADS = 40 };
	struct rlimit limit = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY };
	pthread_t threads[THREADS];

	(void)unused;
	limited = porter_counter_new();
	pthread_barrier_init(&gate, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, count_at_the_limit,
				     NULL));
	pthread_barrier_wait(&gate);
	must(setrlimit(RLIMIT_AS, &limit) == 0);
	must(__real_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0) == MAP_FAILED);
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&gate);
	must(porter_counter_sum(limited) == 3 * THREADS * ROUNDS);
	limit.rlim_cur = RLIM_INFINITY;
	must(setrlimit(RLIMIT_AS, &limit) == 0);
	must(porter_counter_sum(limited) == 3 * THREADS * ROUNDS);
	pthread_barrier_wait(&gate);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	must(porter_counter_sum(limited) == 3 * THREADS * ROUNDS);
	porter_counter_destroy(limited);
}

static void
at_the_limit_of_the_address_space_nothing_aborts_or_is_lost(void **state)
{
	(void)state;
	if (under_a_tool())
		skip_because("the tool needs memory of its own");
	if (getenv("PORTER_TEST_EMULATOR"))
		skip_because("the emulator sets no limit");
	assert_int_equal(in_child(live_at_the_limit, NULL).status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First, while there are few slots. */
		cmocka_unit_test(
			at_the_limit_of_the_address_space_nothing_aborts_or_is_lost),
		cmocka_unit_test(a_thread_that_only_reads_reads_without_memory),
		cmocka_unit_test(
			threads_without_memory_for_a_slot_count_as_exactly),
		cmocka_unit_test(
			a_slot_that_could_not_be_handed_on_is_not_taken),
		cmocka_unit_test(
			a_counter_without_memory_for_its_block_counts_as_exactly),
		cmocka_unit_test(no_memory_for_an_id_is_enomem_and_passes),
	};

	return run_all("exhaustion", tests);
}
