#!/bin/sh
# SPDX-License-Identifier: MIT
# PORTER_ALLOCATOR chooses the backend of the default allocator; a name that is
# unknown gets one warning, and the system's.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

helper=tests/helpers/default
test -x $helper || skip_all "the helper was not built (no cmocka)"
# Debian's jemalloc needs more static TLS than a running process has left.
GLIBC_TUNABLES=glibc.rtld.optional_static_tls=8192
export GLIBC_TUNABLES

# value, expected backend, lines on standard error
gives() {
	if test "$1" = unset; then
		$helper >"$tmp/out" 2>"$tmp/err"
	else
		PORTER_ALLOCATOR=$1 $helper >"$tmp/out" 2>"$tmp/err"
	fi || echo "ended with $?"
	test "$(cat "$tmp/out")" = "tracked over $2" || cat "$tmp/out"
	test "$(wc -l <"$tmp/err")" -eq "$3" || {
		echo "not $3 lines on standard error:"
		cat "$tmp/err"
	}
}

warning_names_it() {
	PORTER_ALLOCATOR=nonsense $helper 2>&1 >/dev/null |
		grep -q 'portermem: .*PORTER_ALLOCATOR=nonsense' ||
		echo "it does not"
}

long_names_are_cut() {
	PORTER_ALLOCATOR=$(head -c 10000 /dev/zero | tr '\0' x) \
		$helper 2>&1 >/dev/null | head -c 1000 >"$tmp/err"
	test "$(wc -c <"$tmp/err")" -lt 300 || echo "it is not"
}

# 63 letters, and a character of two bytes.
characters_are_not_cut() {
	PORTER_ALLOCATOR=$(head -c 63 /dev/zero | tr '\0' x)$(printf '\303\251') \
		$helper 2>&1 >/dev/null | LC_ALL=C grep -q 'xxx: no such' ||
		echo "one is"
}

check "not set: system" gives unset system 0
check "empty: system" gives "" system 0
check "system" gives system system 0
check "an unknown name: one warning, and system" gives nonsense system 1
check "case matters" gives SYSTEM system 1
check "the warning names the variable and the value" warning_names_it
check "a long value is cut in the warning" long_names_are_cut
check "and not within a character" characters_are_not_cut
# A malloc of the program's own, on this backend: it is called while it is looked for.
works_below_malloc() {
	PORTER_ALLOCATOR=$1 timeout -s KILL 60 tests/helpers/own_malloc \
		>"$tmp/out" 2>&1 || echo "ended with $?"
	test "$(cat "$tmp/out")" = works || head -c 1000 "$tmp/out"
}

# Its malloc is not the one that is found first, which is the program's.
works_preloaded() {
	file=$(ldconfig -p | sed -n "s|.* \(/.*/lib$1\.so\.2\)\$|\1|p" | head -n 1)
	# libtool's script would be preloaded as well.
	program=tests/helpers/.libs/own_malloc
	test -x $program || program=tests/helpers/own_malloc
	LD_LIBRARY_PATH=$PWD/.libs LD_PRELOAD=$file PORTER_ALLOCATOR=$1 \
		timeout -s KILL 60 $program preloaded \
		>"$tmp/out" 2>&1 || echo "ended with $?"
	test "$(cat "$tmp/out")" = works || head -c 1000 "$tmp/out"
}

for name in jemalloc mimalloc; do
	eval "here=\$have_$name"
	# shellcheck disable=SC2154
	if test "$here" = yes && test -z "$porter_sanitizers"; then
		check "$name" gives $name $name 0
		check "$name, below the program's malloc" \
			works_below_malloc $name
		check "$name, preloaded, below the program's malloc" \
			works_preloaded $name
	else
		skip "$name" "not on this machine, or not with a sanitizer"
		skip "$name, below the program's malloc" "likewise"
		skip "$name, preloaded, below it" "likewise"
	fi
done
finish
