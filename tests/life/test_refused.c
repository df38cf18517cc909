/* SPDX-License-Identifier: MIT */
/*
 * What on_refused() may do in the middle of a request: whatever the program
 * likes, with its memory, limits, trackers, threads and processes.
 *
 *	request ---> no room ---> on_refused() ---> 1: tried once more
 *	                              |             0: NULL
 *	                              `-- frees, allocates, sets limits, forks,
 *	                                  waits for threads, that do the same
 *
 * Each is tried with every way to ask (ways.h), with the limit at the tracker
 * or above it, and with the function there or inherited. What happens to the
 * thread meanwhile is in test_refused_threads.c.
 */
#define WITHOUT_KINDS
#include "watched.h"
#include "ways.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { LIMIT = 100000, BASE = 99000, ROOM = 600, DEPTH = 3 };

/* 0 is the root, and has the limit; the last one is asked. */
static struct scene {
	porter_tracked *chain[DEPTH];
	int depth;
	porter_tracked *t; /* the last one */
	const struct way *way;
	void *base, *room; /* what there is of it */
	int calls;	   /* of on_refused() */
} s;

static porter_tracked *root(void)
{
	return s.chain[0];
}

static void free_room(void)
{
	s.way->put(s.t, s.room, ROOM);
	s.room = NULL;
}

static struct porter_stats stats_of(porter_tracked *t)
{
	struct porter_stats stats = { .size = sizeof(stats) };

	must(porter_tracked_stats(t, &stats) == 0);
	return stats;
}

/* ---- What it does: each returns what on_refused() does ---- */

static int frees(void)
{
	free_room();
	return 1;
}

/* It is tried once more, and not again. */
static int promises_too_much(void)
{
	return 1;
}

static int gives_up(void)
{
	return 0;
}

static int raises_the_limit(void)
{
	must(porter_tracked_set_limit(root(), LIMIT + ROOM) == 0);
	return 1;
}

static int lowers_the_limit(void)
{
	must(porter_tracked_set_limit(root(), BASE) == 0);
	return 1;
}

/* And back: what is in use is above it, for a while. */
static int lowers_and_raises_it(void)
{
	must(porter_tracked_set_limit(root(), 1) == 0);
	must(!s.way->get(s.t, 1));
	return raises_the_limit();
}

static int takes_what_it_has_freed(void)
{
	free_room();
	s.room = s.way->get(s.t, ROOM);
	must(s.room);
	return 1;
}

static int is_refused_itself(void)
{
	if (s.calls < 4)
		must(!s.way->get(s.t, ROOM));
	return 0;
}

static int makes_a_child_and_destroys_it(void)
{
	porter_tracked *child;
	void *block;

	free_room();
	child = make_tracker(NULL, s.t, 0);
	block = s.way->get(child, ROOM);
	must(block);
	must(!s.way->get(child, ROOM));
	s.way->put(child, block, ROOM);
	must(destroy(child) == 0);
	return 1;
}

static int looks(void)
{
	int64_t exact = 0;

	must(porter_bytes_used(root()) == BASE + ROOM);
	must(porter_bytes_used_exact(root(), &exact, 1) == 0);
	must(exact == BASE + ROOM);
	must(porter_peak(root()).upper >= BASE + ROOM);
	must(porter_peak_reset(root()).upper >= BASE + ROOM);
	must(porter_peak(root()).lower == BASE + ROOM);
	must(porter_peak(root()).upper == BASE + ROOM);
	return frees();
}

static void work_in_a_process(void)
{
	pid_t process;

	if (!children_start_threads())
		return; /* one forked by a thread is no better off there */
	process = fork_watched();
	if (process == 0)
		_exit(porter_charge(s.t, ROOM) != 0);
	must(child_ended_well(process));
}

/* As any other thread might, so it must not be kept waiting. */
static void *work(void *unused)
{
	porter_tracked *child = make_tracker(NULL, s.t, 0);

	free_room();
	must(porter_bytes_used(root()) == BASE);
	must(porter_charge(child, ROOM) == 0);
	must(porter_charge(child, ROOM) == -1);
	porter_refund(child, ROOM);
	must(destroy(child) == 0);
	must(porter_tracked_set_limit(root(), LIMIT) == 0);
	porter_peak_reset(root());
	must(destroy(make_tracker(NULL, NULL, 1000)) == 0);
	work_in_a_process();
	return unused;
}

static int waits_for_a_thread(void)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, work, NULL) == 0);
	must(pthread_join(thread, NULL) == 0);
	return 1;
}

static void all_is_there(void)
{
	must(porter_bytes_used(root()) == BASE + ROOM);
	must(porter_bytes_used(s.t) == BASE + ROOM);
	free_room();
	must(porter_charge(s.t, LIMIT - BASE) == 0);
	porter_refund(s.t, LIMIT - BASE);
}

static int forks(void)
{
	pid_t process = fork_watched();

	if (process == 0) {
		all_is_there();
		_exit(0);
	}
	must(child_ended_well(process));
	return frees();
}

/* It is this call that returns in the child, too: see ask(). */
static bool is_child;

static int forks_and_returns_twice(void)
{
	pid_t process = fork_watched();

	if (process == 0)
		is_child = true;
	else
		must(child_ended_well(process));
	return frees();
}

/* No signal is blocked that was not, and it can be cancelled. */
static int finds_the_thread_as_it_was(void)
{
	sigset_t set, none;
	int cancelled;

	sigemptyset(&none);
	pthread_sigmask(SIG_BLOCK, &none, &set);
	for (int i = 1; i < SIGRTMIN; i++)
		must(sigismember(&set, i) == (i == SIGUSR2));
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancelled);
	must(cancelled == PTHREAD_CANCEL_ENABLE);
	return frees();
}

static int leaves_and_takes_a_slot(void)
{
	porter_thread_unregister();
	must(porter_thread_register() == 0);
	porter_thread_unregister();
	return frees();
}

static const struct deed {
	const char *name;
	int (*does)(void);
	bool granted;
	int calls;    /* of on_refused(), in all */
	int refusals; /* that are counted, in all */
} deeds[] = {
	{ "frees", frees, true, 1, 0 },
	{ "gives up", gives_up, false, 1, 1 },
	{ "promises too much", promises_too_much, false, 1, 1 },
	{ "raises the limit", raises_the_limit, true, 1, 0 },
	{ "lowers the limit", lowers_the_limit, false, 1, 1 },
	{ "lowers and raises it", lowers_and_raises_it, true, 2, 1 },
	{ "takes what it has freed", takes_what_it_has_freed, false, 1, 1 },
	{ "is refused itself", is_refused_itself, false, 4, 4 },
	{ "makes a child", makes_a_child_and_destroys_it, true, 2, 1 },
	{ "looks", looks, true, 1, 0 },
	{ "waits for a thread", waits_for_a_thread, true, 2, 1 },
	{ "forks", forks, true, 1, 0 },
	{ "forks and returns twice", forks_and_returns_twice, true, 1, 0 },
	{ "finds all as it was", finds_the_thread_as_it_was, true, 1, 0 },
	{ "leaves its slot", leaves_and_takes_a_slot, true, 1, 0 },
};

static const struct deed *deed;

static int refused(porter_tracked *t, size_t size, void *context)
{
	static bool inside;
	int answer;

	must(context == &s);
	s.calls++;
	if (inside && deed->does != is_refused_itself)
		return 0; /* of a request that the deed has made */
	must(inside || (t == s.t && size == ROOM));
	inside = true;
	answer = deed->does();
	inside = false;
	return answer;
}

/* ---- Each is tried ---- */

static void make_chain(int depth, bool function_at_the_root)
{
	s.depth = depth;
	for (int i = 0; i < depth; i++) {
		bool its = function_at_the_root ? i == 0 : i == depth - 1;
		struct porter_tracked_options o = {
			.size = sizeof(o),
			.parent = i ? s.chain[i - 1] : NULL,
			.limit = i ? 0 : LIMIT,
			.on_refused = its ? refused : NULL,
			.refused_context = &s,
		};

		s.chain[i] = porter_tracked_new_with(NULL, &o);
		must(s.chain[i]);
	}
	s.t = s.chain[depth - 1];
}

/* Nothing is lost, and nothing counted twice. */
static void end_chain(void)
{
	void *all;

	must(porter_tracked_set_limit(root(), LIMIT) == 0);
	s.way->put(s.t, s.base, BASE);
	for (int i = 0; i < s.depth; i++) {
		struct porter_stats stats = stats_of(s.chain[i]);

		must(porter_bytes_used(s.chain[i]) == 0);
		must(stats.total_allocated == stats.total_freed);
		must(stats.allocations == stats.frees);
		must(stats.refusals == (uint64_t)deed->refusals);
		must(stats.failures == 0);
	}
	all = s.way->get(s.t, LIMIT);
	must(all);
	s.way->put(s.t, all, LIMIT);
	for (int i = s.depth - 1; i >= 0; i--)
		must(destroy(s.chain[i]) == 0);
}

static void as_expected(bool granted)
{
	if (granted == deed->granted && s.calls == deed->calls)
		return;
	fprintf(stderr, "# %s: %d calls, %s\n", s.way->name, s.calls,
		granted ? "granted" : "refused");
	abort();
}

/* For more than there is room for. A refusal leaves the peak as it was. */
static void ask(void)
{
	void *block;

	s.calls = 0;
	errno = 0;
	block = s.way->get(s.t, ROOM);
	as_expected(block != NULL);
	must(porter_bytes_used(s.t) ==
	     BASE + (block ? ROOM : 0) + (s.room ? ROOM : 0));
	if (block) {
		s.way->put(s.t, block, ROOM);
		return;
	}
	must(errno == ENOMEM);
	must(porter_peak(s.t).lower == BASE + ROOM);
	must(porter_peak(s.t).upper == BASE + ROOM);
}

static void try_each_way(int depth, bool function_at_the_root)
{
	for (size_t i = 0; i < ways_count; i++) {
		s.way = &ways[i];
		make_chain(depth, function_at_the_root);
		s.base = s.way->get(s.t, BASE);
		s.room = s.way->get(s.t, ROOM);
		must(s.base && s.room);
		ask();
		if (s.room)
			free_room();
		end_chain();
		progress();
		if (is_child)
			_exit(0);
	}
}

static void try_deed(void *unused)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	for (int depth = 1; depth <= DEPTH; depth++)
		for (int at_root = 0; at_root < 2; at_root++)
			try_each_way(depth, at_root);
	(void)unused;
}

static void on_refused_may_do_what_it_likes(void **state)
{
	bool good = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(deeds); i++) {
		deed = &deeds[i];
		if (!ends_well(try_deed, NULL)) {
			print_message("# when it %s\n", deed->name);
			good = false;
		}
	}
	assert_true(good);
}

/* ---- It is set later, in a parent ---- */

#ifdef PORTER_TRACKED_OPTIONS_INIT

static int counts(porter_tracked *t, size_t size, void *context)
{
	(void)t;
	(void)size;
	++*(int *)context;
	return 0;
}

static int replaces_itself(porter_tracked *t, size_t size, void *context)
{
	(void)size;
	++*(int *)context;
	must(porter_tracked_set_on_refused(porter_tracked_parent(t), counts,
					   context) == 0);
	return 1;
}

static void a_parent_is_told_from_when_it_wants_to_be(void **state)
{
	porter_tracked *parent = make_tracker(NULL, NULL, 1000);
	porter_tracked *child = make_tracker(NULL, parent, 0);
	int mine = 0, other = 0;

	(void)state;
	for (size_t i = 0; i < ways_count; i++) {
		mine = other = 0;
		porter_tracked_set_on_refused(parent, NULL, NULL);
		assert_null(ways[i].get(child, 1001));
		porter_tracked_set_on_refused(parent, counts, &mine);
		assert_null(ways[i].get(child, 1001));
		assert_int_equal(mine, 1);
		porter_tracked_set_on_refused(parent, replaces_itself, &mine);
		assert_null(ways[i].get(child, 1001));
		assert_int_equal(mine, 2); /* Once for each request. */
		/* The nearest one is asked, and only that. */
		porter_tracked_set_on_refused(child, counts, &other);
		assert_null(ways[i].get(child, 1001));
		assert_int_equal(mine, 2);
		assert_int_equal(other, 1);
		porter_tracked_set_on_refused(child, NULL, NULL);
		assert_null(ways[i].get(child, 1001));
		assert_int_equal(mine, 3);
	}
	assert_int_equal(destroy(child), 0);
	assert_int_equal(destroy(parent), 0);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_refused_may_do_what_it_likes),
#ifdef PORTER_TRACKED_OPTIONS_INIT
		cmocka_unit_test(a_parent_is_told_from_when_it_wants_to_be),
#endif
	};

	return run_all("on_refused", tests);
}
