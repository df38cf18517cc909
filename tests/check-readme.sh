#!/bin/sh
# SPDX-License-Identifier: MIT
# The README keeps its word: its first example compiles as it stands and prints
# what the comment beside it says, the second one compiles in a function, the files
# that it names are there, and its figures are those of bench/RESULTS.md.
set -u
. tests/env.sh

src=${srcdir:-.}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

echo 1..5

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

# report NUMBER NAME, after the command whose status counts; its words are in
# $work/out.
report()
{
	if test $? -eq 0; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		sed 's/^/# /' "$work/out"
	fi
}

{
	echo '#include <portermem/portermem.h>'
	echo '#include <stdio.h>'
	echo 'void second(size_t size);'
	echo 'void second(size_t size) {'
	awk '/^```c$/ { on = ++blocks == 2; next } /^```$/ { on = 0 } on' \
		"$src/README.md"
	echo '}'
} >"$work/second.c"
grep -q porter_tracked_new_with "$work/second.c" &&
	$CC -std=c99 -Wall -Wextra -Wpedantic -Werror -I"$src/include" \
		-fsyntax-only "$work/second.c" >"$work/out" 2>&1
report 3 "the second example"

# Rows `| name | 1 thread | 2 threads |` of the README, by their names in the record.
cat >"$work/names.sed" <<'NAMES'
s/`//g
s/^| allocate and free, tracked \/ the same, untracked *|/tracked \/ backend|/p
s/^| allocate and free, tracked \/ plain malloc and free *|/tracked \/ malloc|/p
s/^| one atomic counter \/ tracked *|/one atomic \/ tracked|/p
s/^| four atomics, with a peak (as Arrow C++) \/ tracked *|/four atomics \/ tracked|/p
s/^| a mutex \/ tracked *|/mutex \/ tracked|/p
s/^| aligned to 64 bytes: tracked \/ aligned_alloc *|/aligned to 64: tracked \/ aligned_alloc|/p
s/^| at the limit: tracked \/ one atomic with a limit *|/at the limit: tracked \/ one atomic|/p
NAMES
sed -n -f "$work/names.sed" "$src/README.md" | awk -F '|' '
	$2 + 0 { printf "%s, 1 thread %.2f\n", $1, $2 }
	$3 + 0 { printf "%s, 2 threads %.2f\n", $1, $3 }' | sort >"$work/said"
sed -n 's/^| \(.*[^ ]\) *| *\([0-9.]*\) | *[0-9.]*-[0-9.]* |.*/\1 \2/p' \
	"$src/bench/RESULTS.md" | sort >"$work/measured"
rows=$(grep -c '[0-9]\.[0-9][0-9] |$' "$src/README.md")
test "$(cut -d, -f1 "$work/said" | sort -u | wc -l)" -eq $((rows - 2)) &&
	comm -23 "$work/said" "$work/measured" >"$work/out" &&
	! test -s "$work/out"
report 4 "the ratios are those of bench/RESULTS.md ($(wc -l <"$work/said"))"

# Of both tables of SQLite: a row is a way, a column a number of threads.
awk '/^examples\/sqlite_ingest, [0-9]+ threads:/ { threads = $2 }
	/^SQLite.s own statistics .*[0-9]$/ || /^portermem  .*[0-9]$/ {
		if (threads) print $1, threads, $(NF - 2) }' \
	"$src/bench/RESULTS.md" | sort >"$work/measured"
sed -n "s/^| with SQLite's own statistics/SQLite's/p
	s/^| with portermem/portermem/p" "$src/README.md" | awk -F '|' '
	{ sub(/ .*/, "", $1); printf "%s 2 %.2f\n%s 4 %.2f\n", $1, $2, $1, $3 }' |
	sort >"$work/said"
test -s "$work/measured" && diff "$work/measured" "$work/said" >"$work/out"
report 5 "the figures of SQLite are those of bench/RESULTS.md"
