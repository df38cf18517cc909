#!/bin/sh
# SPDX-License-Identifier: MIT
# The protocols of accounts and peaks in C11's memory model: loom tries everything
# that the model allows, and each mutation is caught. TAP.
#
# A mutation is a word in order("...") or mutated("...") in weak-memory/src; the
# variable MUTATION names it, and then some test must fail. Needs cargo, and loom
# from its registry.
set -u
crate=$(cd "$(dirname "$0")" && pwd)/weak-memory
scratch=

finish() {
	test -z "$scratch" || rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

test -z "${PORTER_ONCE_DONE-}" || skip "run once already, with another build"
command -v cargo >/dev/null || skip "no cargo on this machine"
scratch=$(mktemp -d) || exit 1
# Built in a folder of its own: the sources may not be writable.
cp -R "$crate"/. "$scratch" || exit 1
cd "$scratch" || exit 1
CARGO_TARGET_DIR=$scratch/target
export CARGO_TARGET_DIR
unset MUTATION
timeout 120 cargo fetch --locked >fetched 2>&1 || skip "loom cannot be had here"
timeout 300 cargo test --locked --no-run >built 2>&1 || {
	echo "1..1"
	echo "not ok 1 - the models compile"
	sed 's/^/# /' built
	exit 0
}

mutations=$(sed -n 's/.*\(order\|mutated\)("\([a-z_]*\)".*/\2/p' src/*.rs | sort -u)
number=0
result() {
	number=$((number + 1))
	echo "$1 $number - $2"
	test "$1" = ok || tail -n 20 found | sed 's/^/# /'
}

echo "1..$((1 + $(echo "$mutations" | wc -l)))"
if timeout 300 cargo test --locked >found 2>&1; then
	result ok "all that C11 allows is right"
else
	result 'not ok' "all that C11 allows is right"
fi
for mutation in $mutations; do
	if MUTATION=$mutation timeout 300 cargo test --locked >found 2>&1; then
		result 'not ok' "caught: $mutation"
	elif grep -q 'test result: FAILED' found; then
		result ok "caught: $mutation"
	else
		result 'not ok' "caught: $mutation"
	fi
done
