#!/bin/sh
# SPDX-License-Identifier: MIT
# Whether the tests of the Arrow adapters could be built, and if not, why.
. "${srcdir:-$(dirname "$0")/../..}/tests/tap.sh"

built() {
	test "$2" = yes || {
		skip "$1" "$2"
		return
	}
	check "$1" test -x "$3"
}

built "the tests with Arrow C++ are built" "$have_arrow_cxx" \
	tests/adapters/test_arrow_pool
built "the test with nanoarrow is built" "$have_nanoarrow" \
	tests/adapters/test_nanoarrow
finish
