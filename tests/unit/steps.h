/* SPDX-License-Identifier: MIT */
/*
 * steps.h: another process that is stopped after each of its instructions, with
 * memory that both processes see. So a test can look in at every moment of a few
 * lines of code, and a writer that stops there has stopped for good.
 */
#ifndef TESTS_UNIT_STEPS_H
#define TESTS_UNIT_STEPS_H

#include "support.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(memory != MAP_FAILED);
	return memory;
}

/* The process stands before run(). Or -1: there is no such thing here. */
static inline pid_t start_stepping(void (*run)(void *arg), void *arg)
{
	pid_t child;
	int status;

	if (under_valgrind() || getenv("PORTER_TEST_EMULATOR"))
		return -1;
	fflush(NULL);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(1);
		raise(SIGSTOP);
		run(arg);
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child);
	return WIFSTOPPED(status) ? child : -1;
}

/* False: it has ended. */
static inline bool step(pid_t child)
{
	int status;

	must(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0);
	must(waitpid(child, &status, 0) == child);
	if (WIFSTOPPED(status))
		return true;
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return false;
}

/* To its end, at once. */
static inline void run_on(pid_t child)
{
	int status;

	must(ptrace(PTRACE_CONT, child, NULL, NULL) == 0);
	must(waitpid(child, &status, 0) == child);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif /* TESTS_UNIT_STEPS_H */
