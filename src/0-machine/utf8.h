/* SPDX-License-Identifier: MIT */
/*
 * utf8.h: a text that is too long is cut between characters.
 *
 *	r \303\251 s u m \303\251
 *	          keep ------^         the é is left out whole
 *
 * Half a character would make a text invalid for those who read it later: they
 * may refuse a whole page of figures for one byte.
 */
#ifndef PORTER_UTF8_H
#define PORTER_UTF8_H

#include <stddef.h>
#include <string.h>

/* How long a character is that begins with c; 1 where c begins none. */
static inline size_t utf8_length(char c)
{
	unsigned char lead = (unsigned char)c;

	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
}

/*
 * How many bytes to copy: all before the 0, or at most max. A text that is no UTF-8
 * is cut anywhere; no more than 3 bytes are ever left out.
 */
static inline size_t utf8_fit(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);
	size_t begin = max;

	if (length <= max)
		return length;
	while (begin > 0 && max - begin < 3 &&
	       ((unsigned char)text[begin] & 0xc0) == 0x80)
		begin--;
	return begin + utf8_length(text[begin]) > max ? begin : max;
}

#endif /* PORTER_UTF8_H */
