/* SPDX-License-Identifier: MIT */
/*
 * arrow-layout.c: how many bytes the buffers of an array have.
 *
 * The interface hands over addresses alone. Sizes follow from the format:
 *
 *	kind      formats            buffers
 *	BARE      n +r               none
 *	NESTED    +s +w              validity
 *	FIXED     i g b w:16 d:...   validity, values
 *	BYTES     u z U Z            validity, offsets, bytes up to the last one
 *	LIST      +l +L +m           validity, offsets
 *	LIST_VIEW +vl +vL            validity, offsets, sizes
 *	VIEW      vu vz              validity, views, any number, their sizes
 *	                             (which belong to the interface: not counted)
 *	UNION     +us +ud            types; offsets where dense
 *
 * Buffers begin at value 0, so the offset's values belong to them. A NULL has
 * no bytes: no nulls, or no values. Where there are no values, offsets are not
 * read: the address may be anything. Then, as with Arrow's own import, they
 * (and the sizes of list views) count as if they were there, and all else
 * counts 0, whatever the offset.
 */
#include "6-adapt/arrow.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	UNKNOWN,
	BARE,
	NESTED,
	FIXED,
	BYTES,
	LIST,
	LIST_VIEW,
	VIEW,
	UNION,
};

/* bits: of a value where fixed, of an offset; of a dense union's, or 0. */
struct layout {
	enum kind kind;
	int64_t bits;
};

/* ---- Formats ---- */

static struct layout layout_of_nested(const char *format)
{
	static const struct {
		const char *begin;
		struct layout layout;
	} known[] = {
		{ "+l", { LIST, 32 } },	      { "+m", { LIST, 32 } },
		{ "+L", { LIST, 64 } },	      { "+vl", { LIST_VIEW, 32 } },
		{ "+vL", { LIST_VIEW, 64 } }, { "+ud:", { UNION, 32 } },
		{ "+us:", { UNION, 0 } },     { "+s", { NESTED, 0 } },
		{ "+w:", { NESTED, 0 } },     { "+r", { BARE, 0 } },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(format, known[i].begin, strlen(known[i].begin)) ==
		    0)
			return known[i].layout;
	return (struct layout){ UNKNOWN, 0 };
}

/* Whole and above 0, or 0. */
static int64_t number_in(const char *text)
{
	char *end;
	long long n;
	int before = errno;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0)
		n = 0;
	errno = before;
	return n;
}

/* "d:precision,scale" or "d:precision,scale,bits" */
static int64_t bits_of_decimal(const char *format)
{
	const char *comma = strchr(format, ',');

	if (!comma)
		return 0;
	comma = strchr(comma + 1, ',');
	return comma ? number_in(comma + 1) : 128;
}

/* Dates, times, timestamps, durations, intervals: "t" and two letters more. */
static int64_t bits_of_time(const char *format)
{
	static const char *const wide = "tdm ttu ttn tDs tDm tDu tDn tiD";
	static const char *const narrow = "tdD tts ttm tiM";

	if (strlen(format) < 3)
		return 0;
	if (strncmp(format, "ts", 2) == 0 && strchr("smun", format[2]))
		return format[3] == ':' ? 64 : 0;
	if (format[3] != '\0')
		return 0;
	if (strcmp(format, "tin") == 0)
		return 128;
	return strstr(wide, format) ? 64 : strstr(narrow, format) ? 32 : 0;
}

static struct layout layout_of(const char *format)
{
	static const struct {
		char letter;
		struct layout layout;
	} known[] = {
		{ 'n', { BARE, 0 } },	{ 'b', { FIXED, 1 } },
		{ 'c', { FIXED, 8 } },	{ 'C', { FIXED, 8 } },
		{ 's', { FIXED, 16 } }, { 'S', { FIXED, 16 } },
		{ 'e', { FIXED, 16 } }, { 'i', { FIXED, 32 } },
		{ 'I', { FIXED, 32 } }, { 'f', { FIXED, 32 } },
		{ 'l', { FIXED, 64 } }, { 'L', { FIXED, 64 } },
		{ 'g', { FIXED, 64 } }, { 'z', { BYTES, 32 } },
		{ 'u', { BYTES, 32 } }, { 'Z', { BYTES, 64 } },
		{ 'U', { BYTES, 64 } },
	};
	struct layout fixed = { FIXED, 0 };

	if (format[0] == '+')
		return layout_of_nested(format);
	if (strcmp(format, "vu") == 0 || strcmp(format, "vz") == 0)
		return (struct layout){ VIEW, 128 };
	if (strncmp(format, "w:", 2) == 0) {
		int64_t bytes = number_in(format + 2);

		/* A width of 0 is one, and "w:" is none. */
		if (bytes == 0 && strcmp(format, "w:0") != 0)
			return (struct layout){ UNKNOWN, 0 };
		if (bytes > INT32_MAX)
			return (struct layout){ UNKNOWN, 0 };
		fixed.bits = bytes * 8;
		return fixed;
	}
	if (strncmp(format, "d:", 2) == 0)
		fixed.bits = bits_of_decimal(format);
	else if (format[0] == 't')
		fixed.bits = bits_of_time(format);
	if (fixed.bits > 0 && fixed.bits <= 256)
		return fixed;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (format[0] == known[i].letter && format[1] == '\0')
			return known[i].layout;
	return (struct layout){ UNKNOWN, 0 };
}

/* ---- Bytes ---- */

/* A sum that stays -1 once something in it was wrong. */
static void add(int64_t *sum, int64_t bytes)
{
	if (*sum < 0 || bytes < 0 || __builtin_add_overflow(*sum, bytes, sum))
		*sum = -1;
}

static int64_t bytes_for(int64_t values, int64_t bits)
{
	int64_t all;

	if (__builtin_mul_overflow(values, bits, &all) || all > INT64_MAX - 7)
		return -1;
	return (all + 7) / 8;
}

static void add_buffer(int64_t *sum, const struct ArrowArray *array, int64_t i,
		       int64_t values, int64_t bits)
{
	if (array->buffers[i])
		add(sum, bytes_for(values, bits));
}

/* What the last offset says. */
static int64_t end_of_bytes(const void *offsets, int64_t values, int64_t bits)
{
	if (!offsets)
		return 0;
	return bits == 32 ? ((const int32_t *)offsets)[values] :
			    ((const int64_t *)offsets)[values];
}

static int64_t buffers_of(struct layout layout, const struct ArrowArray *array)
{
	switch (layout.kind) {
	case BARE:
		return 0;
	case NESTED:
		return 1;
	case FIXED:
	case LIST:
		return 2;
	case BYTES:
	case LIST_VIEW:
		return 3;
	case UNION:
		return layout.bits ? 2 : 1;
	case VIEW:
		return array->n_buffers < 3 ? 3 : array->n_buffers;
	case UNKNOWN:
		break;
	}
	return -1;
}

static int64_t bytes_of(struct layout layout, const struct ArrowArray *array,
			int64_t values)
{
	const void **buffers = array->buffers;
	int64_t last = array->n_buffers - 1, sum = 0;
	int64_t offsets = values;

	if (array->length == 0)
		values = 0;
	if (layout.kind == BARE)
		return 0;
	if (layout.kind == UNION) {
		add_buffer(&sum, array, 0, values, 8);
		if (layout.bits)
			add_buffer(&sum, array, 1, values, layout.bits);
		return sum;
	}
	add_buffer(&sum, array, 0, values, 1);
	switch (layout.kind) {
	case LIST_VIEW:
		add_buffer(&sum, array, 1, offsets, layout.bits);
		add_buffer(&sum, array, 2, offsets, layout.bits);
		break;
	case FIXED:
		add_buffer(&sum, array, 1, values, layout.bits);
		break;
	case BYTES:
		if (array->length > 0 && buffers[2])
			add(&sum,
			    end_of_bytes(buffers[1], values, layout.bits));
		/* fallthrough */
	case LIST:
		add_buffer(&sum, array, 1, offsets + 1, layout.bits);
		break;
	case VIEW:
		add_buffer(&sum, array, 1, values, layout.bits);
		for (int64_t i = 2; i < last; i++)
			if (buffers[i] && buffers[last])
				add(&sum,
				    ((const int64_t *)buffers[last])[i - 2]);
		break;
	default:
		break;
	}
	return sum;
}

int64_t porter__arrow_bytes(const struct ArrowSchema *schema,
			    const struct ArrowArray *array)
{
	int64_t values, sum = -1;

	if (schema->format && array->length >= 0 && array->offset >= 0 &&
	    !__builtin_add_overflow(array->length, array->offset, &values) &&
	    values < INT64_MAX) {
		struct layout layout = layout_of(schema->format);

		if (array->n_buffers == buffers_of(layout, array) &&
		    (array->n_buffers == 0 || array->buffers))
			sum = bytes_of(layout, array, values);
	}
	/* More than there can be is no array either. */
	if (sum < 0 || sum > PTRDIFF_MAX) {
		errno = EINVAL;
		return -1;
	}
	return sum;
}
