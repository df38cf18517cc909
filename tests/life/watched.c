/* SPDX-License-Identifier: MIT */
/*
 * watched.c: a process of its own for a test that might hang; see watched.h.
 */
#include "watched.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_ulong *steps; /* shared with the child */

void progress(void)
{
	if (steps)
		atomic_fetch_add(steps, 1);
}

/* Where one has hung, the test has failed, and the others need not take long. */
static bool one_has_hung;

static time_t patience(void)
{
	if (one_has_hung)
		return 3;
	return under_a_tool() || getenv("PORTER_TEST_EMULATOR") ? 120 : 20;
}

static void map_steps(void)
{
	void *page;

	if (steps)
		return;
	page = mmap(NULL, sizeof(*steps), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED);
	steps = page;
}

/* What waitpid() says of the child, in the end. */
static int look_on(pid_t child)
{
	unsigned long before = atomic_load(steps);
	time_t last = time(NULL);
	int status = -1;
	pid_t ended;

	while ((ended = waitpid(child, &status, WNOHANG)) != child) {
		unsigned long now = atomic_load(steps);

		must(ended == 0 || errno == EINTR);
		if (now != before) {
			before = now;
			last = time(NULL);
		} else if (time(NULL) - last > patience()) {
			print_message("# it hangs, after %lu steps\n", now);
			kill(-child, SIGKILL);
			last = time(NULL);
			one_has_hung = true;
		}
		pause_for(500);
	}
	kill(-child, SIGKILL); /* what it has left behind */
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

bool ends_well(void (*run)(void *arg), void *arg)
{
	int status;
	pid_t child;

	map_steps();
	fflush(NULL);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(arg);
		leave_coverage();
		_exit(0);
	}
	setpgid(child, child); /* whichever of the two comes first */
	status = look_on(child);
	if (status != 0)
		print_message("# it ended with status %#x\n", status);
	return status == 0;
}

pid_t fork_watched(void)
{
	pid_t child = fork();

	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

bool child_ended_well(pid_t child)
{
	int status = -1;

	if (child < 0)
		return false;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	progress();
	return status == 0;
}
