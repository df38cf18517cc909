/* SPDX-License-Identifier: MIT */
/*
 * input.c: what the bytes of an input say; see input.h.
 */
#include "input.h"

static struct {
	const uint8_t *next, *end;
} input;

void input_begin(const uint8_t *data, size_t size)
{
	input.next = data;
	input.end = data + size;
}

bool input_goes_on(void)
{
	return input.next < input.end;
}

unsigned take_byte(void)
{
	return input.next < input.end ? *input.next++ : 0;
}

size_t take_size(void)
{
	unsigned kind = take_byte(), low = take_byte();

	switch (kind % 16) {
	case 0:
		return 0;
	case 1:
		return low * 997;
	case 2:
		return 1000000 + low;
	case 3: /* Nobody has so much. */
		return (size_t)PTRDIFF_MAX - low;
	case 4:
		return (size_t)PTRDIFF_MAX + 1 + low;
	case 5:
		return SIZE_MAX - low;
	case 6:
		return (size_t)1 << low % 20;
	default:
		return low + 1;
	}
}

size_t take_alignment(void)
{
	static const size_t odd[] = { 0, 3, 12, 24, 1000, SIZE_MAX };
	unsigned byte = take_byte();

	return byte >= 250 ? odd[byte - 250] : (size_t)1 << byte % 14;
}
