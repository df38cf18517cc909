/* SPDX-License-Identifier: MIT */
/*
 * text.h: something to compress: words by chance, the same in every run.
 */
#ifndef TESTS_ADAPTERS_TEXT_H
#define TESTS_ADAPTERS_TEXT_H

#include "support.h"

#include <string.h>

static inline void fill_with_words(char *text, size_t size)
{
	static const char *const words[] = { "one ",   "tracker ", "a ",
					     "page\n", "library ", "bytes " };
	uint64_t seed = 7;
	size_t filled = 0;

	while (filled < size) {
		const char *word = words[random_below(&seed, 6)];
		size_t length = strlen(word);

		if (length > size - filled)
			length = size - filled;
		memcpy(text + filled, word, length);
		filled += length;
	}
}

#endif /* TESTS_ADAPTERS_TEXT_H */
