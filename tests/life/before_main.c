/* SPDX-License-Identifier: MIT */
/*
 * before_main.c: what these programs do before main(), and after it began.
 *
 * Linked with the static library, so that the program's constructors run before
 * those of the library.
 */
#include "before_main.h"

#include "life.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { LIMIT = 100000, HIGH = 1000, LOW = 10, THREADS = 4, FORKS = 100 };

static porter_tracked *root, *child;
static porter_allocator *a; /* the child */
static void *block;
static int by_fd, by_callback;
static sem_t notified;
static atomic_bool enough;

/* ---- One process, one thread ---- */

static void notify(porter_tracked *t, int watch,
		   const struct porter_watch_event *event, void *context)
{
	(void)t;
	(void)watch;
	(void)event;
	(void)context;
	sem_post(&notified);
}

static const char *make_all(void)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	struct porter_watch w = PORTER_WATCH_INIT;

	o.limit = LIMIT;
	root = porter_tracked_new_with(NULL, &o);
	o.limit = 0;
	o.parent = root;
	child = root ? porter_tracked_new_with(NULL, &o) : NULL;
	if (!child)
		return "no tracker is made";
	a = porter_tracked_allocator(child);
	w.high = HIGH;
	w.low = LOW;
	by_fd = porter_watch_add(root, &w);
	w.callback = notify;
	sem_init(&notified, 0, 0);
	by_callback = porter_watch_add(child, &w);
	return by_fd >= 0 && by_callback >= 0 ? NULL : "no watch is added";
}

static bool is_readable(void)
{
	struct pollfd file = { .fd = porter_watch_fd(root, by_fd),
			       .events = POLLIN };

	return file.fd >= 0 && poll(&file, 1, 0) == 1;
}

/* Whether the last crossing was this one, and somebody was notified of it. */
static bool is_crossed(enum porter_watch_mark mark)
{
	struct porter_watch_event event = PORTER_WATCH_EVENT_INIT;
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 60;
	return is_readable() && porter_watch_read(root, by_fd, &event) == 0 &&
	       event.mark == mark && !is_readable() &&
	       sem_timedwait(&notified, &deadline) == 0;
}

static const char *cross_and_be_refused(void)
{
	block = porter_allocate(a, 5000);
	if (!block || porter_bytes_used(root) != 5000)
		return "what is allocated does not count";
	if (!is_crossed(PORTER_WATCH_HIGH))
		return "the high watermark is not told";
	if (porter_allocate(a, LIMIT - 4999) || errno != ENOMEM)
		return "the limit is exceeded";
	return NULL;
}

/* ---- Forks ---- */

/* In the child: its crossing, and its file descriptor. */
static void come_down(void *unused)
{
	(void)unused;
	porter_free(a, block, 5000);
	must(porter_bytes_used(root) == 0);
	must(is_readable());
}

/* Whatever the other threads held is free here. */
static void use_all(void *unused)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_counter *c = porter_counter_new();
	void *x = porter_allocate(a, 100);

	(void)unused;
	must(t && c && x);
	porter_free(a, x, 100);
	porter_counter_destroy(c);
	must(left_at_destroy(t) == 0);
}

static void *be_busy(void *unused)
{
	while (!atomic_load(&enough))
		use_all(NULL);
	return unused;
}

static const char *fork_beside_threads(void)
{
	pthread_t threads[THREADS];
	const char *wrong = NULL;

	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, be_busy, NULL));
	for (size_t i = 0; i < scaled(FORKS) && !wrong; i++)
		if (!child_does(use_all, NULL))
			wrong = "a child of fork() beside threads";
	atomic_store(&enough, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return wrong;
}

static const char *do_forks(void)
{
	/*
	 * The notifier is a thread. ThreadSanitizer lets a child start none, and
	 * qemu's own assertions fail when one does.
	 */
	if (!WITH_TSAN && !getenv("PORTER_EMULATED") &&
	    !child_does(come_down, NULL))
		return "the child of fork() does not notice its own crossing";
	if (is_readable())
		return "the child of fork() has notified its parent";
	/* Of what a tool holds, a child knows nothing. */
	return under_a_tool() ? NULL : fork_beside_threads();
}

const char *use_before_main(void)
{
	const char *wrong = make_all();

	if (!wrong)
		wrong = cross_and_be_refused();
	if (!wrong)
		wrong = do_forks();
	return wrong;
}

/* ---- Later ---- */

const char *use_after_that(void)
{
	porter_free(a, block, 5000);
	if (porter_bytes_used(root) != 0)
		return "what is freed does not count";
	if (!is_crossed(PORTER_WATCH_LOW))
		return "the low watermark is not told";
	if (left_at_destroy(child) != 0 || left_at_destroy(root) != 0)
		return "the trackers do not end";
	return NULL;
}
