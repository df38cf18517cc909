/* SPDX-License-Identifier: MIT */
/*
 * platform.c: pages, signals, the last word.
 */
#include "0-machine/platform.h"

#include "0-machine/test-point.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef PORTER_TEST_POINTS
void (*porter__test_point)(enum test_point point);
#endif

/* ---- Pages ---- */

/*
 * LeakSanitizer looks for pointers in the program's variables, stacks and heap,
 * and not in what was mapped by hand. Trackers and watches lie in there, and
 * point to what belongs to the program. NULL in a program without it.
 */
__attribute__((weak, visibility("default"))) void
__lsan_register_root_region(const void *pages, size_t size);

static void *map(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED) {
		errno = ENOMEM;
		return NULL;
	}
	return pages;
}

void *porter__map_pages(size_t size)
{
	void *pages = map(size);

	if (pages && __lsan_register_root_region)
		__lsan_register_root_region(pages, size);
	return pages;
}

bool porter__can_map(size_t size)
{
	void *pages = map(size);

	return pages && munmap(pages, size) == 0;
}

/* ---- Signals ---- */

static const int faults[] = {
	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS
};

enum { FAULTS = sizeof(faults) / sizeof(*faults) };

/* What the program has blocked stays so. */
void porter__block_signals(sigset_t *saved)
{
	sigset_t set;

	sigfillset(&set);
	for (int i = 0; i < FAULTS; i++)
		sigdelset(&set, faults[i]);
	pthread_sigmask(SIG_BLOCK, &set, saved);
}

void porter__unblock_faults(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < FAULTS; i++)
		sigaddset(&set, faults[i]);
	sigaddset(&set, SIGABRT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void porter__restore_signals(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

/* ---- The last word ---- */

static void say(const char *text)
{
	/* Nothing can be done when standard error is closed. */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

void porter__panic(const char *function, const char *what)
{
	say("portermem: ");
	say(function);
	say(": ");
	say(what);
	say("\n");
	abort();
}
