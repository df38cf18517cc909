#!/bin/sh
# SPDX-License-Identifier: MIT
# The README keeps its word: its example compiles as it stands and prints what
# the comment beside it says, and the files that it names are there.
set -u
. tests/env.sh

src=${srcdir:-.}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

echo 1..2

awk '/^```c$/ { on = ++blocks == 1; next } /^```$/ { on = 0 } on' \
	"$src/README.md" >"$work/example.c"
expected=$(sed -n 's|.*printf.*/\* \(.*\) \*/.*|\1|p' "$work/example.c")
if test -n "$porter_sanitizers"; then
	echo "ok 1 - the example # SKIP the library has sanitizers"
elif ./libtool --silent --mode=compile --tag=CC $CC -std=c99 -Wall -Wextra \
	-Wpedantic -Werror -I"$src/include" -c "$work/example.c" \
	-o "$work/example.lo" >"$work/out" 2>&1 &&
	./libtool --silent --mode=link --tag=CC $CC "$work/example.lo" \
		libportermem.la -o "$work/example" >>"$work/out" 2>&1 &&
	"$work/example" >"$work/printed" 2>>"$work/out" &&
	test -n "$expected" &&
	test "$(cat "$work/printed")" = "$expected"; then
	echo "ok 1 - the example"
else
	echo "not ok 1 - the example"
	sed 's/^/# /' "$work/out"
	echo "# printed: $(cat "$work/printed" 2>&1), not: $expected"
fi

missing=
for name in $(sed -n 's/[^]]*\](\([A-Za-z0-9_./-]*\))/\1\n/gp' "$src/README.md" |
	grep '^[A-Za-z]'); do
	test -e "$src/$name" || missing="$missing $name"
done
if test -z "$missing"; then
	echo "ok 2 - the files that it names"
else
	echo "not ok 2 - the files that it names: not there:$missing"
fi
