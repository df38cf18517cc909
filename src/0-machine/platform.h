/* SPDX-License-Identifier: MIT */
/*
 * platform.h: what the library asks of the operating system.
 */
#ifndef PORTER_PLATFORM_H
#define PORTER_PLATFORM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The lines of two threads lie this far apart. A cache line is 64 bytes where
 * this library runs; some processors fetch them in pairs.
 */
#define CACHE_LINE 64
#define CACHE_LINE_PAIR 128

/*
 * Thread-local storage that is reached without a call, and without malloc: 8
 * bytes of the static block in the whole library, so that dlopen() finds room.
 */
#define THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))

/*
 * Of a variable: calls the function with its address when its block is left, also
 * by an exception of C++ that passes through.
 */
#define AT_END(function) __attribute__((cleanup(function), unused))

/*
 * Zeroed pages, straight from the kernel, never given back. Not from malloc:
 * a thread's first update may come from inside malloc. Pages that nobody
 * touches cost nothing. NULL with errno ENOMEM. Signals: safe.
 */
void *porter__map_pages(size_t size);

/* Whether so much could be mapped just now; else errno is ENOMEM. */
bool porter__can_map(size_t size);

/*
 * Blocks all signals but those of faults, which the kernel sends to the thread that
 * commits one: blocked, they end the program, and no handler of it is called.
 * Restores what was before.
 */
void porter__block_signals(sigset_t *saved);
void porter__restore_signals(const sigset_t *saved);

/* In a thread of the library: unblocks those of faults, and that of abort(). */
void porter__unblock_faults(void);

/* Broken invariant: names it on standard error and ends the program. */
_Noreturn void porter__panic(const char *function, const char *what);

#endif /* PORTER_PLATFORM_H */
