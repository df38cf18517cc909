#!/bin/sh
# SPDX-License-Identifier: MIT
# Small blocks are aligned, whichever malloc was preloaded.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

test -x tests/api/test_small_blocks || skip_all "no cmocka here"
test -z "$porter_sanitizers" || skip_all "the sanitizer has its own malloc"

# The first of those that the loader finds; it complains of others.
find_malloc() {
	for file; do
		if test -z "$(LD_PRELOAD=$file true 2>&1)"; then
			echo "$file"
			return
		fi
	done
}

run_with() {
	LD_PRELOAD=$1 tests/api/test_small_blocks >"$tmp/tap" 2>&1 ||
		cat "$tmp/tap"
}

for name in jemalloc tcmalloc mimalloc; do
	case $name in
	jemalloc) file=$(find_malloc libjemalloc.so.2) ;;
	tcmalloc) file=$(find_malloc libtcmalloc_minimal.so.4 \
		libtcmalloc.so.4) ;;
	mimalloc) file=$(find_malloc libmimalloc.so.2 libmimalloc.so.2.0 \
		libmimalloc.so.3) ;;
	esac
	if test -n "$file"; then
		check "blocks are aligned over $name" run_with "$file"
	else
		skip "blocks are aligned over $name" "it is not here"
	fi
done
finish
