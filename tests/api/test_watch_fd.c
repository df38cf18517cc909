/* SPDX-License-Identifier: MIT */
/*
 * Watches and event loops: when a file descriptor is readable, and that none is
 * left behind; forks; threads that are cancelled.
 */
#include "api/watch_heap.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- File descriptors ---- */

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	must(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void an_event_loop_is_woken_once(void **state)
{
	struct heap h;
	int watch, fd;

	(void)state;
	begin(&h);
	watch = add(h.t, HIGH, LOW);
	fd = porter_watch_fd(h.t, watch);
	assert_true(fd >= 0);
	assert_int_equal(porter_watch_fd(h.t, watch), fd);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(readable(fd));
	fill_to(&h, HIGH);
	assert_true(readable(fd));
	expect(h.t, watch, 1, 0, HIGH);
	assert_false(readable(fd));
	fill_to(&h, LOW);
	fill_to(&h, HIGH);
	assert_true(readable(fd));
	expect(h.t, watch, 3, 1, HIGH);
	assert_false(readable(fd));
	end(&h);
}

static void no_file_descriptor_is_left_behind(void **state)
{
	int before = open_fds(), first, second;
	struct heap h;

	(void)state;
	for (int i = 0; i < 100; i++) {
		begin(&h);
		first = add(h.t, HIGH, LOW);
		second = add(h.t, HIGH, LOW);
		assert_int_equal(open_fds(), before);
		must(porter_watch_fd(h.t, first) >= 0);
		must(porter_watch_fd(h.t, second) >= 0);
		assert_int_equal(open_fds(), before + 2);
		assert_int_equal(porter_watch_remove(h.t, first), 0);
		assert_int_equal(open_fds(), before + 1);
		end(&h); /* and with it the second */
		assert_int_equal(open_fds(), before);
	}
}

static void without_a_file_descriptor_a_watch_works_on(void **state)
{
	struct rlimit before, none = { 0, 0 };
	struct heap h;
	int watch;

	(void)state;
	begin(&h);
	watch = add(h.t, HIGH, LOW);
	must(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none.rlim_max = before.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &none) == 0);
	errno = 0;
	assert_int_equal(porter_watch_fd(h.t, watch), -1);
	assert_int_equal(errno, EMFILE);
	fill_to(&h, HIGH);
	must(setrlimit(RLIMIT_NOFILE, &before) == 0);
	assert_true(readable(porter_watch_fd(h.t, watch)));
	expect(h.t, watch, 1, 0, HIGH);
	end(&h);
}

/* ---- fork ---- */

struct forked {
	struct heap h;
	int watch, fd;
};

static void cross_in_child(void *arg)
{
	struct forked *f = arg;

	must(porter_watch_fd(f->h.t, f->watch) == f->fd);
	expect(f->h.t, f->watch, 1, 0, HIGH); /* the parent's, not read yet */
	must(!readable(f->fd));
	fill_to(&f->h, LOW);
	must(readable(f->fd));
	expect(f->h.t, f->watch, 2, 0, LOW);
	must(!readable(f->fd));
	fill_to(&f->h, HIGH);
	must(readable(f->fd));
	must(porter_watch_remove(f->h.t, f->watch) == 0);
	must(fcntl(f->fd, F_GETFD) == -1);
	fill_to(&f->h, 0);
	must(left_at_destroy(f->h.t) == 0);
}

static void read_in_child(void *arg)
{
	struct forked *f = arg;

	must(readable(f->fd));
	expect(f->h.t, f->watch, 1, 0, HIGH);
	must(!readable(f->fd));
}

static void a_child_has_watches_of_its_own(void **state)
{
	struct forked f;

	(void)state;
	begin(&f.h);
	f.watch = add(f.h.t, HIGH, LOW);
	f.fd = porter_watch_fd(f.h.t, f.watch);
	fill_to(&f.h, HIGH);
	assert_true(child_does(read_in_child, &f));
	assert_true(readable(f.fd));
	assert_true(child_does(cross_in_child, &f));
	assert_true(readable(f.fd));
	expect(f.h.t, f.watch, 1, 0, HIGH);
	assert_false(readable(f.fd));
	end(&f.h);
}

/* ---- Cancellation ---- */

static void *cross_while_cancelled(void *arg)
{
	struct forked *f = arg;

	must(porter_watch_fd(f->h.t, f->watch) == f->fd);
	pthread_cancel(pthread_self());
	fill_to(&f->h, HIGH);
	fill_to(&f->h, LOW);
	expect(f->h.t, f->watch, 2, 1, LOW);
	fill_to(&f->h, HIGH);
	must(porter_watch_remove(f->h.t, f->watch) == 0);
	f->fd = -1; /* It has come so far. */
	pthread_testcancel();
	return NULL;
}

static void a_thread_is_not_cancelled_amid_an_allocation(void **state)
{
	struct forked f;
	pthread_t thread;
	void *result;

	(void)state;
	if (WITH_ASAN)
		skip_because("ASan takes a stack that was left for used");
	begin(&f.h);
	f.watch = add(f.h.t, HIGH, LOW);
	f.fd = porter_watch_fd(f.h.t, f.watch);
	must(pthread_create(&thread, NULL, cross_while_cancelled, &f) == 0);
	must(pthread_join(thread, &result) == 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_int_equal(f.fd, -1);
	end(&f.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_loop_is_woken_once),
		cmocka_unit_test(no_file_descriptor_is_left_behind),
		cmocka_unit_test(without_a_file_descriptor_a_watch_works_on),
		cmocka_unit_test(a_child_has_watches_of_its_own),
		cmocka_unit_test(a_thread_is_not_cancelled_amid_an_allocation),
	};

	return run_all("watch_fd", tests);
}
