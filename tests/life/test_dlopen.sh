#!/bin/sh
# SPDX-License-Identifier: MIT
# Plugins that bring the library along, in a program that does not link it.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

plugin=tests/life/.libs/plugin.so
test -f "$plugin" || skip_all "no shared library was built"
LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
if test -n "$porter_sanitizers"; then
	PORTER_TEST_TOOL=yes
	export PORTER_TEST_TOOL
fi
times=$((1000 * ${PORTER_TEST_SCALE:-100} / 100))

# Lines that begin with "#" are figures, not complaints.
host() {
	timeout 300 tests/life/dlopen_host "$@" >"$tmp/figures"
	status=$?
	grep -v '^#' "$tmp/figures"
	return $status
}

cycle() {
	host cycle "$plugin" "$times"
}

fill() {
	for size in 64 8; do
		i=0
		while test $i -lt 100; do
			cp "tests/life/.libs/filler_$size.so" "$tmp/$size-$i.so"
			i=$((i + 1))
		done
	done
	host fill "$plugin" "$tmp"
}

check "a plugin is opened and closed $times times, and threads outlive it" cycle
sed -n '/^#/p' "$tmp/figures"
case $porter_sanitizers in
*asan* | *tsan*)
	skip "8 bytes of static TLS suffice" \
		"the sanitizer takes some of it for itself"
	;;
*)
	check "8 bytes of static TLS suffice" fill
	sed -n '/^#/p' "$tmp/figures"
	;;
esac
finish
