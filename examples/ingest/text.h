/* SPDX-License-Identifier: MIT */
/*
 * text.h: a text file as an endless supply of rows.
 *
 * Read as Debian writes its control files, which most texts can pass for:
 *
 *	Package: bash		a new field, "Package", with its value
 *	 and more of it		a line that begins blank belongs to that field
 *				an empty line ends the record
 *	any other line		a value of the field "text"
 *
 * Each line makes one row. After the last line comes the first again, as a
 * new record, so a short file feeds a long run.
 */
#ifndef INGEST_TEXT_H
#define INGEST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes;
	size_t size;
	size_t lines; /* that are not empty */
};

struct span {
	const char *start;
	int size;
};

struct row {
	int64_t record;	  /* counted from 1 */
	bool first;	  /* of its record */
	struct span name; /* points into the text, as value does */
	struct span value;
};

struct text_reader {
	const struct text *text;
	size_t at;
	int64_t record;
	bool between_records;
	struct span name; /* of the field that a line continues */
};

/* 0, or -1 after a message on standard error. */
int text_read(struct text *text, const char *path);
void text_free(struct text *text);

void text_rewind(struct text_reader *reader, const struct text *text);
struct row text_next_row(struct text_reader *reader);

#endif /* INGEST_TEXT_H */
