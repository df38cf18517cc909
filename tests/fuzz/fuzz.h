/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h: between the target and what feeds it.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Does what the bytes say; ends the program where the library is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern size_t steps;  /* that the last input had */
extern uint64_t seed; /* where the input is made up; for messages */

#endif /* TESTS_FUZZ_H */
