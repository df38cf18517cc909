#!/bin/sh
# SPDX-License-Identifier: MIT
# The code in the manual: every example of section 3, of portermem(7) and of
# portermem-adapters(7) and every recipe of portermem-cookbook(7) compiles without a
# warning. Those with a main() run and return 0.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once
instrumented && skip_all "the examples would need the instrumentation"

warnings="-Wall -Wextra -Wpedantic -Werror"
c="$CC -std=c99 -D_POSIX_C_SOURCE=200809L"

# page: where it lies, in the build folder or as distributed
page_file() {
	if test -f "doc/$1"; then
		echo "doc/$1"
	else
		echo "$srcdir/doc/$1"
	fi
}

# page directory heading: each literal block below the heading, or of the whole page
# if the heading is "", into a file: the one that its first line names, or else the
# number of the block.
extract() {
	awk -v directory="$2" -v heading="$3" '
		/^\.Sh / { wanted = $0 == ".Sh " heading }
		/^\.Ed/ { if (file) close(file); file = ""; on = 0 }
		on {
			sub(/^\\&/, "")
			gsub(/\\e/, "\\")
			gsub(/\\-/, "-")
			if (!file) {
				file = ++blocks ".c"
				if (match($0, /^(\/\*|\/\/) [a-z]+\.cc?:/))
					file = substr($2, 1, length($2) - 1)
				file = directory "/" file
			}
			print >file
		}
		/^\.Bd -literal/ { on = wanted || heading == "" }
	' "$(page_file "$1")"
}

# source program: compiled and linked with the library, as the library is
build() {
	case $1 in
	*.cc) compiler="$CXX -std=c++11" tag=CXX ;;
	*) compiler=$c tag=CC ;;
	esac
	object=${1%.c*}.lo
	# shellcheck disable=SC2086
	./libtool --silent --mode=compile --tag=$tag $compiler $warnings \
		-I"$srcdir/include" -c "$1" -o "$object" &&
		./libtool --silent --mode=link --tag=$tag $compiler -pthread \
			"$object" libportermem.la -ldl -o "$2"
}

# What the programs print is not looked at.
build_and_run() {
	build "$1" "$tmp/program" || return
	"$tmp/program" >"$tmp/printed" 2>&1 || {
		echo "it returned $?, and printed:"
		cat "$tmp/printed"
	}
}

# An adapter's example wants the headers of the library that it is for.
adapter_compiler() {
	case $1 in
	*.cc) echo "$CXX -std=c++17 -isystem $porter_pypi/pyarrow/include" ;;
	*) echo "$CC -std=c99" ;;
	esac
}

compile_adapter() {
	# shellcheck disable=SC2046,SC2086
	$(adapter_compiler "$1") $warnings -I"$srcdir/include" $adapter_cflags \
		-fsyntax-only "$1"
}

headers_are_missing() {
	# shellcheck disable=SC2046,SC2086
	$(adapter_compiler "$1") -I"$srcdir/include" $adapter_cflags -E "$1" \
		2>&1 >/dev/null |
		grep -v portermem/ | grep -q 'No such file\|not found'
}

# page source
check_example() {
	if test "$2" != "${2%.cc}" && ! has "${CXX%% *}"; then
		skip "$1" "no C++ compiler"
	elif grep -q 'portermem/adapt-[^p]' "$2"; then
		if headers_are_missing "$2"; then
			skip "$1" "no headers of that library here"
		else
			check "$1: the example compiles" compile_adapter "$2"
		fi
	elif grep -q '^int main(' "$2"; then
		check "$1: the example compiles and returns 0" \
			build_and_run "$2"
	else
		check "$1: the example compiles" build "$2" /dev/null
	fi
}

# ---- Section 3, where several pages may show the same program ----

: >"$tmp/seen"
for page in $(sed -n 's|.*doc/\(man3/porter_.*\.3\).*|\1|p' \
	"$srcdir/doc/Makefile.am"); do
	name=$(basename "$page" .3)
	mkdir "$tmp/$name"
	extract "$page" "$tmp/$name" EXAMPLES
	test -f "$tmp/$name/1.c" || continue
	sum=$(cksum <"$tmp/$name/1.c")
	grep -q "^$sum\$" "$tmp/seen" && continue
	echo "$sum" >>"$tmp/seen"
	check_example "$name(3)" "$tmp/$name/1.c"
done

# ---- Section 7 ----

for name in portermem portermem-adapters; do
	mkdir "$tmp/$name"
	extract $name.7 "$tmp/$name" EXAMPLES
	for source in "$tmp/$name"/*.c*; do
		check_example "$name(7) $(basename "$source")" "$source"
	done
done

plugin() {
	# shellcheck disable=SC2086
	$c $warnings -I"$srcdir/include" -shared -fPIC \
		"$tmp/cookbook/plugin.c" -o "$tmp/plugin.so" \
		-L.libs -lportermem &&
		build "$tmp/cookbook/host.c" "$tmp/host" || return
	LD_LIBRARY_PATH=$PWD/.libs "$tmp/host" "$tmp/plugin.so" ||
		echo "the host returned $?"
}

mkdir "$tmp/cookbook"
extract portermem-cookbook.7 "$tmp/cookbook" ""
check "portermem-cookbook(7) has recipes" test -f "$tmp/cookbook/evict.c"
for source in "$tmp"/cookbook/*.c*; do
	name=$(basename "$source")
	case $name in
	plugin.c) ;;
	host.c)
		if test -f .libs/libportermem.so; then
			check "portermem-cookbook(7), plugin.c, host.c" plugin
		else
			skip "plugin.c, host.c" "no shared library was built"
		fi
		;;
	*.cc)
		if has "${CXX%% *}"; then
			check "portermem-cookbook(7), $name" \
				build_and_run "$source"
		else
			skip "$name" "no C++ compiler"
		fi
		;;
	*) check "portermem-cookbook(7), $name" build_and_run "$source" ;;
	esac
done
finish
