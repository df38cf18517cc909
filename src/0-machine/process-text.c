/* SPDX-License-Identifier: MIT */
/*
 * process-text.c: what the kernel's files about memory say, line by line.
 */
#include "0-machine/process-text.h"

#include <string.h>

static struct text text_of(const char *string)
{
	return (struct text){ string, strlen(string) };
}

static void advance(struct text *text, size_t n)
{
	text->at += n;
	text->length -= n;
}

static bool take(struct text *text, const char *prefix)
{
	size_t n = strlen(prefix);

	if (text->length < n || memcmp(text->at, prefix, n) != 0)
		return false;
	advance(text, n);
	return true;
}

static bool equal(struct text text, const char *string)
{
	return take(&text, string) && text.length == 0;
}

static void take_blanks(struct text *text)
{
	while (text->length && (*text->at == ' ' || *text->at == '\t'))
		advance(text, 1);
}

static bool digit_next(const struct text *text)
{
	return text->length && *text->at >= '0' && *text->at <= '9';
}

/* A number without a sign; -1 if there is none, or more than fits. */
static int64_t take_number(struct text *text)
{
	int64_t n = 0;

	if (!digit_next(text))
		return -1;
	for (; digit_next(text); advance(text, 1)) {
		int digit = *text->at - '0';

		if (n > (INT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	return n;
}

/* Up to the next space, which goes too; false where there is none. */
static bool take_field(struct text *text, struct text *field)
{
	const char *end = text->length ? memchr(text->at, ' ', text->length) :
					 NULL;

	if (!end)
		return false;
	*field = (struct text){ text->at, (size_t)(end - text->at) };
	advance(text, field->length + 1);
	return true;
}

/* ---- Numbers ---- */

int64_t porter__text_bytes(struct text line)
{
	int64_t n;

	if (equal(line, "max"))
		return INT64_MAX;
	n = take_number(&line);
	return line.length ? -1 : n;
}

int64_t porter__text_kilobytes(struct text line, const char *name)
{
	int64_t n;

	if (!take(&line, name))
		return -1;
	take_blanks(&line);
	n = take_number(&line);
	if (n < 0 || n > INT64_MAX / 1024 || !equal(line, " kB"))
		return -1;
	return n * 1024;
}

int64_t porter__text_pressure(struct text line, const char *name)
{
	int64_t whole, hundredths;

	if (!take(&line, name) || !take(&line, " avg10="))
		return -1;
	whole = take_number(&line);
	if (whole < 0 || whole > 100 || !take(&line, "."))
		return -1;
	if (line.length < 3 || line.at[2] != ' ')
		return -1;
	line.length = 2;
	hundredths = take_number(&line);
	return line.length || hundredths < 0 ? -1 : whole * 100 + hundredths;
}

/* ---- Where the cgroup is ---- */

bool porter__text_cgroup(struct text line, struct text *path)
{
	if (!take(&line, "0::") || !line.length || *line.at != '/')
		return false;
	*path = line;
	return true;
}

/*
 * 31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw
 *            root point                              type
 */
static bool take_mount(struct text *line, struct text *root, struct text *point)
{
	struct text field;

	for (int i = 0; i < 3; i++)
		if (!take_field(line, &field))
			return false;
	return take_field(line, root) && take_field(line, point);
}

bool porter__text_mount(struct text line, struct text *root, struct text *point)
{
	struct text field;

	if (!take_mount(&line, root, point))
		return false;
	do {
		if (!take_field(&line, &field))
			return false;
	} while (!equal(field, "-"));
	return take_field(&line, &field) && equal(field, "cgroup2") &&
	       root->length && *root->at == '/' && point->length &&
	       *point->at == '/';
}

bool porter__text_mounted_at(struct text line, struct text point)
{
	struct text root, at;

	return take_mount(&line, &root, &at) && at.length == point.length &&
	       memcmp(at.at, point.at, at.length) == 0;
}

static bool octal(char c)
{
	return c >= '0' && c <= '7';
}

char porter__text_character(struct text *text)
{
	const char *at = text->at;

	if (text->length >= 4 && at[0] == '\\' && at[1] <= '3' &&
	    octal(at[1]) && octal(at[2]) && octal(at[3])) {
		advance(text, 4);
		return (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 |
			      (at[3] - '0'));
	}
	advance(text, 1);
	return at[0];
}

static bool leads_out(struct text path)
{
	struct text up = text_of("/..");

	for (; path.length >= up.length; advance(&path, 1))
		if (memcmp(path.at, up.at, up.length) == 0 &&
		    (path.length == up.length || path.at[up.length] == '/'))
			return true;
	return false;
}

bool porter__text_below(struct text path, struct text root, struct text *below)
{
	/* The root of all is a slash by itself: then all of the path is. */
	if (equal(root, "/"))
		root.length = 0;
	if (equal(path, "/"))
		path.length = 0;
	while (root.length) {
		if (!path.length || porter__text_character(&root) != *path.at)
			return false;
		advance(&path, 1);
	}
	if ((path.length && *path.at != '/') || leads_out(path))
		return false;
	*below = path;
	return true;
}
