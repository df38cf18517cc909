#!/bin/sh
# SPDX-License-Identifier: MIT
# What is installed serves an outside program, in C and in C++, shared and
# static, by pkg-config alone; and uninstalling leaves nothing.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

has pkg-config || skip_all "no pkg-config here"
instrumented && skip_all "an outside program would need the instrumentation"
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$tmp/root

check "make install" make_install "$root"
pc=$(find "$root" -name portermem.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
libdir=$LD_LIBRARY_PATH
export PKG_CONFIG_PATH LD_LIBRARY_PATH
case $(pkg-config --variable=prefix portermem) in
"$root"*) ;;
*) export PKG_CONFIG_SYSROOT_DIR="$root" ;;
esac

cp "$srcdir/tests/packages/project/outside.c" "$tmp/outside.c"
cp "$tmp/outside.c" "$tmp/outside.cc"

# compiler source flag of pkg-config, further flags
build_and_run() {
	# shellcheck disable=SC2046,SC2086
	$1 "$2" -o "$tmp/outside" $4 $(pkg-config $3 --cflags --libs portermem) \
		|| return
	"$tmp/outside" || echo "it ended with $?"
}

linked_to() {
	ldd "$tmp/outside" | grep -q libportermem || echo "not the shared one"
}
not_linked_to() {
	ldd "$tmp/outside" | grep libportermem
	true
}
same_version() {
	test "$(pkg-config --modversion portermem)" = "$porter_version" ||
		pkg-config --modversion portermem
}

check "pkg-config tells the version" same_version
if ls "$libdir"/libportermem.so >/dev/null 2>&1; then
	check "a C program, shared" build_and_run "$CC" "$tmp/outside.c" "" ""
	check "it is linked to the library" linked_to
	has "${CXX%% *}" && check "a C++ program, shared" \
		build_and_run "$CXX" "$tmp/outside.cc" "" ""
else
	skip "an outside program, shared" "no shared library was built"
fi

# An adapter: two lines, with what its description says and no more.
adapter_builds() {
	name=$1
	pkg-config --exists --print-errors "portermem-$name" || return
	case $name in
	arrow) function=porter_arrow_import_charge ;;
	nanoarrow) function=porter_nanoarrow_malloc ;;
	*) function=porter_${name}_install ;;
	esac
	{
		echo "#include <portermem/adapt-$name.h>"
		test "$name" != nanoarrow || echo "PORTER_NANOARROW_STRUCTS(0);"
		test "$name" != nanoarrow || test "$2" = c ||
			echo 'extern "C" void *porter_nanoarrow_malloc(size_t);'
		echo "int main(void) { return !&$function; }"
	} >"$tmp/adapter.$2"
	# shellcheck disable=SC2046,SC2086
	$3 "$tmp/adapter.$2" -w -o "$tmp/adapter" \
		$(pkg-config --cflags --libs "portermem-$name") || return
	"$tmp/adapter" || echo "it ended with $?"
}
# Those that are installed.
all_adapters() {
	for file in "$PKG_CONFIG_PATH"/portermem-*.pc; do
		name=${file##*/portermem-}
		name=${name%.pc}
		check "portermem-$name in C" adapter_builds "$name" c "$CC"
		has "${CXX%% *}" && check "portermem-$name in C++" \
			adapter_builds "$name" cc "$CXX"
	done
}
installed_are_those_built() {
	for name in nanoarrow $adapters; do
		test ! -f "portermem-$name.pc" ||
			test -f "$PKG_CONFIG_PATH/portermem-$name.pc" ||
			echo "portermem-$name.pc is not there"
	done
}
check "adapters that were built are described" installed_are_those_built
if ls "$libdir"/libportermem.so >/dev/null 2>&1; then
	all_adapters
else
	skip "an outside program with adapters" "no shared library was built"
fi
if ls "$libdir"/libportermem.a >/dev/null 2>&1; then
	# Without the shared ones, -lportermem finds the static one.
	mkdir "$tmp/aside"
	mv "$libdir"/libportermem.so* "$tmp/aside" 2>/dev/null
	check "a C program, static" \
		build_and_run "$CC" "$tmp/outside.c" --static ""
	check "it holds the library" not_linked_to
	has "${CXX%% *}" && check "a C++ program, static" \
		build_and_run "$CXX" "$tmp/outside.cc" --static ""
	mv "$tmp"/aside/* "$libdir" 2>/dev/null
else
	skip "an outside program, static" "no static library was built"
fi

# Of a function, a struct, a callback, and of section 7.
man_finds() {
	for page in porter_bytes_used porter_stats porter_on_refused \
		portermem portermem-adapters portermem-cookbook; do
		man -M "$1" -w "$page" >/dev/null
	done
}
manual=$(dirname "$(dirname "$(find "$root" -name portermem.7)")")
if has man; then
	check "man finds the pages" man_finds "$manual"
else
	skip "man finds the pages" "no man here"
fi

nothing_left() {
	find "$root" ! -type d
}
only_under_the_name() {
	find "$root" -path '*/include/*' ! -type d |
		grep -v '/include/portermem/'
	true
}
check "headers are under portermem/" only_under_the_name
check "make uninstall" quietly make uninstall DESTDIR="$root"
check "uninstalling leaves nothing" nothing_left
finish
