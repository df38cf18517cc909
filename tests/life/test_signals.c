/* SPDX-License-Identifier: MIT */
/*
 * A storm of signals, each of which counts, upon threads that count: not one
 * update in 10^7 is lost, on the hot path, for ids beyond the direct blocks,
 * on the first touch of a slot and of a block (G4).
 *
 *	timer_create()   a timer of the machine, which strikes anywhere
 *	setitimer()      another, on the time that the process uses
 *	pthread_kill()   a thread that does nothing but raise signals
 */
#include "support.h"

#include "0-machine/test-point.h"
#include "1-slots/slots.h"

#include <portermem/portermem.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, UPDATES = 10000000, HANDLERS = 100000 };

static porter_counter *_Atomic counter;
static atomic_llong handled; /* handlers that have run */
static atomic_bool stop;

static void count_in_handler(int number)
{
	porter_counter *c = atomic_load(&counter);
	int saved = errno;

	(void)number;
	porter_counter_add(c, 5);
	porter_counter_sub(c, 4);
	atomic_fetch_add(&handled, 1);
	errno = saved;
}

static void handle(void)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2, SIGPROF };
	struct sigaction action = { .sa_handler = count_in_handler,
				    .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		must(sigaction(numbers[i], &action, NULL) == 0);
}

/* ---- Where signals come from ---- */

static timer_t timer;

static void start_timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR2 };
	struct itimerspec often = { .it_interval = { .tv_nsec = 50000 },
				    .it_value = { .tv_nsec = 50000 } };
	struct itimerval used = { .it_interval = { .tv_usec = 1000 },
				  .it_value = { .tv_usec = 1000 } };

	must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	must(timer_settime(timer, 0, &often, NULL) == 0);
	must(setitimer(ITIMER_PROF, &used, NULL) == 0);
}

static void stop_timers(void)
{
	struct itimerval never = { .it_value = { .tv_usec = 0 } };

	setitimer(ITIMER_PROF, &never, NULL);
	timer_delete(timer);
}

/* ---- Upon threads that count ---- */

struct work {
	long long updates; /* done */
	long long wanted;  /* at least, of each worker */
	long long handlers_wanted;
};

static void *count_in_storm(void *arg)
{
	struct work *work = arg;
	porter_counter *c = atomic_load(&counter);

	while (work->updates < work->wanted ||
	       atomic_load(&handled) < work->handlers_wanted) {
		for (int i = 0; i < 500; i++) {
			porter_counter_add(c, 7);
			porter_counter_sub(c, 6);
		}
		work->updates += 1000;
	}
	return NULL;
}

struct killing {
	pthread_t victims[WORKERS];
};

static void *raise_signals(void *arg)
{
	struct killing *k = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		pthread_kill(k->victims[i % WORKERS], SIGUSR1);
		if (i % 8 == 0) /* So that the victims get on, too. */
			usleep(1);
	}
	return NULL;
}

static void storm(void)
{
	long long done = 0;
	struct work work[WORKERS];
	struct killing killing;
	pthread_t killer;

	handle();
	atomic_store(&handled, 0);
	atomic_store(&stop, false);
	start_timers();
	for (int i = 0; i < WORKERS; i++) {
		work[i] = (struct work){
			.wanted = (long long)scaled(UPDATES) / WORKERS,
			.handlers_wanted = (long long)scaled(HANDLERS),
		};
		must(!pthread_create(&killing.victims[i], NULL, count_in_storm,
				     &work[i]));
	}
	must(!pthread_create(&killer, NULL, raise_signals, &killing));
	/* Not joined yet, so that they can be sent signals until then. */
	while (atomic_load(&handled) < (long long)scaled(HANDLERS))
		usleep(1000);
	atomic_store(&stop, true);
	pthread_join(killer, NULL);
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(killing.victims[i], NULL);
		done += work[i].updates / 2;
	}
	stop_timers();
	print_message("# %lld updates, %lld handlers\n", 2 * done,
		      (long long)handled);
	assert_true(2 * done >= (long long)scaled(UPDATES) / WORKERS * WORKERS);
	assert_int_equal(porter_counter_sum(counter), done + handled);
}

static void a_storm_of_signals_loses_nothing(void **state)
{
	(void)state;
	atomic_store(&counter, porter_counter_new());
	storm();
	porter_counter_destroy(counter);
}

static void nor_beyond_the_direct_blocks(void **state)
{
	enum { MANY = DIRECT_BLOCKS * BLOCK_CELLS + 10 };
	porter_counter **many = calloc(MANY, sizeof(porter_counter *));

	(void)state;
	must(many);
	for (int i = 0; i < MANY; i++)
		must(many[i] = porter_counter_new());
	atomic_store(&counter, many[MANY - 1]);
	storm();
	for (int i = 0; i < MANY; i++)
		porter_counter_destroy(many[i]);
	free(many);
}

/* ---- Upon threads that begin and end ---- */

static void *touch(void *unused)
{
	(void)unused;
	porter_counter_add(counter, 3);
	porter_counter_sub(counter, 2);
	return NULL;
}

/*
 * The timers' signals go to any thread that lets them in. Here that is the
 * newborn alone, from its birth on: main blocks them.
 */
static void nor_upon_threads_that_touch_for_the_first_time(void **state)
{
	long long threads = 0;
	sigset_t signals, before;
	size_t slots;

	(void)state;
	if (WITH_TSAN)
		skip_because("signals in threads that end stop TSan itself");
	atomic_store(&counter, porter_counter_new());
	handle();
	atomic_store(&handled, 0);
	porter_counter_add(counter, 0);
	slots = porter__slots_count();
	start_timers();
	while (threads < (long long)scaled(20000)) {
		pthread_t thread;

		must(!pthread_create(&thread, NULL, touch, NULL));
		pthread_kill(thread, SIGUSR1);
		sigfillset(&signals);
		pthread_sigmask(SIG_SETMASK, &signals, &before);
		pthread_join(thread, NULL);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		threads++;
	}
	stop_timers();
	print_message("# %lld threads, %lld handlers\n", threads,
		      (long long)handled);
	assert_int_equal(porter_counter_sum(counter), threads + handled);
	assert_true(porter__slots_count() <= slots + 2);
	porter_counter_destroy(counter);
}

/* ---- Upon the first touch of a block ---- */

/* A thread that touches block after block, which handlers do as well. */
static void *touch_block_after_block(void *arg)
{
	porter_counter **many = arg;

	for (size_t i = 0; many[i]; i += BLOCK_CELLS) {
		atomic_store(&counter, many[i]);
		porter_counter_add(many[i], 1000000);
	}
	return NULL;
}

static void nor_upon_the_first_touch_of_a_block(void **state)
{
	enum { MANY = 40 * BLOCK_CELLS };
	porter_counter **many = calloc(MANY + BLOCK_CELLS, sizeof(*many));
	long long sum = 0;
	size_t times = scaled(200);

	(void)state;
	if (WITH_TSAN)
		skip_because("signals in threads that end stop TSan itself");
	must(many);
	for (int i = 0; i < MANY; i++)
		must(many[i] = porter_counter_new());
	atomic_store(&counter, many[0]);
	handle();
	atomic_store(&handled, 0);
	for (size_t i = 0; i < times; i++) {
		pthread_t thread, in_the_way;

		must(!pthread_create(&thread, NULL, touch_block_after_block,
				     many));
		for (int k = 0; k < 20; k++)
			pthread_kill(thread, SIGUSR1);
		/* Takes the slot that was, so that the next is a fresh one. */
		must(!pthread_create(&in_the_way, NULL, touch, NULL));
		pthread_join(thread, NULL);
		pthread_join(in_the_way, NULL);
		sum += 1;
	}
	for (int i = 0; i < MANY; i++)
		sum -= porter_counter_sum(many[i]);
	/* Of touch(), 1 each; of the blocks, 1,000,000 each. */
	sum += (long long)times * (MANY / BLOCK_CELLS) * 1000000 + handled;
	assert_int_equal(sum, 0);
	for (int i = 0; i < MANY; i++)
		porter_counter_destroy(many[i]);
	free(many);
}

/* ---- Upon the worst moments ---- */

enum { MANY_THREADS = 100 };

static enum test_point the_point;
static _Thread_local bool struck;

/* Once: what the handler does comes here again. */
static void strike(enum test_point point)
{
	if (point != the_point || struck)
		return;
	struck = true;
	raise(SIGUSR1);
}

static void count_in_a_thread_struck_at(enum test_point point)
{
	long long before;
	size_t slots;
	pthread_t thread;

	handle();
	/* So that a slot is there to be taken; one is enough for all. */
	must(!pthread_create(&thread, NULL, touch, NULL));
	pthread_join(thread, NULL);
	slots = porter__slots_count();
	before = porter_counter_sum(counter) - handled;
	the_point = point;
	porter__test_point = strike;
	for (int i = 0; i < MANY_THREADS; i++) {
		must(!pthread_create(&thread, NULL, touch, NULL));
		pthread_join(thread, NULL);
	}
	porter__test_point = NULL;
	assert_int_equal(porter_counter_sum(counter) - handled,
			 before + MANY_THREADS);
	assert_true(porter__slots_count() <= slots);
}

static void nor_between_a_missing_slot_and_the_taking_of_one(void **state)
{
	long long before;

	(void)state;
	atomic_store(&counter, porter_counter_new());
	before = handled;
	count_in_a_thread_struck_at(SLOT_MISSING);
	assert_int_equal(handled, before + MANY_THREADS);
	porter_counter_destroy(counter);
}

/* Each block is fresh in each slot once: so a counter in another each time. */
static void nor_between_a_missing_block_and_the_making_of_one(void **state)
{
	enum { MANY = 60 * BLOCK_CELLS };
	porter_counter **many = calloc(MANY, sizeof(*many));
	long long before = handled;

	(void)state;
	must(many);
	handle();
	for (int i = 0; i < MANY; i++)
		must(many[i] = porter_counter_new());
	the_point = BLOCK_MISSING;
	porter__test_point = strike;
	for (int i = 0; i < MANY; i += BLOCK_CELLS) {
		long long handled_before = handled;

		struck = false;
		atomic_store(&counter, many[i]);
		touch(NULL);
		assert_int_equal(porter_counter_sum(many[i]),
				 1 + handled - handled_before);
	}
	porter__test_point = NULL;
	assert_true(handled > before + 10);
	for (int i = 0; i < MANY; i++)
		porter_counter_destroy(many[i]);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_of_signals_loses_nothing),
		cmocka_unit_test(nor_beyond_the_direct_blocks),
		cmocka_unit_test(
			nor_upon_threads_that_touch_for_the_first_time),
		cmocka_unit_test(nor_upon_the_first_touch_of_a_block),
		cmocka_unit_test(
			nor_between_a_missing_slot_and_the_taking_of_one),
		cmocka_unit_test(
			nor_between_a_missing_block_and_the_making_of_one),
	};

	return run_all("signals", tests);
}
