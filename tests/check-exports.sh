#!/bin/sh
# SPDX-License-Identifier: MIT
# Exported are: what the version scripts name, what the public headers declare,
# and nothing else.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

has nm || skip_all "no nm here"
test -f .libs/libportermem.so || skip_all "no shared library was built"

exported() {
	nm -D --defined-only "$1" | awk '$2 ~ /[TDBRVW]/ { print $3 }' |
		sed 's/@.*//' | grep -v '^PORTERMEM_' | LC_ALL=C sort -u
}

mapped() {
	sed -n 's/^[[:space:]]*\([a-z0-9_]*\);.*/\1/p' "$1" | LC_ALL=C sort -u
}

# Names before a parenthesis, once the preprocessor has taken comments away.
declared() {
	for header in "$@"; do
		echo "#include \"$header\""
	done | $CC -I"$srcdir/include" -E -x c - |
		sed -n '/^# [0-9]* ".*portermem\//,/^# [0-9]* "\/usr/p' |
		grep -v '^#' | grep -o 'porter_[a-z0-9_]* *(' | tr -d ' (' |
		LC_ALL=C sort -u
}

same() {
	diff "$1" "$2"
}

core=$(ls "$srcdir"/include/portermem/*.h | grep -v '/adapt-' |
	sed 's|.*/include/||')
exported .libs/libportermem.so >"$tmp/exported"
mapped "$srcdir/src/portermem.map" >"$tmp/mapped"
# shellcheck disable=SC2086
declared $core >"$tmp/declared"

some_are_exported() {
	grep -q '^porter_bytes_used$' "$tmp/exported"
}
no_private_name_is_exported() {
	! grep porter__ "$tmp/exported"
}
check "the library exports its functions" some_are_exported
check "exported is what portermem.map names" same "$tmp/mapped" "$tmp/exported"
check "exported is what the public headers declare" \
	same "$tmp/declared" "$tmp/exported"
check "no private name is exported" no_private_name_is_exported

# A variable would be copied into programs, and could never grow.
data_is_exported() {
	for library in .libs/libportermem*.so; do
		nm -D --defined-only "$library" | grep -v ' [TWA] ' |
			sed "s|^|$library: |"
	done
}
check "no library exports data" data_is_exported

for header in "$srcdir"/include/portermem/adapt-*.h; do
	name=$(basename "$header" .h)
	library=libportermem-${name#adapt-}
	grep -q -e "-lportermem-${name#adapt-} " "$header" || continue # no library
	if test ! -f ".libs/$library.so"; then
		skip "$library exports what it should" "not built"
		continue
	fi
	exported ".libs/$library.so" >"$tmp/exported"
	sed 's/^ \*.*//' "$header" | grep -o 'porter_[a-z0-9_]* *(' |
		tr -d ' (' | LC_ALL=C sort -u >"$tmp/declared"
	check "$library exports what $name.h declares" \
		same "$tmp/declared" "$tmp/exported"
done
finish
