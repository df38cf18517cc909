#!/bin/sh
# SPDX-License-Identifier: MIT
# check-examples.sh: runs every example and looks at what it says (TAP).
#
# Runs in the build directory, as make check does it.
set -u

examples=./examples
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out
err=$scratch/err
number=0
status=0

. ./tests/env.sh

# run COMMAND...: the exit status in $status, the output in $out and $err.
run() {
	"$@" >"$out" 2>"$err" </dev/null
	status=$?
}

# check NAME CONDITION...: one TAP line.
check() {
	name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
		return
	fi
	echo "not ok $number - $name"
	echo "# exit status $status; standard output and error:"
	sed 's/^/#   /' "$out" "$err"
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

exits() { [ "$status" -eq "$1" ]; }
says() { exits 0 && grep -q -- "$1" "$out"; }
says_exactly() { exits 0 && printf '%s\n' "$@" | cmp -s - "$out"; }
refuses() { exits 2 && grep -q -- "$1" "$err" && [ ! -s "$out" ]; }

# A table: bytes in the first column of numbers, at last none. What the library
# says itself stands in the second, and is the same.
ends_at_zero() {
	exits 0 && grep -Eq ' [1-9][0-9]*( |$)' "$out" &&
		tail -n 1 "$out" | grep -Eq '^[a-z ]+ 0( +0)?$'
}
columns_agree() {
	ends_at_zero && grep -Eq ' ([1-9][0-9]*) +\1$' "$out" &&
		! grep -E ' [0-9]+ +[0-9]+$' "$out" |
		grep -Evq ' ([0-9]+) +\1$'
}

# ---- hello, embed, server ----

run $examples/hello
check "hello: bytes in use, then none" \
	says_exactly "in use: 1024 bytes" "in use: 0 bytes"

run $examples/embed
check "embed: whole and part count, a refusal does not" says_exactly \
	"1000 + 500 allocated:  whole 1500, part  500 bytes" \
	"500 made 700:          whole 1700, part  700 bytes" \
	"4096 refused:          whole 1700, part  700 bytes" \
	"all freed:             whole    0, part    0 bytes"

nothing_left() {
	exits 0 && [ "$(grep -c ' 0 bytes left$' "$out")" -eq 3 ]
}
parts_were_live() {
	grep -Eq '^parser +[0-9]+ +cache +[1-9][0-9]+ .* process +[1-9]' "$out"
}
run $examples/server 1
check "server: serves, and nothing is left" nothing_left
check "server: live bytes of each part" parts_were_live
check "server: no request was refused" says ' served, 0 refused$'
run $examples/server soon
check "server: a bad number is refused" refuses Usage

# has_adapter NAME: configure has found the library.
has_adapter() {
	case " $adapters " in
	*" $1 "*) ;;
	*) false ;;
	esac
}

# ---- columns ----

columns_were_live() {
	exits 0 && grep -Eq '^exported: [1-9][0-9]+ bytes$' "$out" &&
		grep -q '^consumer: 3 rows, 8 bytes of text$' "$out" &&
		grep -q '^released: 0 bytes$' "$out"
}
printf 'three\n\nand' >"$scratch/lines"
: >"$scratch/nothing"
# Enough that every buffer grows again and again.
many=3000
awk -v n=$many 'BEGIN {
	for (i = 1; i <= n; i++)
		print "line " i (i % 7 ? "" : " is a little longer")
}' >"$scratch/many"
text_of_many=$(tr -d '\n' <"$scratch/many" | wc -c | tr -d ' ')
# The text, a length and an offset for each line, and room to grow: at most
# twice as much, in multiples of 64.
bytes_of_many() {
	test "$1" -ge $((text_of_many + 8 * many)) &&
		test "$1" -le $((2 * (text_of_many + 8 * many) + 1024))
}
columns_grew() {
	exits 0 && grep -q "^consumer: $many rows, $text_of_many bytes of text\$" \
		"$out" && grep -q '^released: 0 bytes$' "$out" &&
		bytes_of_many "$(sed -n 's/^exported: \(.*\) bytes$/\1/p' "$out")"
}
nanoarrow_grew() {
	grown=$(sed -n "s/^$many rows: \(.*\) bytes\$/\1/p" "$out")
	exits 0 && grep -q '^released: 0 bytes$' "$out" &&
		bytes_of_many "$grown" && test $((grown % 64)) -eq 0
}
if has_adapter arrow; then
	run $examples/columns "$scratch/lines"
	check "columns: consumed in another thread, and nothing is left" \
		columns_were_live
	run $examples/columns "$scratch/nothing"
	check "columns: an empty file" \
		says '^consumer: 0 rows, 0 bytes of text$'
	run $examples/columns "$scratch/many"
	check "columns: $many lines" columns_grew
	run $examples/columns
	check "columns: no file" refuses Usage
	run $examples/arrow_import
	check "arrow_import: charged, and released" says_exactly \
		'                bytes' \
		'charged          4000' \
		'released            0'
else
	skip "columns, arrow_import" "built without their adapter"
fi

# ---- nanoarrow_columns ----

if [ "$have_nanoarrow" = yes ]; then
	# 2 offsets more than rows, 3 lengths, 8 bytes of text: 64 each.
	run $examples/nanoarrow_columns "$scratch/lines"
	check "nanoarrow_columns: three buffers of 64 bytes" \
		says_exactly '3 rows: 192 bytes' 'released: 0 bytes'
	run $examples/nanoarrow_columns "$scratch/many"
	check "nanoarrow_columns: $many lines" nanoarrow_grew
	run $examples/nanoarrow_columns
	check "nanoarrow_columns: no file" refuses Usage
else
	skip "nanoarrow_columns" "$have_nanoarrow"
fi

# ---- arrow_table ----

arrow_agrees() {
	exits 0 && grep -q '^3 rows, 2 columns$' "$out" &&
		grep -Eq '^whole ([1-9][0-9]*), pool \1, Arrow \1 bytes$' \
			"$out" &&
		grep -Eq '^at most ([1-9][0-9]*), Arrow \1 bytes$' "$out" &&
		grep -q '^table gone: 0 bytes$' "$out"
}
printf 'n,text\n1,one\n2,two\n3,three\n' >"$scratch/csv"
if [ "$have_arrow_cxx" != yes ]; then
	skip "arrow_table, arrow_backend" "$have_arrow_cxx"
elif [ "${porter_sanitizers#*tsan}" != "$porter_sanitizers" ]; then
	skip "arrow_table, arrow_backend" "Arrow is compiled without ThreadSanitizer"
else
	run $examples/arrow_table "$scratch/csv"
	check "arrow_table: equal to Arrow's number" arrow_agrees
	run $examples/arrow_table "$scratch/missing"
	check "arrow_table: a missing file" refuses 'No such file'
	run $examples/arrow_table
	check "arrow_table: no file" refuses Usage
	run $examples/arrow_backend
	check "arrow_backend: equal to Arrow's number; 0 at the end" \
		columns_agree
fi

# ---- containers ----

printf 'one two, TWO\nthree incomprehensibilities; One\n' >"$scratch/words"
index_was_live() {
	exits 0 && grep -Eq '^4 words: [1-9][0-9]* bytes, of these [1-9][0-9] for' \
		"$out" && grep -q '^index gone: 0 bytes$' "$out"
}
if [ "$have_cxx17" = yes ]; then
	run $examples/containers "$scratch/words"
	check "containers: parts and whole, and nothing is left" index_was_live
	run $examples/containers
	check "containers: no file" refuses Usage
else
	skip "containers" "the compiler does not know C++17"
fi

# ---- memory ----

tracked_halves() {
	exits 0 && grep -q '^cache filled  *16.0 MiB ' "$out" &&
		grep -q '^every second freed  *8.0 MiB ' "$out" &&
		grep -q '^all freed  *0.0 MiB ' "$out"
}
# What the program holds and has written to is resident; that is no more than
# the peak.
resident_covers_tracked() {
	exits 0 && awk '
		/^cache filled/ {
			seen = 1
			$0 = substr($0, 21)
			gsub(/not known/, "none none")
			if ($3 != "none" && ($3 < $1 || $5 < $3))
				wrong = 1
		}
		END { exit !seen || wrong }' "$out"
}
run $examples/memory 16
check "memory: tracked halves at once" tracked_halves
check "memory: resident covers what is tracked" resident_covers_tracked
check "memory: the limits, or that they are not known" \
	says '^limit of the cgroup  *\(no limit\|not known\|[0-9.]* MiB\)$'
run $examples/memory much
check "memory: a bad number is refused" refuses Usage

# ---- One for each adapter ----

# example NAME WHAT CONDITION
example() {
	if has_adapter "$1"; then
		run $examples/"$1"
		check "$1: $2" "$3"
	else
		skip "$1" "built without its adapter"
	fi
}

example sqlite "SQLite's number, to the byte; 0 at the end" columns_agree
example lua "Lua's number, to the byte; 0 at the end" columns_agree
example zstd "zstd's number, to the byte; 0 at the end" columns_agree
for name in zlib nghttp2 jansson cjson expat libxml2 openssl libuv cares curl; do
	example $name "counts, and 0 at the end" ends_at_zero
done
# ---- queries ----

run $examples/queries
check "queries: what fits is done" says '^small  *done  *128  *3584  *3712$'
check "queries: the cache makes room, up to a query's own limit" \
	says '^greedy  *refused  *1024  *3072  *4096$'
check "queries: the next one is not disturbed" \
	says '^large  *done  *960  *3072  *4032$'

# ---- pressure ----

# Each watermark in turn, high first, at nine tenths or beyond, at half or below.
watermarks_in_turn() {
	exits 0 && awk '
		/ high watermark: shed / { mark = 1; share = $5 / $8 }
		/ low watermark: enough / { mark = 0; share = $5 / $8 }
		/ watermark: / {
			if (mark == last || (mark ? share < 0.89 : share > 0.5))
				wrong = 1
			last = mark
			n++
		}
		END { exit wrong || n < 4 }' "$out"
}
high_at_once() {
	exits 0 && awk '
		/ the limit is halved / { here = NR }
		here && NR == here + 1 && / high watermark: / { good = 1 }
		END { exit !good }' "$out"
}
run $examples/pressure
check "pressure: sheds at the high watermark, until the low one" watermarks_in_turn
check "pressure: a lower limit makes a high crossing" high_at_once
run $examples/pressure little
check "pressure: a bad number is refused" refuses Usage

# ---- sqlite_ingest ----

if ! has_adapter sqlite; then
	skip "sqlite_ingest" "built without SQLite"
	echo "1..$number"
	exit 0
fi

ingest=$examples/sqlite_ingest
text=$scratch/text
{
	for package in one two three; do
		printf 'Package: %s\nDescription: the package %s\n' \
			"$package" "$package"
		printf ' goes on here\n .\nany other: line\n\n'
	done
} >"$text"

ways_end_at_zero() {
	exits 0 &&
		grep -Eq '^no accounting .* not known +not known$' "$out" &&
		grep -Eq "^SQLite's own statistics .* [1-9][0-9,]* +0\$" "$out" &&
		grep -Eq '^portermem  .* [1-9][0-9,]* +0$' "$out"
}
both_agree() {
	exits 0 && grep -q '^agree: .* at 12 of 12 moments' "$out" &&
		grep -Eq '^  end of load +([1-9][0-9,]*) +\1 +0$' "$out" &&
		grep -Eq '^  after close +0 +0 +0$' "$out"
}

run $ingest --threads 3 --rows 3000 --rounds 2 "$text"
check "sqlite_ingest: three ways, 0 bytes after close" ways_end_at_zero
check "sqlite_ingest: both on, equal to the byte" both_agree
run $ingest -t 1 -r 1 -n 1 "$text"
check "sqlite_ingest: one row in one thread" both_agree

printf 'x' >"$scratch/short"
run $ingest -t 2 -r 2500 -n 1 "$scratch/short"
check "sqlite_ingest: a text of one byte" both_agree
head -c 20000 /dev/urandom >"$scratch/noise"
run $ingest -t 2 -r 500 -n 1 "$scratch/noise"
check "sqlite_ingest: no text at all" both_agree
if [ -r /var/lib/dpkg/status ]; then
	run $ingest -r 2000 -n 1
	check "sqlite_ingest: the package database, by default" both_agree
else
	skip "sqlite_ingest: the package database" "not on this machine"
fi

run $ingest --help
check "sqlite_ingest: --help" says '^Usage: sqlite_ingest '
run $ingest --version
check "sqlite_ingest: --version" says "(portermem) $porter_version"
run $ingest "$scratch/missing"
check "sqlite_ingest: a missing file" refuses 'missing: No such file'
run $ingest "$scratch"
check "sqlite_ingest: a folder" refuses 'Is a directory'
: >"$scratch/empty"
run $ingest "$scratch/empty"
check "sqlite_ingest: an empty file" refuses 'the file is empty'
printf '\n\r\n\n' >"$scratch/blank"
run $ingest "$scratch/blank"
check "sqlite_ingest: only empty lines" refuses 'only empty lines'
for wrong in 0 -1 two 2x '' 99999999999999999999; do
	run $ingest --threads "$wrong" "$text"
	check "sqlite_ingest: '$wrong' is no number of threads" \
		refuses '--threads wants a number'
done
run $ingest --rows 0 "$text"
check "sqlite_ingest: 0 rows" refuses '--rows wants a number'
run $ingest --rounds 0 "$text"
check "sqlite_ingest: 0 rounds" refuses '--rounds wants a number'
run $ingest --fast "$text"
check "sqlite_ingest: an unknown option" refuses 'Try .sqlite_ingest --help'
run $ingest "$text" "$text"
check "sqlite_ingest: two files" refuses 'one file at a time'

echo "1..$number"
