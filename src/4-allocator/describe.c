/* SPDX-License-Identifier: MIT */
/*
 * describe.c: what a tracker holds, in a line for people.
 */
#include "0-machine/utf8.h"
#include "4-allocator/largest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct line {
	size_t length;
	char text[1024]; /* names are bounded, and numbers */
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line,
						      const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line->text + line->length,
		      sizeof(line->text) - line->length, format, arguments);
	va_end(arguments);
	if (n > 0)
		line->length += (size_t)n;
}

/* What would end the line, or move about on a terminal, is shown as '?'. */
static void add_name(struct line *line, const char *name)
{
	char *from = line->text + line->length;

	add(line, "%s", *name ? name : "unnamed");
	for (; *from; from++)
		if ((unsigned char)*from < ' ' || *from == 0x7f)
			*from = '?';
}

static void add_numbers(struct line *line, const porter_tracked *t)
{
	struct porter_stats s = PORTER_STATS_INIT;
	struct porter_interval peak = porter_peak(t);
	uint64_t blocks;

	porter_tracked_stats(t, &s);
	blocks = s.allocations - s.frees;
	add(line, ": %" PRId64 " bytes in %" PRIu64 " block%s, peak %" PRId64,
	    s.bytes_used, blocks, blocks == 1 ? "" : "s", peak.lower);
	if (peak.upper != peak.lower)
		add(line, " to %" PRId64, peak.upper);
}

static void add_children(struct line *line, const porter_tracked *t)
{
	struct largest largest = porter__largest_children(t);

	if (!largest.children)
		return;
	add(line, ", %" PRIu64 " %s", largest.children,
	    largest.children == 1 ? "child" : "children");
	for (uint32_t i = 0; i < largest.count; i++) {
		add(line, i				   ? ", " :
			  largest.children > largest.count ? ", most in " :
							     ": ");
		add_name(line, largest.child[i].name);
		add(line, " %" PRId64, largest.child[i].bytes_used);
	}
}

int porter_tracked_describe(const porter_tracked *t, char *out, size_t size)
{
	struct line line = { .length = 0 };
	size_t fits;

	if (!out && size) {
		errno = EINVAL;
		return -1;
	}
	add_name(&line, t->name);
	add_numbers(&line, t);
	add_children(&line, t);
	if (size) {
		fits = utf8_fit(line.text, size - 1);
		memcpy(out, line.text, fits);
		out[fits] = '\0';
	}
	return (int)line.length;
}
