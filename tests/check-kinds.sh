#!/bin/sh
# SPDX-License-Identifier: MIT
# What holds for a tracker that only counts holds for one that keeps a peak, for
# one with a limit far away, and for a child of such: the same tests, once for
# each kind. See tracker_of_kind() in support.h.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

# Says nothing when all is well.
with_kind() {
	PORTER_TEST_KIND=$1
	export PORTER_TEST_KIND
	timeout -s KILL 120 sh "$srcdir/tests/run-cmocka.sh" "$2" >"$tmp/run" 2>&1
	status=$?
	if test $status -ne 0 || grep -q '^not ok' "$tmp/run"; then
		echo "status $status"
		grep -v '^ok' "$tmp/run"
	fi
}

programs="tests/api/test_composition tests/api/test_failure tests/api/test_fork
	tests/api/test_interval tests/api/test_malloc tests/api/test_thread
	tests/api/test_threads tests/api/test_tracked
	tests/life/test_destroy tests/life/test_fork tests/life/test_fork_points
	tests/life/test_thread_life tests/regression/test_others_bugs"
test -x tests/api/test_tracked || skip_all "no cmocka, so no tests to run again"
# At length they are run for the kind that only counts.
PORTER_TEST_SCALE=${PORTER_TEST_SCALE:-10}
export PORTER_TEST_SCALE
kinds="bounded child"
# Again with another build: what a sanitizer may see, or nothing.
if test -n "${PORTER_ONCE_DONE-}"; then
	test -n "$porter_sanitizers" ||
		skip_all "run once already, with another build"
	kinds=bounded
	programs="tests/api/test_threads tests/api/test_composition
		tests/life/test_destroy tests/life/test_thread_life"
fi
for kind in $kinds; do
	for program in $programs; do
		check "$kind: $program" with_kind $kind $program
	done
done
finish
