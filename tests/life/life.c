/* SPDX-License-Identifier: MIT */
/*
 * life.c: what these tests share; see life.h.
 */
#include "life.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void pause_for(long microseconds)
{
	struct timespec time = { .tv_sec = microseconds / 1000000,
				 .tv_nsec = microseconds % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

/* By SIGKILL: the child may have all signals blocked where it hangs. */
static int end_of(pid_t child)
{
	time_t last = time(NULL) + 60;
	int status = -1;
	pid_t ended;

	while ((ended = waitpid(child, &status, WNOHANG)) != child) {
		must(ended == 0 || errno == EINTR);
		if (time(NULL) > last) {
			print_message("# child hangs\n");
			kill(child, SIGKILL);
		}
		pause_for(100);
	}
	return status;
}

/* _exit() leaves out what tests/coverage wants to know. */
static void leave_coverage(void)
{
#ifdef PORTER_COVERAGE
	extern void __gcov_dump(void);

	__gcov_dump();
#endif
}

bool child_does(void (*run)(void *arg), void *arg)
{
	int status;
	pid_t child = fork();

	must(child >= 0);
	if (child == 0) {
		run(arg);
		leave_coverage();
		_exit(0);
	}
	status = end_of(child);
	if (status != 0)
		print_message("# child ended with status %d\n", status);
	return status == 0;
}

bool children_start_threads(void)
{
	return !under_a_tool() && !getenv("PORTER_TEST_EMULATOR");
}

/* ---- An allocator without memory ---- */

static void *give_nothing(porter_allocator *self, size_t size, size_t alignment)
{
	static char nothing[PORTER_ALIGNMENT];

	(void)self;
	(void)size;
	(void)alignment;
	return nothing;
}

static void *resize_nothing(porter_allocator *self, void *ptr, size_t old_size,
			    size_t new_size, size_t alignment)
{
	(void)self;
	(void)old_size;
	(void)new_size;
	(void)alignment;
	return ptr;
}

static void take_nothing(porter_allocator *self, void *ptr, size_t size,
			 size_t alignment)
{
	(void)self;
	(void)ptr;
	(void)size;
	(void)alignment;
}

static const struct porter_allocator_vtable nothing_vtable = {
	.size = sizeof(struct porter_allocator_vtable),
	.name = "nothing",
	.allocate = give_nothing,
	.reallocate = resize_nothing,
	.free = take_nothing,
};

porter_allocator nothing = { .vtable = &nothing_vtable };
