#!/bin/sh
# SPDX-License-Identifier: MIT
# Files stay small enough to be read: under 600 lines of at most 100 columns.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once

cd "$srcdir" || exit 99

sources() {
	find src include tests bench examples tools -type f \
		\( -name '*.[ch]' -o -name '*.cc' -o -name '*.hpp' \
		-o -name '*.sh' -o -name '*.am' -o -name '*.py' \) 2>/dev/null
}

too_long() {
	sources | xargs awk 'FNR == 600 { print FILENAME }'
}

# A tab is 8 columns wide. What cannot be broken may be longer than 80.
too_wide() {
	sources | xargs -n 1 sh -c '
		expand "$1" | awk -v file="$1" "length > 100 {
			print file \":\" NR \": \" length }"' -
}

check "every file has less than 600 lines" too_long
check "no line is wider than 100 columns" too_wide
finish
