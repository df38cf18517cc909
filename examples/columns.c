/* SPDX-License-Identifier: MIT */
/*
 * columns.c: a text becomes columns, and another thread consumes them.
 *
 *	columns FILE
 *
 * A row for each line: its length, as int32, and its text, as UTF-8. The
 * columns go out by Arrow's C Data Interface, so that the consumer could as
 * well be another library, in another language. It releases them when it is
 * done, and that is when the tracker counts them down.
 */
#include <portermem/adapt-arrow.h>
#include <portermem/portermem.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two columns that grow: buffers double when they are full. */
struct lines {
	porter_allocator *a;
	struct porter_arrow_buffer lengths, offsets, text;
	int64_t rows;
	int32_t bytes;
};

static int reserve(struct lines *l, struct porter_arrow_buffer *b, size_t size)
{
	if (size <= b->size)
		return 0;
	return porter_arrow_buffer_resize(
		l->a, b, size > 2 * b->size ? size : 2 * b->size);
}

static int append(struct lines *l, const char *line, int32_t length)
{
	size_t row = (size_t)l->rows;

	if (length > INT32_MAX - l->bytes)
		return -1;
	if (reserve(l, &l->lengths, (row + 1) * 4) != 0 ||
	    reserve(l, &l->offsets, (row + 2) * 4) != 0 ||
	    reserve(l, &l->text, (size_t)l->bytes + (size_t)length) != 0)
		return -1;
	if (length)
		memcpy((char *)l->text.data + l->bytes, line, (size_t)length);
	l->bytes += length;
	l->rows++;
	((int32_t *)l->lengths.data)[row] = length;
	((int32_t *)l->offsets.data)[row + 1] = l->bytes;
	return 0;
}

static int read_lines(struct lines *l, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int result = reserve(l, &l->offsets, 4);

	while (result == 0 && (length = getline(&line, &room, file)) >= 0) {
		if (length > 0 && line[length - 1] == '\n')
			length--;
		result = length > INT32_MAX ? -1 :
					      append(l, line, (int32_t)length);
	}
	free(line);
	return result;
}

/* Both columns as a table; on failure nothing is left of them. */
static int export_lines(struct lines *l, struct ArrowArray *table)
{
	struct porter_arrow_buffer lengths[2] = { { NULL, 0 }, l->lengths };
	struct porter_arrow_buffer text[3] = { { NULL, 0 },
					       l->offsets,
					       l->text };
	struct porter_arrow_buffer none = { NULL, 0 };
	struct ArrowArray columns[2] = { { .release = NULL } };
	const struct porter_arrow_array parts[3] = {
		{ .size = sizeof(parts[0]),
		  .length = l->rows,
		  .buffers = lengths,
		  .n_buffers = 2 },
		{ .size = sizeof(parts[0]),
		  .length = l->rows,
		  .buffers = text,
		  .n_buffers = 3 },
		{ .size = sizeof(parts[0]),
		  .length = l->rows,
		  .buffers = &none,
		  .n_buffers = 1,
		  .children = columns,
		  .n_children = 2 },
	};

	if (porter_arrow_export_array(l->a, &parts[0], &columns[0]) == 0 &&
	    porter_arrow_export_array(l->a, &parts[1], &columns[1]) == 0 &&
	    porter_arrow_export_array(l->a, &parts[2], table) == 0)
		return 0;
	for (int i = 0; i < 2; i++)
		if (columns[i].release)
			columns[i].release(&columns[i]);
	porter_arrow_buffer_free(l->a, &lengths[1]);
	porter_arrow_buffer_free(l->a, &text[1]);
	porter_arrow_buffer_free(l->a, &text[2]);
	return -1;
}

/* Knows nothing of portermem. */
static void *consume(void *arg)
{
	struct ArrowArray *table = arg;
	const struct ArrowArray *lengths = table->children[0];
	const int32_t *length = lengths->buffers[1];
	long long sum = 0;

	for (int64_t i = 0; i < lengths->length; i++)
		sum += length[i];
	printf("consumer: %lld rows, %lld bytes of text\n",
	       (long long)lengths->length, sum);
	table->release(table);
	return NULL;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	porter_tracked *t = porter_tracked_new(NULL);
	struct lines lines = { .a = NULL };
	struct ArrowArray table;
	pthread_t consumer;
	int64_t leaked;

	if (!file || !t) {
		fprintf(stderr, "Usage: columns FILE\n");
		return 2;
	}
	lines.a = porter_tracked_allocator(t);
	if (read_lines(&lines, file) != 0 ||
	    export_lines(&lines, &table) != 0) {
		fprintf(stderr, "columns: too much text\n");
		return 1;
	}
	fclose(file);
	printf("exported: %lld bytes\n", (long long)porter_bytes_used(t));
	if (pthread_create(&consumer, NULL, consume, &table) != 0) {
		fprintf(stderr, "columns: no thread to be had\n");
		return 1;
	}
	pthread_join(consumer, NULL);
	printf("released: %lld bytes\n", (long long)porter_bytes_used(t));
	return porter_tracked_destroy(t, &leaked) != 0 || leaked != 0;
}
