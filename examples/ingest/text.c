/* SPDX-License-Identifier: MIT */
/*
 * text.c: reads a file whole, then cuts it into rows without copying.
 */
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The file ---- */

/* The next line, without its end; at moves on. */
static struct span next_line(const struct text *text, size_t *at)
{
	const char *start = text->bytes + *at;
	const char *end = memchr(start, '\n', text->size - *at);
	size_t size = end ? (size_t)(end - start) : text->size - *at;

	*at += size + (end ? 1 : 0);
	if (size > 0 && start[size - 1] == '\r')
		size--;
	return (struct span){ start, (int)size };
}

static size_t count_lines(const struct text *text)
{
	size_t at = 0;
	size_t lines = 0;

	while (at < text->size)
		lines += next_line(text, &at).size > 0;
	return lines;
}

/* A pipe has no size to ask for, so the buffer grows with what comes. */
static int read_all(struct text *text, FILE *file)
{
	size_t room = 0;

	for (;;) {
		size_t got;

		if (text->size == room) {
			char *larger;

			room = room ? 2 * room : 1 << 16;
			larger = realloc(text->bytes, room);
			if (!larger)
				return -1;
			text->bytes = larger;
		}
		errno = 0;
		got = fread(text->bytes + text->size, 1, room - text->size,
			    file);
		if (got == 0)
			return ferror(file) ? -1 : 0;
		text->size += got;
	}
}

int text_read(struct text *text, const char *path)
{
	const char *problem = NULL;
	FILE *file;

	memset(text, 0, sizeof(*text));
	file = fopen(path, "r");
	if (!file) {
		fprintf(stderr, "sqlite_ingest: cannot open %s: %s\n", path,
			strerror(errno));
		return -1;
	}
	if (read_all(text, file) != 0)
		problem = strerror(errno);
	else if (text->size > INT_MAX)
		problem = "larger than 2 GiB";
	else if (text->size == 0)
		problem = "the file is empty";
	else if ((text->lines = count_lines(text)) == 0)
		problem = "the file has only empty lines";
	fclose(file);
	if (!problem)
		return 0;
	fprintf(stderr, "sqlite_ingest: cannot use %s: %s\n", path, problem);
	text_free(text);
	return -1;
}

void text_free(struct text *text)
{
	free(text->bytes);
	text->bytes = NULL;
	text->size = 0;
}

/* ---- The rows ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trimmed(const char *start, const char *end)
{
	while (start < end && is_blank(*start))
		start++;
	while (start < end && is_blank(end[-1]))
		end--;
	return (struct span){ start, (int)(end - start) };
}

static bool is_name(const char *start, const char *end)
{
	for (const char *c = start; c < end; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') ||
			      (*c >= 'A' && *c <= 'Z');
		bool other = (*c >= '0' && *c <= '9') || *c == '-' || *c == '_';

		if (!letter && !other)
			return false;
	}
	return end > start;
}

void text_rewind(struct text_reader *reader, const struct text *text)
{
	*reader = (struct text_reader){
		.text = text,
		.between_records = true,
	};
}

/* The next line that has something in it; records change on the way. */
static struct span next_full_line(struct text_reader *reader)
{
	for (;;) {
		struct span line;

		if (reader->at == reader->text->size) {
			reader->at = 0;
			reader->between_records = true;
		}
		line = next_line(reader->text, &reader->at);
		if (line.size > 0)
			return line;
		reader->between_records = true;
	}
}

struct row text_next_row(struct text_reader *reader)
{
	static const struct span unnamed = { "text", 4 };
	struct span line = next_full_line(reader);
	const char *end = line.start + line.size;
	const char *colon = memchr(line.start, ':', (size_t)line.size);
	struct row row = { .first = reader->between_records };

	if (row.first) {
		reader->record++;
		reader->between_records = false;
		reader->name = unnamed;
	}
	row.record = reader->record;
	if (is_blank(*line.start)) {
		row.value = trimmed(line.start, end);
	} else if (colon && is_name(line.start, colon)) {
		reader->name = trimmed(line.start, colon);
		row.value = trimmed(colon + 1, end);
	} else {
		reader->name = unnamed;
		row.value = trimmed(line.start, end);
	}
	row.name = reader->name;
	return row;
}
