#!/bin/sh
# SPDX-License-Identifier: MIT
# A library is taken away from configure: the adapter is left out, the rest
# stays, and the core needs none of them. Made with a scratch folder.
. "${srcdir:-$(dirname "$0")/../..}/tests/tap.sh"

once
test -n "$adapters" || skip_all "no adapter was built here, so none to leave out"
has pkg-config || skip_all "no pkg-config here"
has make || skip_all "no make here"
unset MAKEFLAGS MFLAGS MAKELEVEL
top=$(cd "$srcdir" && pwd)
all="$adapters $missing_adapters"

quietly() {
	"$@" >"$tmp/log" 2>&1 || tail -n 20 "$tmp/log"
}

# configure_in FOLDER OPTION...
configure_in() (
	folder=$tmp/$1
	shift
	mkdir "$folder" && cd "$folder" &&
		"$top/configure" CC="$CC" CXX=false --disable-bench \
			--disable-static CFLAGS=-O0 "$@"
)

# found FOLDER: what its configure found.
found() {
	(. "$tmp/$1/tests/env.sh" && echo $adapters)
}

is() {
	test "$1" = "$2" || echo "'$1', not '$2'"
}

# ---- All of them, by name ----

options=
for name in $all; do
	options="$options --without-$name"
done
# shellcheck disable=SC2086
check "configure without any of them, by name" \
	quietly configure_in none $options
check "none is found" is "$(found none)" ""

build_core() {
	make -C "$tmp/none" -j2 libportermem.la
}
only_the_core() {
	make -C "$tmp/none" -n install DESTDIR="$tmp/root" |
		grep -o 'libportermem-[a-z0-9]*\.la\|portermem-[a-z0-9]*\.pc' |
		grep -v portermem-test | sort -u
	true
}
needs_only_liburcu() {
	readelf -d "$tmp/none/.libs/libportermem.so" | sed -n \
		's/.*NEEDED.*\[\(.*\)\.so.*/\1/p' |
		grep -Ev '^(liburcu-.*|libc|libpthread|libdl|libatomic|ld-linux.*|libgcc_s)$'
	true
}
core_test() {
	make -C "$tmp/none" -j2 tests/api/test_tracked &&
		"$tmp/none/tests/api/test_tracked"
}
check "the core builds" quietly build_core
# That of nanoarrow is of a header, and headers are always installed.
check "no adapter would be installed that is a library" \
	is "$(only_the_core)" portermem-nanoarrow.pc
check "the core needs liburcu and what the C compiler brings along" needs_only_liburcu
if pkg-config --exists cmocka; then
	check "a test of the core passes" quietly core_test
else
	skip "a test of the core" "no cmocka here"
fi

# ---- One of them, because pkg-config does not know it ----

# All descriptions but one, in a folder of their own.
gone=${adapters##* }
module=$(sed -n "s/.*PORTER_ADAPTER.*(\[$gone\], \[\([^] ]*\).*/\1/p" \
	"$top/m4/porter-adapters.m4")
if test -z "$module"; then
	skip "a library taken away" "no adapter was built that needs one"
	finish
fi
mkdir "$tmp/pc"
for folder in $(pkg-config --variable pc_path pkg-config | tr : ' '); do
	for file in "$folder"/*.pc; do
		test -f "$file" && ln -s "$file" "$tmp/pc" 2>/dev/null
	done
done
rm -f "$tmp/pc/$module.pc"

without_description() {
	PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR=$tmp/pc configure_in one
}
insists() {
	PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR=$tmp/pc \
		configure_in insists --with-"$gone"
}
is_refused() {
	if insists >"$tmp/log" 2>&1; then
		echo "configure went through"
	elif ! grep -q "error: $module .*not found" "$tmp/log"; then
		tail -n 5 "$tmp/log"
	fi
}
check "configure where $module cannot be found" quietly without_description
check "the others are found, $gone is not" \
	is "$(found one)" "$(echo ${adapters% *})"
check "the core builds there" quietly make -C "$tmp/one" -j2 libportermem.la
check "configure says so when it was asked for" is_refused
finish
