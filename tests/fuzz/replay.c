/* SPDX-License-Identifier: MIT */
/*
 * replay.c: feeds the fuzz target without libFuzzer, from files or with inputs
 * that it makes up:
 *
 *	fuzz_operations FILE...
 *	fuzz_operations [-n INPUTS] [-s SEED]
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

/* Blocks too large for any machine are asked for, and NULL is expected. */
#define SEEN_BY_TOOLS __attribute__((visibility("default")))

const char *__asan_default_options(void) SEEN_BY_TOOLS;
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void) SEEN_BY_TOOLS;
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static uint8_t buffer[1 << 16];

static void replay(const char *name)
{
	FILE *file = fopen(name, "rb");
	size_t size;

	if (!file) {
		perror(name);
		exit(1);
	}
	size = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	LLVMFuzzerTestOneInput(buffer, size);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static size_t make_up(uint64_t *random)
{
	size_t size = next_random(random) % 3000;

	for (size_t i = 0; i < size; i++)
		buffer[i] = (uint8_t)next_random(random);
	return size;
}

int main(int argc, char **argv)
{
	const char *scale = getenv("PORTER_TEST_SCALE");
	unsigned long inputs = 400 * (scale ? strtoul(scale, NULL, 10) : 100);
	uint64_t random;
	size_t all_steps = 0;
	int i;

	inputs = inputs < 200 ? 2 : inputs / 100;
	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (argv[i][1] == 'n')
			inputs = strtoul(argv[i + 1], NULL, 10);
		else
			seed = strtoull(argv[i + 1], NULL, 0);
	}
	printf("1..1\n");
	if (i < argc) {
		for (; i < argc; i++)
			replay(argv[i]);
	} else {
		for (unsigned long n = 0; n < inputs; n++, seed++) {
			random = seed;
			LLVMFuzzerTestOneInput(buffer, make_up(&random));
			all_steps += steps;
		}
	}
	printf("# %lu inputs, %zu steps\n", inputs, all_steps);
	printf("ok 1 - every number is the model's, and every block whole\n");
	return 0;
}
