#!/bin/sh
# SPDX-License-Identifier: MIT
# The comparison with other libraries (bench/peers): what needs no download is built,
# and counts right; what is not there is skipped with a reason; a worker that
# counts wrong, or ends, is found.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once
test -n "${PYTHON3-}" || skip_all "no python3 here"
# shellcheck disable=SC2154
test "$have_cxx17" = yes || skip_all "no compiler for C++17 here"
test -e .libs/libportermem.so || skip_all "built without the shared library"
instrumented && skip_all "a worker would need the instrumentation"
peers=$srcdir/bench/peers
there=$tmp/peers
export CXX

quietly() {
	"$@" >"$tmp/log" 2>&1 || cat "$tmp/log"
}

# found STATUS TEXT...: what the check says, with that status, has these lines.
found() {
	status=$1
	shift
	"$PYTHON3" "$peers/run" --check --peers "$there" >"$tmp/checked" 2>&1
	is=$?
	for line in "$@"; do
		grep -q "^$line" "$tmp/checked" || echo "no line '$line'"
	done
	test "$is" -eq "$status" || echo "status $is, not $status"
	test "$status" -ne 0 || ! grep '^not ok' "$tmp/checked"
}

# worker ANSWER: a program in the place of TBB's, which answers so when checked.
worker() {
	cat >"$there/bin/tbb" <<-WORKER
		#!/bin/sh
		while read -r verb rest; do
			case \$verb in
			list) printf '{"name": "false", "kind": "real"}\n\n' ;;
			check) $1 ;;
			*) echo '{}' ;;
			esac
		done
	WORKER
	chmod +x "$there/bin/tbb"
}

measured() {
	"$PYTHON3" "$peers/run" --rounds 1 --only mallinfo2 --peers "$there" \
		>"$tmp/table" 2>&1 || cat "$tmp/table"
	grep -q '^| glibc mallinfo2  *| never' "$tmp/table" || echo "no row"
}

check "the workers that need no download are built" \
	quietly "$peers/fetch" --build . --only system "$there"
check "they count right, and what is absent is told" found 0 \
	"ok portermem" "ok glibc mallinfo2" "ok after brpc's bvar::Adder" \
	"skipped tbb: not fetched" "skipped rust: not fetched"
echo "no such thing here" >"$there/skipped/tbb"
check "the reason of fetch is passed on" found 0 \
	"skipped tbb: no such thing here"
rm "$there/skipped/tbb"
worker "echo '{\"wrong\": \"7 wanted, 8 read\"}'"
check "a worker that counts wrong is found" found 1 \
	"ok portermem" "not ok false: 7 wanted, 8 read"
worker "exit 3"
check "a worker that ends is found" found 1 \
	"not ok tbb: worker tbb ended: status 3"
rm "$there/bin/tbb"
check "a round is measured, and has a table" measured
finish
