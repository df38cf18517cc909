#!/bin/sh
# SPDX-License-Identifier: MIT
# The library takes at most 8 bytes of static thread-local storage, so that
# dlopen() finds room for it.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

has readelf || skip_all "no readelf here"
test -f .libs/libportermem.so || skip_all "no shared library was built"
instrumented && skip_all "the instrumentation has thread-local storage itself"

at_most_8_bytes() {
	size=$(readelf -lW .libs/libportermem.so | awk '$1 == "TLS" { print $6 }')
	echo "${size:-none}" >"$tmp/size"
	test -n "$size" && test $((size)) -le 8 || echo "it takes ${size:-none}"
}

never_unloaded() {
	readelf -dW .libs/libportermem.so | grep -q NODELETE ||
		echo "destructors of threads would call into nothing"
}

# libgcc_s comes with each compiler: exceptions of C++ that pass through need it.
no_libraries_beyond() {
	readelf -dW .libs/libportermem.so | grep NEEDED |
		grep -v -e 'liburcu-\(bp\|common\)\|libc\.\|libpthread\|libdl' \
			-e 'libatomic\|ld-linux\|libgcc_s'
	true
}

check "at most 8 bytes of static thread-local storage" at_most_8_bytes
check "it stays loaded after dlclose()" never_unloaded
check "it needs liburcu and what the C compiler brings along" no_libraries_beyond
finish
