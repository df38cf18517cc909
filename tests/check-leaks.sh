#!/bin/sh
# SPDX-License-Identifier: MIT
# LeakSanitizer and the library, in a program that is compiled with AddressSanitizer
# and linked with a library that is not: it finds what only trackers and watches
# point to, and what they once pointed to is leaked.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once
instrumented && skip_all "the library must not be instrumented"

# compiler libraries...
builds() {
	compiler=$1
	shift
	# shellcheck disable=SC2086
	$compiler -O1 -g -fsanitize=address -pthread -I"$srcdir/include" \
		"$srcdir/tests/helpers/roots.c" -o "$tmp/roots" "$@" \
		-Wl,-rpath,"$PWD/.libs" -ldl
}

# It does not run everywhere: not under ptrace, for example.
finds_leaks() {
	printf '#include <stdlib.h>\nint main(void)\n{\n%s\n}\n' \
		'char *volatile p = malloc(9); p = 0; return 0;' >"$tmp/leak.c"
	$1 -fsanitize=address "$tmp/leak.c" -o "$tmp/leak" 2>/dev/null ||
		return 1
	"$tmp/leak" 2>&1 | grep -q '9 byte(s) leaked'
}

nothing_is_leaked() {
	"$tmp/roots" keep || echo "ended with $?"
}

# Of 100 trackers: an allocator, a context, that of a watch; and one more watch's.
# A register may still point to the one that was used last.
all_is_leaked() {
	"$tmp/roots" drop >"$tmp/run" 2>&1 && echo "ended with 0"
	grep -q 'leaked in \(300\|301\) allocation' "$tmp/run" ||
		tail -n 3 "$tmp/run"
}

try() {
	if ! has "${1%% *}" || ! finds_leaks "$1"; then
		skip "leaks, $1" "no LeakSanitizer"
		return
	fi
	for library in .libs/libportermem.so .libs/libportermem.a; do
		kind=${library##*.}
		if ! test -f $library; then
			skip "leaks, $1, $kind" "not built"
			continue
		fi
		# shellcheck disable=SC2046
		check "a program is built, $1, $kind" builds "$1" $library \
			$(test "$kind" = so || pkg-config --libs liburcu-bp)
		check "what trackers point to is not leaked, $1, $kind" \
			nothing_is_leaked
		check "what they pointed to is, $1, $kind" all_is_leaked
	done
}

try "$CC"
case $CC in
*clang*) ;;
*) try clang ;;
esac
finish
