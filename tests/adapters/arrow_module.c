/* SPDX-License-Identifier: MIT */
/*
 * arrow_module.c: the C side of roundtrip.py, which loads it.
 *
 * module_table() exports a table, whose values roundtrip.py computes by
 * itself: int32 "number" with nulls, UTF-8 "text" with nulls, and "day", an
 * index into a dictionary. module_charge() charges an array of Python's.
 */
#include "leak.h"

#include <portermem/adapt-arrow.h>

#include <stdio.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int module_open(void);
EXPORTED int64_t module_bytes(void);
EXPORTED int64_t module_close(void);
EXPORTED int module_table(int32_t rows, struct ArrowSchema *schema,
			  struct ArrowArray *array);
EXPORTED int module_charge(struct ArrowSchema *schema,
			   struct ArrowArray *array);

enum { COLUMNS = 3, DAYS = 7 };

static porter_tracked *tracker;
static porter_allocator *a;

/* ---- Columns that grow ---- */

/* Validity, values or offsets, bytes. */
struct column {
	struct porter_arrow_buffer buffers[3];
	int64_t length, nulls, text;
};

/* Doubles what is there when it is not enough. */
static int reserve(struct porter_arrow_buffer *b, int64_t bytes)
{
	size_t wanted = (size_t)bytes;

	if (wanted <= b->size)
		return 0;
	return porter_arrow_buffer_resize(
		a, b, wanted > 2 * b->size ? wanted : 2 * b->size);
}

static int append_validity(struct column *c, int valid)
{
	if (reserve(&c->buffers[0], c->length / 8 + 1) != 0)
		return -1;
	if (valid)
		((unsigned char *)c->buffers[0].data)[c->length / 8] |=
			(unsigned char)(1 << c->length % 8);
	c->nulls += !valid;
	c->length++;
	return 0;
}

static int append_int(struct column *c, int valid, int32_t value)
{
	if (reserve(&c->buffers[1], (c->length + 1) * 4) != 0)
		return -1;
	((int32_t *)c->buffers[1].data)[c->length] = value;
	return append_validity(c, valid);
}

static int append_text(struct column *c, const char *text)
{
	size_t size = text ? strlen(text) : 0;

	if (reserve(&c->buffers[1], (c->length + 2) * 4) != 0 ||
	    reserve(&c->buffers[2], c->text + (int64_t)size) != 0)
		return -1;
	if (size)
		memcpy((char *)c->buffers[2].data + c->text, text, size);
	c->text += (int64_t)size;
	((int32_t *)c->buffers[1].data)[c->length + 1] = (int32_t)c->text;
	return append_validity(c, text != NULL);
}

static int fill(struct column *columns, int32_t rows)
{
	char text[32];

	/* Without any values there is an offset all the same. */
	if (reserve(&columns[1].buffers[1], 4) != 0)
		return -1;
	for (int32_t i = 0; i < rows; i++) {
		snprintf(text, sizeof(text), "row %d", (int)i);
		if (append_int(&columns[0], i % 5 != 3,
			       i * 7919 % 10007 - 5000) != 0 ||
		    append_text(&columns[1], i % 7 ? text : NULL) != 0 ||
		    append_int(&columns[2], 1, i % DAYS) != 0)
			return -1;
	}
	return 0;
}

/* ---- Export ---- */

static int finish(struct column *c, int64_t n_buffers,
		  struct ArrowArray *dictionary, struct ArrowArray *out)
{
	const struct porter_arrow_array from = {
		.size = sizeof(from),
		.length = c->length,
		.null_count = c->nulls,
		.buffers = c->buffers,
		.n_buffers = n_buffers,
		.dictionary = dictionary,
	};

	return porter_arrow_export_array(a, &from, out);
}

static int type(const char *format, const char *name,
		struct ArrowSchema *dictionary, struct ArrowSchema *out)
{
	const struct porter_arrow_type from = {
		.size = sizeof(from),
		.format = format,
		.name = name,
		.flags = ARROW_FLAG_NULLABLE,
		.dictionary = dictionary,
	};

	return porter_arrow_export_schema(a, &from, out);
}

static int days(struct ArrowArray *out)
{
	static const char *const names[DAYS] = { "Mo", "Tu", "We", "Th",
						 "Fr", "Sa", "Su" };
	struct column c = { .length = 0 };

	for (int i = 0; i < DAYS; i++)
		if (append_text(&c, names[i]) != 0)
			return -1;
	return finish(&c, 3, NULL, out);
}

int module_table(int32_t rows, struct ArrowSchema *schema,
		 struct ArrowArray *array)
{
	struct column columns[COLUMNS] = { { .length = 0 } };
	struct porter_arrow_buffer none = { NULL, 0 };
	struct ArrowSchema types[COLUMNS], names;
	struct ArrowArray arrays[COLUMNS], dictionary;
	const struct porter_arrow_type table_type = {
		.size = sizeof(table_type),
		.format = "+s",
		.children = types,
		.n_children = COLUMNS,
	};
	const struct porter_arrow_array table = {
		.size = sizeof(table),
		.length = rows,
		.buffers = &none,
		.n_buffers = 1,
		.children = arrays,
		.n_children = COLUMNS,
	};

	if (fill(columns, rows) != 0 || days(&dictionary) != 0 ||
	    finish(&columns[0], 2, NULL, &arrays[0]) != 0 ||
	    finish(&columns[1], 3, NULL, &arrays[1]) != 0 ||
	    finish(&columns[2], 2, &dictionary, &arrays[2]) != 0 ||
	    porter_arrow_export_array(a, &table, array) != 0)
		return -1;
	if (type("u", "", NULL, &names) != 0 ||
	    type("i", "number", NULL, &types[0]) != 0 ||
	    type("u", "text", NULL, &types[1]) != 0 ||
	    type("i", "day", &names, &types[2]) != 0)
		return -1;
	return porter_arrow_export_schema(a, &table_type, schema);
}

/* ---- The tracker ---- */

int module_open(void)
{
	tracker = porter_tracked_new(NULL);
	if (!tracker)
		return -1;
	a = porter_tracked_allocator(tracker);
	return 0;
}

int64_t module_bytes(void)
{
	return porter_bytes_used(tracker);
}

int64_t module_close(void)
{
	return left_at_destroy(tracker);
}

int module_charge(struct ArrowSchema *schema, struct ArrowArray *array)
{
	return porter_arrow_import_charge(tracker, schema, array);
}
