#!/bin/sh
# SPDX-License-Identifier: MIT
# The machine code of the hot path: an update locks nothing and calls nothing;
# a tracked allocation locks nothing of its own (G5).
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

library=.libs/libportermem.so
has objdump || skip_all "no objdump here"
test -f "$library" || skip_all "no shared library was built"
instrumented && skip_all "compiled with sanitizers, for coverage or without -O"
case $(uname -m) in
x86_64)
	# An xchg with memory locks by itself.
	locked='[[:space:]]lock\>|[[:space:]]xchg.*\(|[[:space:]](m|s|l)fence\>'
	called='[[:space:]]callq?\>'
	added='[[:space:]]addq?[[:space:]].*\(%r'
	;;
aarch64)
	locked='[[:space:]](dmb|dsb|ldaxr|ldadd[a-z]*al)\>'
	called='[[:space:]](bl|blr)[[:space:]]'
	added='[[:space:]](stadd|staddl|ldadd|ldaddl|stxr|stlxr)\>'
	;;
*)
	skip_all "no patterns for $(uname -m)"
	;;
esac

# Every function of that name, private ones too.
code_of() {
	objdump -d --no-show-raw-insn --disassemble="$1" "$library" |
		grep '^ *[0-9a-f]*:'
}

has_none() {
	code_of "$1" >"$tmp/code"
	test -s "$tmp/code" || echo "$1 is not in the library"
	grep -E "$2" "$tmp/code"
	true
}

has_one() {
	test "$(code_of "$1" | grep -cE "$2")" -eq 1 || {
		echo "not one update, but:"
		code_of "$1"
	}
}

# One add each, which is no loop: so the patterns above match at all.
for function in porter_counter_add porter_counter_sub; do
	check "$function is one add to memory" has_one $function "$added"
	check "$function locks nothing" has_none $function "$locked"
	check "$function calls nothing" has_none $function "$called"
done

# The tables' own functions, those of the tracker and of the system backend.
for function in allocate release porter_malloc porter_mfree; do
	check "$function locks nothing" has_none $function "$locked"
done

# What it may do: jump to the slow half, where no cell is found.
no_tls_call() {
	code_of "$1" | grep '__tls_get_addr\|tlsdesc'
	true
}
for function in porter_counter_add allocate release; do
	check "$function finds its thread without a call" no_tls_call $function
done
finish
