/* SPDX-License-Identifier: MIT */
/*
 * process-text.h: what the kernel's files about memory say, line by line.
 *
 * Functions of text alone: a line goes in, without its end, and what it says
 * comes out. They take any bytes at all; what makes no sense is -1 or false.
 * The text needs no zero at its end, and is never read beyond.
 */
#ifndef PORTER_PROCESS_TEXT_H
#define PORTER_PROCESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of somebody else's characters. */
struct text {
	const char *at;
	size_t length;
};

/* memory.current, .max, .high: "4096" or "max", which is INT64_MAX; or -1. */
int64_t porter__text_bytes(struct text line);

/* status: name "VmRSS:", line "VmRSS:	    1664 kB": bytes; or -1. */
int64_t porter__text_kilobytes(struct text line, const char *name);

/*
 * memory.pressure: name "some", line "some avg10=1.25 avg60=...": 125,
 * hundredths of a percent; or -1.
 */
int64_t porter__text_pressure(struct text line, const char *name);

/* cgroup: "0::/path" of cgroup v2; path begins with a slash. */
bool porter__text_cgroup(struct text line, struct text *path);

/*
 * mountinfo: a mount of cgroup v2. Its root is the cgroup that is seen at the
 * mount point. Both stay as the kernel writes them: see below.
 */
bool porter__text_mount(struct text line, struct text *root,
			struct text *point);

/* mountinfo: a mount of anything at point, which is as the kernel wrote it. */
bool porter__text_mounted_at(struct text line, struct text point);

/*
 * What path has below root, "" or "/more/of/it"; false if it is not below, or
 * leads out again by "..". root is written as mountinfo has it, path is not.
 */
bool porter__text_below(struct text path, struct text root, struct text *below);

/*
 * Takes the first character off a text in which the kernel wrote some as three
 * octal digits, "\040" for a space. The text must not be empty.
 */
char porter__text_character(struct text *text);

#endif /* PORTER_PROCESS_TEXT_H */
