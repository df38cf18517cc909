/* SPDX-License-Identifier: MIT */
/*
 * Threads that are to be cancelled: no function of the library is where that
 * happens, wherever it has to wait, so no lock is ever left behind.
 *
 *	thread	pthread_cancel(itself): pending
 *		function, function, ...		each returns
 *		pthread_testcancel()		here it ends
 *	main	the same functions		go on
 *
 * It waits for others at a lock; for readers, when many children end; and where
 * membarrier() is forbidden to a program that has used it, for time to pass.
 */
#define WITHOUT_KINDS
#include "watched.h"
#include "ways.h"

#include <pthread.h>
#include <stdatomic.h>

#if defined(__has_include)
#if __has_include(<linux/seccomp.h>) && __has_include(<linux/filter.h>)
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#define HAVE_SECCOMP 1
#endif
#endif
#ifndef HAVE_SECCOMP
#define HAVE_SECCOMP 0
#endif

enum { LIMIT = 1 << 20, HELD = LIMIT / 2, ROOM = 1000 };

static porter_tracked *root, *child;

static void make_trackers(int64_t limit)
{
	root = make_tracker(&nothing, NULL, limit);
	child = make_tracker(&nothing, root, 0);
	must(porter_charge(child, HELD) == 0);
}

static void end_trackers(void)
{
	int64_t limit = porter_tracked_limit(root);

	must(porter_bytes_used(root) == HELD);
	must(porter_charge(child, (size_t)limit - HELD) == 0);
	must(porter_charge(child, 1) == -1);
	porter_refund(child, (size_t)limit - HELD);
	porter_refund(child, HELD);
	must(destroy(child) == 0);
	must(destroy(root) == 0);
}

/* ---- What is called ---- */

static void allocates(void)
{
	porter_allocator *a = porter_tracked_allocator(child);
	void *block = porter_allocate(a, 100);

	if (block)
		porter_free(a, block, 100);
	if (porter_charge(root, 100) == 0)
		porter_refund(root, 100);
}

static void is_refused(void)
{
	must(porter_charge(child, LIMIT) == -1);
}

static void resizes(void)
{
	porter_allocator *a = porter_tracked_allocator(child);
	void *block = porter_allocate(a, 10), *larger;

	if (!block)
		return;
	larger = porter_reallocate(a, block, 10, 200);
	porter_free(a, larger ? larger : block, larger ? 200 : 10);
}

static void moves_limits(void)
{
	int64_t limit = porter_tracked_limit(root);

	must(porter_tracked_set_limit(child, LIMIT) == 0);
	must(porter_tracked_set_limit(child, 0) == 0);
	must(porter_tracked_set_limit(root, limit) == 0);
}

static void resets_peaks(void)
{
	porter_peak_reset(child);
	porter_peak_reset(root);
}

static void makes_children(void)
{
	porter_tracked *t = make_tracker(&nothing, child, 0);

	if (porter_charge(t, 10) == 0)
		porter_refund(t, 10);
	must(destroy(t) == 0);
}

static void makes_others(void)
{
	porter_tracked *t = porter_tracked_new(&nothing);

	must(t && porter_charge(t, 10) == 0);
	porter_peak_reset(t);
	must(porter_tracked_set_limit(t, 1000) == 0);
	must(porter_charge(t, 1000) == -1);
	porter_refund(t, 10);
	must(destroy(t) == 0);
}

static int sees(porter_tracked *t, void *context)
{
	(void)context;
	must(porter_bytes_used(t) >= 0);
	return 0;
}

static void reads(void)
{
	struct porter_stats stats = { .size = sizeof(stats) };
	int64_t exact;

	must(porter_bytes_used(root) >= HELD);
	must(porter_bytes_used_interval(root).upper >= HELD);
	porter_bytes_used_exact(root, &exact, 1);
	must(porter_peak(root).upper >= HELD);
	must(porter_tracked_stats(root, &stats) == 0);
	porter_tracked_foreach_child(root, sees, NULL);
}

static void leaves_its_slot(void)
{
	porter_thread_unregister();
	allocates();
	porter_thread_unregister();
	must(porter_thread_register() == 0);
}

static const struct work {
	const char *name;
	void (*does)(void);
} works[] = {
	{ "allocates", allocates },
	{ "is refused", is_refused },
	{ "resizes", resizes },
	{ "moves limits", moves_limits },
	{ "resets peaks", resets_peaks },
	{ "makes children", makes_children },
	{ "makes others", makes_others },
	{ "reads", reads },
	{ "leaves its slot", leaves_its_slot },
};

/* ---- Beside others that want the same locks ---- */

static const struct work *work;
static atomic_bool stop, came_through;

static void *be_cancelled(void *times)
{
	atomic_store(&came_through, false);
	pthread_cancel(pthread_self());
	for (size_t i = *(size_t *)times; i > 0; i--)
		work->does();
	atomic_store(&came_through, true);
	pthread_testcancel();
	return NULL;
}

static void cancel_one(size_t times)
{
	pthread_t thread;
	void *end;

	must(!pthread_create(&thread, NULL, be_cancelled, &times));
	must(!pthread_join(thread, &end));
	must(end == PTHREAD_CANCELED);
	must(atomic_load(&came_through));
	progress();
}

static void *be_busy(void *unused)
{
	while (!atomic_load(&stop)) {
		allocates();
		makes_children();
		is_refused();
	}
	return unused;
}

static void cancel_many(void *limit)
{
	pthread_t busy;
	size_t rounds = scaled(100);

	make_trackers(*(int64_t *)limit);
	must(!pthread_create(&busy, NULL, be_busy, NULL));
	for (size_t i = 0; i < rounds; i++) {
		cancel_one(20);
		work->does();
	}
	atomic_store(&stop, true);
	pthread_join(busy, NULL);
	end_trackers();
}

static void no_function_is_where_a_thread_is_cancelled(void **state)
{
	int64_t limits[] = { HELD + ROOM, HELD + LIMIT - 1 };
	bool good = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		for (size_t w = 0; w < ARRAY_SIZE(works); w++) {
			work = &works[w];
			if (ends_well(cancel_many, &limits[i]))
				continue;
			print_message("# one that %s\n", work->name);
			good = false;
		}
	assert_true(good);
}

/* ---- While readers are waited for ---- */

enum { CHILDREN = 200 };

static atomic_bool inside;

/* A reader, for a while: children that end may have to wait for it. */
static int stays(porter_tracked *t, void *context)
{
	(void)t;
	(void)context;
	atomic_store(&inside, true);
	pause_for(300000);
	return 1;
}

static void *visit(void *unused)
{
	porter_tracked_foreach_child(root, stays, NULL);
	return unused;
}

static void make_and_destroy_many(void)
{
	porter_tracked *t[CHILDREN];

	for (int i = 0; i < CHILDREN; i++)
		t[i] = make_tracker(&nothing, child, 0);
	for (int i = 0; i < CHILDREN; i++)
		must(destroy(t[i]) == 0);
}

static void destroy_beside_a_reader(void *unused)
{
	static const struct work many = { "many", make_and_destroy_many };
	pthread_t reader;
	pid_t process;

	work = &many;
	make_trackers(HELD + ROOM);
	must(!pthread_create(&reader, NULL, visit, NULL));
	while (!atomic_load(&inside))
		pause_for(100);
	cancel_one(1);
	make_and_destroy_many();
	pthread_join(reader, NULL);
	if (children_start_threads()) {
		process = fork_watched();
		if (process == 0) {
			make_and_destroy_many();
			_exit(0);
		}
		must(child_ended_well(process));
	}
	end_trackers();
	(void)unused;
}

static void nor_is_it_where_readers_are_waited_for(void **state)
{
	(void)state;
	assert_true(ends_well(destroy_beside_a_reader, NULL));
}

/* ---- Without membarrier(), all of a sudden ---- */

#if HAVE_SECCOMP

/* False: it is there all the same. */
static bool forbid_membarrier(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = (unsigned short)ARRAY_SIZE(filter),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		return false;
	errno = 0;
	return syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) < 0 &&
	       errno == error;
}

static void just_forbid_it(void *unused)
{
	(void)unused;
	must(forbid_membarrier(EPERM));
}

static bool can_be_forbidden(void)
{
	static int known = -1;

	/* In an emulator it would be forbidden to the emulator. */
	if (known < 0)
		known = !getenv("PORTER_TEST_EMULATOR") &&
			child_does(just_forbid_it, NULL);
	return known;
}

static atomic_int lenders;

/* It gets room of its own, and goes on in it from time to time. */
static void *hold_room(void *unused)
{
	for (int i = 0; i < 1000; i++)
		allocates();
	atomic_fetch_add(&lenders, 1);
	while (!atomic_load(&stop)) {
		for (int i = 0; i < 100; i++)
			allocates();
		pause_for(1000);
	}
	return unused;
}

struct sandbox {
	int error;
	bool early; /* before the library has ever been used */
	int64_t limit;
};

static void live_in_it(void *arg)
{
	const struct sandbox *sandbox = arg;
	size_t rounds = scaled(10);
	pthread_t holders[2];

	if (sandbox->early)
		must(forbid_membarrier(sandbox->error));
	make_trackers(sandbox->limit);
	for (int i = 0; i < 2; i++)
		must(!pthread_create(&holders[i], NULL, hold_room, NULL));
	while (atomic_load(&lenders) < 2)
		pause_for(100);
	if (!sandbox->early)
		must(forbid_membarrier(sandbox->error));
	for (size_t i = 0; i < rounds; i++) {
		cancel_one(3);
		work->does();
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(holders[i], NULL);
	end_trackers();
}

static void nor_where_membarrier_was_forbidden(void **state)
{
	static const int errors[] = { EPERM, ENOSYS, EINVAL };
	bool good = true;

	(void)state;
	if (!can_be_forbidden())
		skip_because("a system call cannot be forbidden here");
	for (size_t e = 0; e < ARRAY_SIZE(errors) * 4; e++)
		for (size_t w = 0; w < ARRAY_SIZE(works); w++) {
			struct sandbox sandbox = {
				.error = errors[e / 4],
				.early = e & 1,
				.limit = e & 2 ? HELD + ROOM : HELD + LIMIT - 1,
			};

			work = &works[w];
			if (ends_well(live_in_it, &sandbox))
				continue;
			print_message("# error %d, %s, %s; one that %s\n",
				      sandbox.error,
				      sandbox.early ? "early" : "late",
				      e & 2 ? "near" : "far", work->name);
			good = false;
		}
	assert_true(good);
}

#else

static void nor_where_membarrier_was_forbidden(void **state)
{
	(void)state;
	skip_because("no seccomp here");
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_function_is_where_a_thread_is_cancelled),
		cmocka_unit_test(nor_is_it_where_readers_are_waited_for),
		cmocka_unit_test(nor_where_membarrier_was_forbidden),
	};

	if (WITH_TSAN) {
		puts("1..0 # SKIP what is cancelled stops TSan itself");
		return 0;
	}
	return run_all("cancelled threads", tests);
}
