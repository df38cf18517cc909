/* SPDX-License-Identifier: MIT */
/*
 * test_libuv.c: libuv on a tracked allocator.
 *
 * Left out of the job without memory is what libuv (1.44) cannot do without:
 * it ends the program when it lacks memory to watch a file, which begins with
 * uv_loop_init(), or to start its threads; uv_interface_addresses() does not
 * look at what strdup gave, and uv_os_environ() forgets what it had so far.
 */
#include "trial.h"

#include <portermem/adapt-libuv.h>

#include <string.h>
#include <unistd.h>
#include <uv.h>

/*
 * libuv closes files by the bare system call, so ThreadSanitizer believes that
 * two threads' files with one number are one file.
 */
const char *__tsan_default_suppressions(void)
	__attribute__((visibility("default")));
const char *__tsan_default_suppressions(void)
{
	return "race:libuv.so\n";
}

static void count_up(uv_timer_t *timer)
{
	++*(int *)timer->data;
}

static void read_folder(porter_tracked *t, bool *done)
{
	uv_dirent_t entries[4];
	uv_fs_t request;
	uv_dir_t *folder;
	ssize_t found;
	int code = uv_fs_opendir(NULL, &request, "/", NULL);

	must(code == 0 || code == UV_ENOMEM);
	folder = request.ptr;
	uv_fs_req_cleanup(&request);
	if (code != 0) {
		*done = false;
		return;
	}
	trial_holds(t);
	folder->dirents = entries;
	folder->nentries = ARRAY_SIZE(entries);
	do {
		found = uv_fs_readdir(NULL, &request, folder, NULL);
		must(found >= 0 || found == UV_ENOMEM);
		*done = *done && found >= 0;
		uv_fs_req_cleanup(&request);
	} while (found > 0);
	must(uv_fs_closedir(NULL, &request, folder, NULL) == 0);
	uv_fs_req_cleanup(&request);
}

static void look_at_processors(bool *done)
{
	uv_cpu_info_t *processors;
	int count, code = uv_cpu_info(&processors, &count);

	must(code == 0 || code == UV_ENOMEM);
	if (code == 0)
		uv_free_cpu_info(processors, count);
	*done = *done && code == 0;
}

static void look_at_interfaces(void)
{
	uv_interface_address_t *addresses;
	int count;

	must(uv_interface_addresses(&addresses, &count) == 0);
	uv_free_interface_addresses(addresses, count);
}

static void look_at_user(bool *done)
{
	uv_passwd_t user;
	int code = uv_os_get_passwd(&user);

	/* A machine need not know the user's name. */
	must(code == 0 || code == UV_ENOMEM || code == UV_ENOENT);
	if (code == 0)
		uv_os_free_passwd(&user);
	*done = *done && code != UV_ENOMEM;
}

static void look_at_environment(void)
{
	uv_env_item_t *items;
	int count;

	must(uv_os_environ(&items, &count) == 0);
	uv_os_free_environ(items, count);
}

static bool run_loop(void)
{
	uv_loop_t loop;
	uv_timer_t timers[20];
	int fired = 0, code = uv_loop_init(&loop);

	must(code == 0 || code == UV_ENOMEM);
	if (code != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
		must(uv_timer_init(&loop, &timers[i]) == 0);
		timers[i].data = &fired;
		must(uv_timer_start(&timers[i], count_up, i / 10, 0) == 0);
	}
	must(uv_run(&loop, UV_RUN_DEFAULT) == 0);
	must(fired == ARRAY_SIZE(timers));
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		uv_close((uv_handle_t *)&timers[i], NULL);
	must(uv_run(&loop, UV_RUN_DEFAULT) == 0);
	must(uv_loop_close(&loop) == 0);
	return true;
}

static bool job(porter_tracked *t)
{
	bool done = true;

	read_folder(t, &done);
	look_at_processors(&done);
	look_at_user(&done);
	return done;
}

/* ---- With libuv's own threads ---- */

struct errand {
	uv_work_t request;
	int *finished;
};

static void sum(uv_work_t *request)
{
	(void)request;
	look_at_interfaces(); /* in a thread of the pool */
}

static void finish(uv_work_t *request, int status)
{
	struct errand *errand = request->data;

	must(status == 0);
	++*errand->finished;
}

TEST_APART(its_own_threads_are_counted)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct errand errands[100];
	uv_loop_t loop;
	int finished = 0;

	must(porter_libuv_install(t) == 0);
	must(uv_loop_init(&loop) == 0);
	trial_holds(t);
	for (size_t i = 0; i < ARRAY_SIZE(errands); i++) {
		errands[i].finished = &finished;
		errands[i].request.data = &errands[i];
		must(uv_queue_work(&loop, &errands[i].request, sum, finish) ==
		     0);
	}
	must(uv_run(&loop, UV_RUN_DEFAULT) == 0);
	must(finished == ARRAY_SIZE(errands));
	must(uv_loop_close(&loop) == 0);
	uv_library_shutdown();
	must(left_at_destroy(t) == 0);
}

/* Each thread its own loop. */
static bool job_with_loop(porter_tracked *t)
{
	look_at_interfaces();
	look_at_environment();
	return run_loop() && job(t);
}

static void loops_in_threads(void **state)
{
	static struct adapted loops = {
		.install = porter_libuv_install,
		.job = job_with_loop,
		.shut_down = uv_library_shutdown,
		.rounds = 100,
	};
	void *it = &loops;

	(void)state;
	trial_threads(&it);
}

int main(void)
{
	static struct adapted libuv = {
		.install = porter_libuv_install,
		.job = job,
		.shut_down = uv_library_shutdown,
		.rounds = 500,
	};
	static const struct CMUnitTest tests[] = {
		TRIALS_WITH_INSTALL(&libuv),
		cmocka_unit_test(loops_in_threads),
		cmocka_unit_test(its_own_threads_are_counted),
	};

	return run_all("libuv adapter", tests);
}
