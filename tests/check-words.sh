#!/bin/sh
# SPDX-License-Identifier: MIT
# The field has names for what the library does, and the kernel's memory controller
# does the same job: account, charge, stock, drain, holder, watermark, hierarchy;
# load and store with their orders, as C11 has them. Other words for the same things,
# which were here once, must not come back: two words for one thing are two things to
# a reader.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

cd "$srcdir" || exit 99

old='centres?|calm|lendees?|lend|revoke[sd]?|revoking|famil(y|ies)|own_cell
	|peek|poke|subscribe|exchange_if|exchange_add|word_read|NOT_LENT'

old_words() {
	find "$@" -name '*.[ch]' -o -name '*.cc' -o -name '*.hpp' |
		xargs grep -nwE "$(printf %s "$old" | tr -d '\n\t')"
	true
}

check "the sources have the field's words" old_words src include
check "so have tests, benchmarks and examples" old_words tests bench examples
finish
