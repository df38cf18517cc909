#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, without a warning: as gnu89, C99 to C23 and
# C++11 to C++23, without exceptions and RTTI, and after a program has defined
# macros that are called like functions of the C library. Those that include
# headers of a library want that library.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once

warnings="-Wall -Wextra -Wpedantic -Wshadow -Werror"

# header: whether the library that it is for is here
wanted() {
	adapter=${1##*/adapt-}
	case " $missing_adapters " in
	*" ${adapter%.h} "*) return 1 ;;
	esac
}

# compiler language flags...: standard input compiles
compiles() {
	compiler=$1
	language=$2
	shift 2
	# shellcheck disable=SC2086
	$compiler -x "$language" "$@" $warnings -fsyntax-only \
		-I"$srcdir/include" $adapter_cflags -
}

# Twice: the guards hold.
twice() {
	printf '#include <%s>\n#include <%s>\ntypedef int any;\n' "$1" "$1"
}

compile_all() {
	for header in "$srcdir"/include/portermem/*.h; do
		wanted "$header" || continue
		twice "portermem/${header##*/}" | compiles "$@" || return 1
	done
}

compile_pmr() {
	twice portermem/adapt-pmr.hpp | compiles "$@"
}

known() {
	echo 'int i;' | $1 -x "$2" -std="$3" -fsyntax-only - 2>/dev/null
}

# ---- Initializers ----

# Every macro that ends in _INIT, for the struct that has its name.
initializers() {
	sed -n 's/^#define PORTER_\([A-Z_]*\)_INIT .*/\1/p' \
		"$srcdir"/include/portermem/*.h
}

use_initializers() {
	echo '#include <portermem/portermem.h>'
	echo '#include <portermem/adapt-arrow.h>'
	echo 'extern size_t size_of_all(void);'
	echo 'size_t size_of_all(void) {'
	for name in $(initializers); do
		lower=$(echo "$name" | tr '[:upper:]' '[:lower:]')
		echo "struct porter_$lower a_$lower = PORTER_${name}_INIT;"
	done
	echo 'return 0'
	for name in $(initializers); do
		echo "+ a_$(echo "$name" | tr '[:upper:]' '[:lower:]').size"
	done
	echo ';}'
}

# Where addresses have 64 bits. Bindings to other languages copy the structs.
without_padding() {
	for header in "$srcdir"/include/portermem/*.h; do
		wanted "$header" || continue
		twice "portermem/${header##*/}"
	done | compiles "$1" c -std=c11 -Wpadded
}

compile_initializers() {
	use_initializers | compiles "$@"
}

# A struct has a size for the caller to set exactly if it has an initializer.
each_sized_struct_has_one() {
	cat "$srcdir"/include/portermem/*.h | awk '
		/^struct porter_[a-z_]* {$/ { name = substr($2, 8); next }
		name != "" && /^\tsize_t size;$/ { print name }
		{ name = "" }' |
		tr '[:lower:]' '[:upper:]' | LC_ALL=C sort >"$tmp/sized"
	initializers | LC_ALL=C sort | diff "$tmp/sized" -
}

# ---- Macros with the names of functions ----

# What the header includes that is not ours comes first: that has no defence.
after_macros() {
	sed -n '/<portermem/d;s/^#include </&/p' "$1" \
		"$srcdir"/include/portermem/[!a]*.h \
		"$srcdir"/include/portermem/allocator.h
	echo '#include <stdlib.h>'
	cat "$tmp/macros"
	echo "#include <portermem/${1##*/}>"
	echo 'typedef int any;'
}

# Where one is expanded, there is an error.
make_macros() {
	echo '#include <stdlib.h>' | $CC -D_GNU_SOURCE -E -x c - |
		grep -v '^#' | grep -o '[A-Za-z_][A-Za-z0-9_]* *([^*]' |
		sed 's/ *(.$//' | grep -v '^_\|^sizeof$' | LC_ALL=C sort -u |
		sed 's/.*/#undef &\n#define &(...) @ & was expanded @/'
}

compile_after_macros() {
	grep -q '^#define free(' "$tmp/macros" || return 1
	for header in "$srcdir"/include/portermem/$3; do
		wanted "$header" || continue
		after_macros "$header" | compiles "$1" "$2" || return 1
	done
}

# ---- Two units that include them go together ----

# compiler standard: the inline functions are defined in neither
two_units_link() {
	for unit in one two; do
		{
			for header in "$srcdir"/include/portermem/*.h; do
				! wanted "$header" ||
					echo "#include <portermem/${header##*/}>"
			done
			echo "void *$unit(porter_allocator *a);"
			echo "void *$unit(porter_allocator *a)"
			echo '{ return porter_allocate(a, 10); }'
		} >"$tmp/$unit.c"
		# shellcheck disable=SC2086
		$1 -std="$2" -O"$3" -w -I"$srcdir/include" $adapter_cflags \
			-c "$tmp/$unit.c" -o "$tmp/$unit.o" || return 1
	done
	$1 -r -nostdlib "$tmp/one.o" "$tmp/two.o" -o "$tmp/both.o"
}

# ---- All of it, for one compiler ----

try_c() {
	for standard in gnu89 c99 c11 c17 c2x; do
		if ! known "$1" c $standard; then
			skip "headers, $1 -std=$standard" "not known to it"
			continue
		fi
		check "headers, $1 -std=$standard" \
			compile_all "$1" c -std=$standard
		check "initializers, $1 -std=$standard" \
			compile_initializers "$1" c -std=$standard
		check "two units, $1 -std=$standard" \
			two_units_link "$1" $standard 2
	done
	check "two units, $1 -std=gnu89 -O0" two_units_link "$1" gnu89 0
	if echo 'char a[sizeof(void *) == 8 ? 1 : -1];' |
		$1 -x c -fsyntax-only - 2>/dev/null; then
		check "no struct has padding without a name, $1" \
			without_padding "$1"
	else
		skip "no struct has padding without a name, $1" "32 bits"
	fi
	check "headers after macros, $1" compile_after_macros "$1" c '*.h'
}

try_cxx() {
	for standard in c++11 c++14 c++17 c++20 c++2b; do
		if ! known "$1" c++ $standard; then
			skip "headers, $1 -std=$standard" "not known to it"
			continue
		fi
		check "headers, $1 -std=$standard" \
			compile_all "$1" c++ -std=$standard
		check "adapt-pmr.hpp, $1 -std=$standard" \
			compile_pmr "$1" c++ -std=$standard
		check "initializers, $1 -std=$standard" \
			compile_initializers "$1" c++ -std=$standard
		for without in "-fno-exceptions" "-fno-rtti" \
			"-fno-exceptions -fno-rtti"; do
			# shellcheck disable=SC2086
			check "adapt-pmr.hpp, $1 -std=$standard $without" \
				compile_pmr "$1" c++ -std=$standard $without
		done
	done
	check "headers, $1 -fno-exceptions -fno-rtti" compile_all \
		"$1" c++ -fno-exceptions -fno-rtti
	check "headers after macros, $1" compile_after_macros "$1" c++ '*.h'
	check "adapt-pmr.hpp after macros, $1" \
		compile_after_macros "$1" c++ adapt-pmr.hpp
	test -d "$porter_pypi/pyarrow/include" || return
	for without in "" "-fno-exceptions -fno-rtti"; do
		# shellcheck disable=SC2086
		check "adapt-arrow.hpp, $1 $without" compile_arrow "$1" $without
	done
}

# Arrow's headers have warnings of their own.
compile_arrow() {
	compiler=$1
	shift
	twice portermem/adapt-arrow.hpp | compiles "$compiler" c++ -std=c++17 \
		"$@" -isystem "$porter_pypi/pyarrow/include"
}

make_macros >"$tmp/macros"
check "each sized struct has an initializer" each_sized_struct_has_one
try_c "$CC"
test -n "$CXX" && has "${CXX%% *}" && try_cxx "$CXX"
case $CC in
*clang*) ;;
*)
	if has clang; then
		try_c clang
		try_cxx clang++
	else
		skip "headers, clang" "not on this machine"
	fi
	;;
esac
finish
