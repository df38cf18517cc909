/* SPDX-License-Identifier: MIT */
/*
 * Threads that a signal stops, wherever they are, as collectors of garbage and
 * debuggers do:
 *
 *	all at once	each must come to its handler, whatever the others, that
 *			are stopped already, were doing
 *	one alone	reads go on beside it, if it was changing what they read
 *	a reader	updates go on beside it
 *
 * No time is measured: who waits for what is stopped, waits for ever, and
 * watched.h ends the test.
 */
#define WITHOUT_KINDS
#include "watched.h"
#include "ways.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LIMIT = 1 << 20, ROOM = 1000, DEPTH = 3 };

/* ---- Trackers: 0 is the root ---- */

static porter_tracked *chain[DEPTH];
static int depth;

static porter_tracked *last(void)
{
	return chain[depth - 1];
}

static void make_chain(int levels, int64_t left)
{
	depth = levels;
	for (int i = 0; i < depth; i++)
		chain[i] = make_tracker(&nothing, i ? chain[i - 1] : NULL,
					i ? 0 : LIMIT + left);
	must(porter_charge(last(), LIMIT) == 0);
}

static void one_at_its_limit(void)
{
	make_chain(1, ROOM);
}

static void levels_at_their_limit(void)
{
	make_chain(DEPTH, ROOM);
}

static void one_far_from_it(void)
{
	make_chain(1, FAR_LIMIT);
}

static void levels_far_from_it(void)
{
	make_chain(DEPTH, FAR_LIMIT);
}

static const struct place {
	const char *name;
	void (*make)(void);
} places[] = {
	{ "one at its limit", one_at_its_limit },
	{ "levels at their limit", levels_at_their_limit },
	{ "one far from it", one_far_from_it },
	{ "levels far from it", levels_far_from_it },
};

static void end_chain(void)
{
	porter_refund(last(), LIMIT);
	for (int i = depth - 1; i >= 0; i--)
		must(destroy(chain[i]) == 0);
}

/* ---- What threads do ---- */

static void allocates(void)
{
	porter_allocator *a = porter_tracked_allocator(last());

	for (int i = 0; i < 100; i++) {
		void *block = porter_allocate(a, 100);

		if (block)
			porter_free(a, block, 100);
	}
}

/* Far from the limit, all that is reserved for threads is called back. */
static void is_refused(void)
{
	int64_t limit = porter_tracked_limit(chain[0]);

	must(porter_charge(last(), (size_t)limit) == -1);
	allocates();
}

static void makes_peaks(void)
{
	static atomic_int number;
	size_t size = 1 + (size_t)(atomic_fetch_add(&number, 1) % 700);

	if (porter_charge(last(), size) == 0)
		porter_refund(last(), size);
}

static void resets_peaks(void)
{
	for (int i = 0; i < depth; i++)
		porter_peak_reset(chain[i]);
}

static void moves_limits(void)
{
	int64_t limit = porter_tracked_limit(chain[0]);

	must(porter_tracked_set_limit(chain[0], limit + 1) == 0);
	must(porter_tracked_set_limit(chain[0], limit) == 0);
}

static void makes_and_destroys(void)
{
	porter_tracked *child = make_tracker(&nothing, last(), 0);

	if (porter_charge(child, 10) == 0)
		porter_refund(child, 10);
	must(destroy(child) == 0);
}

static void makes_others(void)
{
	porter_tracked *other = make_tracker(&nothing, NULL, LIMIT);

	must(porter_charge(other, 10) == 0);
	porter_refund(other, 10);
	must(destroy(other) == 0);
}

static void leaves_its_slot(void)
{
	porter_thread_unregister();
	if (porter_charge(last(), 10) == 0)
		porter_refund(last(), 10);
}

static void forks(void)
{
	pid_t child = fork_watched();

	if (child == 0)
		_exit(0);
	must(child_ended_well(child));
}

static int sees(porter_tracked *child, void *context)
{
	(void)context;
	must(porter_bytes_used(child) >= 0);
	return 0;
}

static void reads(void)
{
	struct porter_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < depth; i++) {
		struct porter_interval peak = porter_peak(chain[i]);
		struct porter_interval used;
		int64_t exact;

		must(LIMIT <= peak.upper && peak.lower <= peak.upper);
		used = porter_bytes_used_interval(chain[i]);
		must(LIMIT <= used.upper && used.lower <= used.upper);
		must(porter_bytes_used(chain[i]) >= LIMIT);
		porter_bytes_used_exact(chain[i], &exact, 1);
		must(porter_tracked_stats(chain[i], &stats) == 0);
		must(porter_tracked_limit(chain[0]) > LIMIT);
		porter_tracked_foreach_child(chain[i], sees, NULL);
	}
}

static const struct work {
	const char *name;
	void (*does)(void);
} works[] = {
	{ "allocates", allocates },
	{ "is refused", is_refused },
	{ "makes peaks", makes_peaks },
	{ "resets peaks", resets_peaks },
	{ "moves limits", moves_limits },
	{ "makes children", makes_and_destroys },
	{ "makes others", makes_others },
	{ "leaves its slot", leaves_its_slot },
	{ "forks", forks },
	{ "reads", reads },
};

/* ---- All are stopped at once ---- */

enum { THREADS = 3 };

static sem_t arrived;
static atomic_int epoch; /* a stop lasts until it changes */
static atomic_bool stop_work;

/* No lock and no slot of the library's: as a collector has none. */
static void stand_still(int number)
{
	int before = errno, mine = atomic_load(&epoch);

	(void)number;
	sem_post(&arrived);
	while (atomic_load(&epoch) == mine)
		pause_for(20);
	errno = before;
}

static void wait_for_arrival(void)
{
	while (sem_wait(&arrived) != 0)
		must(errno == EINTR);
}

static void let_go(void)
{
	atomic_fetch_add(&epoch, 1);
}

static void handle_stops(void)
{
	struct sigaction action = { .sa_handler = stand_still,
				    .sa_flags = SA_RESTART };

	must(sem_init(&arrived, 0, 0) == 0);
	must(sigaction(SIGUSR1, &action, NULL) == 0);
}

static void *work_on(void *does)
{
	void (*function)(void) = (void (*)(void))(uintptr_t)does;

	while (!atomic_load(&stop_work))
		function();
	return NULL;
}

static void start(pthread_t *thread, void (*does)(void))
{
	must(!pthread_create(thread, NULL, work_on, (void *)(uintptr_t)does));
}

static const struct place *place;
static const struct work *work;

/* It waits for nothing but the threads' arrival, and calls nothing here. */
static void collect(void *unused)
{
	pthread_t threads[THREADS];
	uint64_t random = random_seed();
	size_t rounds = scaled(200);

	(void)unused;
	place->make();
	handle_stops();
	start(&threads[0], allocates);
	start(&threads[1], is_refused);
	start(&threads[2], work->does);
	for (size_t i = 0; i < rounds; i++) {
		for (int k = 0; k < THREADS; k++)
			pthread_kill(threads[k], SIGUSR1);
		for (int k = 0; k < THREADS; k++)
			wait_for_arrival();
		let_go();
		progress();
		pause_for((long)random_below(&random, 300));
	}
	atomic_store(&stop_work, true);
	for (int k = 0; k < THREADS; k++)
		pthread_join(threads[k], NULL);
	end_chain();
}

static void try_each(void (*run)(void *unused))
{
	bool good = true;

	for (size_t p = 0; p < ARRAY_SIZE(places); p++)
		for (size_t w = 0; w < ARRAY_SIZE(works); w++) {
			place = &places[p];
			work = &works[w];
			if (work->does == forks && !children_start_threads())
				continue;
			if (ends_well(run, NULL))
				continue;
			print_message("# %s; beside who %s\n", place->name,
				      work->name);
			good = false;
		}
	assert_true(good);
}

static void all_threads_can_be_stopped_at_once(void **state)
{
	(void)state;
	try_each(collect);
}

/* ---- One is stopped, and this one goes on ---- */

static void stop_one_and(void (*meanwhile)(void), void (*its)(void))
{
	uint64_t random = random_seed();
	size_t rounds = scaled(200);
	pthread_t thread;

	place->make();
	meanwhile(); /* the first time: it becomes known to liburcu */
	handle_stops();
	start(&thread, its);
	for (size_t i = 0; i < rounds; i++) {
		pause_for((long)random_below(&random, 200));
		pthread_kill(thread, SIGUSR1);
		wait_for_arrival();
		for (int k = 0; k < 20; k++)
			meanwhile();
		let_go();
		progress();
	}
	atomic_store(&stop_work, true);
	pthread_join(thread, NULL);
	end_chain();
}

static void read_beside(void *unused)
{
	(void)unused;
	stop_one_and(reads, work->does);
}

static void reads_wait_for_nobody(void **state)
{
	(void)state;
	try_each(read_beside);
}

/* All but destroying children, which may wait for readers. */
static void update_beside_a_reader(void *unused)
{
	(void)unused;
	if (work->does != makes_and_destroys)
		stop_one_and(work->does, reads);
}

static void nor_does_anybody_wait_for_a_read(void **state)
{
	(void)state;
	try_each(update_beside_a_reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_threads_can_be_stopped_at_once),
		cmocka_unit_test(reads_wait_for_nobody),
		cmocka_unit_test(nor_does_anybody_wait_for_a_read),
	};

	return run_all("stopped threads", tests);
}
