#!/bin/sh
# SPDX-License-Identifier: MIT
# Some of the tests under valgrind: memcheck, for what is read, written and
# lost; and helgrind, for locks and for words that two threads write. Scaled
# down, since it is slow; what it is told to overlook is in valgrind.supp.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once
has valgrind || skip_all "no valgrind here"
has timeout || skip_all "no timeout here"
test -z "$porter_sanitizers" || skip_all "not under a sanitizer as well"
valgrind -q --error-exitcode=99 /bin/true >/dev/null 2>&1 ||
	skip_all "valgrind does not run here"

PORTER_TEST_SCALE=${PORTER_TEST_SCALE:-1}
PORTER_STRESS=2
PORTER_TEST_TOOL=valgrind
export PORTER_TEST_SCALE PORTER_STRESS PORTER_TEST_TOOL

# Says nothing when all is well.
under() {
	options=$1
	PORTER_TEST_WRAPPER="valgrind -q --error-exitcode=99 $options \
		--fair-sched=yes --suppressions=$srcdir/tests/valgrind.supp"
	export PORTER_TEST_WRAPPER
	timeout -k 5 300 sh "$srcdir/tests/run-cmocka.sh" "$2" \
		>"$tmp/run" 2>&1
	status=$?
	if test $status -ne 0 || grep -q '^not ok [0-9]\|^==' "$tmp/run"; then
		echo "status $status"
		grep -v '^ok' "$tmp/run"
	fi
}

memcheck="--tool=memcheck --leak-check=full --show-leak-kinds=definite \
	--errors-for-leak-kinds=definite --child-silent-after-fork=yes"
helgrind="--tool=helgrind --history-level=approx --child-silent-after-fork=yes"

for program in tests/unit/test_counter tests/unit/test_slots \
	tests/api/test_composition tests/api/test_tracked tests/api/test_malloc \
	tests/life/test_thread_life tests/life/test_reads \
	tests/life/test_destroy tests/fuzz/fuzz_operations; do
	test -x "$program" || continue
	check "memcheck: $program" under "$memcheck" "$program"
done
# Programs that hand over by locks and joins, not by atomics of their own.
for program in tests/unit/test_slots tests/unit/test_pool \
	tests/api/test_threads tests/api/test_thread \
	tests/life/test_reads; do
	test -x "$program" || continue
	check "helgrind: $program" under "$helgrind" "$program"
done
finish
