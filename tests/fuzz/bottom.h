/* SPDX-License-Identifier: MIT */
/*
 * bottom.h: an allocator that fails when it is told to, and checks what it is
 * asked for.
 */
#ifndef TESTS_FUZZ_BOTTOM_H
#define TESTS_FUZZ_BOTTOM_H

#include <portermem/allocator.h>

#include <stdbool.h>

extern porter_allocator bottom;
extern bool bottom_fails;
extern size_t bottom_blocks; /* that are out */

#endif /* TESTS_FUZZ_BOTTOM_H */
