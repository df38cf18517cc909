/* SPDX-License-Identifier: MIT */
/*
 * input.h: what the bytes of an input say. There are zeros behind its end.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void input_begin(const uint8_t *data, size_t size);
bool input_goes_on(void);

unsigned take_byte(void);
/* Small ones mostly, and those at which something changes. */
size_t take_size(void);
/* Powers of two, and now and then something else. */
size_t take_alignment(void);

#endif /* TESTS_FUZZ_INPUT_H */
