/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h: between the target and what feeds it; and what its parts share.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Does what the bytes say; ends the program where the library is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern size_t steps;  /* that the last input had */
extern uint64_t seed; /* where the input is made up; for messages */

#define CHECK(condition)                                              \
	do {                                                          \
		if (!(condition))                                     \
			check_failed(__FILE__, __LINE__, #condition); \
	} while (0)
_Noreturn void check_failed(const char *file, int line, const char *condition);

#endif /* TESTS_FUZZ_H */
