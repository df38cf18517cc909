#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, as C99 to C17 and C++11 to C++17, without
# a warning. Those that include headers of a library want that library.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once

compile_all() {
	compiler=$1
	language=$2
	standard=$3
	for header in "$srcdir"/include/portermem/*.h; do
		name=portermem/$(basename "$header")
		adapter=${header##*/adapt-}
		case " $missing_adapters " in
		*" ${adapter%.h} "*) continue ;;
		esac
		# Twice: the guards hold.
		printf '#include <%s>\n#include <%s>\ntypedef int any;\n' \
			"$name" "$name" |
			$compiler -x "$language" -std="$standard" -Wall \
				-Wextra -Wpedantic -Wshadow -Werror \
				-fsyntax-only -I"$srcdir/include" \
				$adapter_cflags - ||
			return 1
	done
}

# Those of C++ that need the standard library alone.
compile_cxx() {
	printf '#include <%s>\n#include <%s>\ntypedef int any;\n' "$3" "$3" |
		$1 -x c++ -std="$2" -Wall -Wextra -Wpedantic -Wshadow -Werror \
			-fsyntax-only -I"$srcdir/include" -
}

# compiler language standards
try() {
	compiler=$1
	language=$2
	shift 2
	for standard in "$@"; do
		if ! echo 'int i;' | $compiler -x "$language" \
			-std="$standard" -fsyntax-only - 2>/dev/null; then
			skip "headers, $compiler -std=$standard" \
				"not known to this compiler"
			continue
		fi
		check "headers, $compiler -std=$standard" \
			compile_all "$compiler" "$language" "$standard"
		test "$language" = c++ || continue
		check "adapt-pmr.hpp, $compiler -std=$standard" \
			compile_cxx "$compiler" "$standard" \
			portermem/adapt-pmr.hpp
	done
}

try "$CC" c c99 c11 c17
test -n "$CXX" && has "${CXX%% *}" && try "$CXX" c++ c++11 c++17
case $CC in
*clang*) ;;
*)
	if has clang; then
		try clang c c99 c11 c17
		try clang++ c++ c++11 c++17
	else
		skip "headers, clang" "not on this machine"
	fi
	;;
esac
finish
