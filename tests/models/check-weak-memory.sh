#!/bin/sh
# SPDX-License-Identifier: MIT
# The protocols of weak-memory/ hold in C11's memory model, and each mutation of
# them is caught. TAP.
#
# A mutation is a word in order("...") or mutated("...") in weak-memory/src. Needs
# cargo, and what weak-memory/Cargo.lock names: from cargo's own store, or from the
# network. What is compiled stays in the folder of the build.
set -u
models=$(cd "$(dirname "$0")" && pwd)
crate=$models/weak-memory
oldest=1.73

skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

test -z "${PORTER_ONCE_DONE-}" || skip "run once already, with another build"
command -v cargo >/dev/null || skip "no cargo on this machine"
version=$(rustc --version | sed 's/^rustc \([0-9.]*\).*/\1/')
printf '%s\n%s\n' "$oldest" "$version" | sort -V -C ||
	skip "rustc $oldest is wanted, not $version"

CARGO_TARGET_DIR=$PWD/tests/models/target
export CARGO_TARGET_DIR
mkdir -p "$CARGO_TARGET_DIR" || exit 1
found=$CARGO_TARGET_DIR/found

unset MUTATION
fetch() {
	timeout 120 cargo fetch --locked --manifest-path "$crate/Cargo.toml" "$@" \
		>"$found" 2>&1
}
fetch --offline || fetch || skip "loom cannot be had: $(tail -n 1 "$found")"

# What cargo test would run: once for each mutation, so not by way of cargo.
cargo test --lib --no-run --locked --offline --message-format=json \
	--manifest-path "$crate/Cargo.toml" >"$found" 2>"$found.log" || {
	sed 's/^/# /' "$found.log"
	echo "Bail out! it does not compile"
	exit 1
}
tests=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$found" | tail -n 1)

names=$("$tests" --list | sed -n 's/: test$//p')
mutations=$(cat "$crate"/src/*.rs | tr -d ' \n' |
	grep -o -e 'mutated("[a-z_]*"' -e 'order("[a-z_]*"' | cut -d '"' -f 2 |
	sort -u)
echo "1..$(echo "$names" "$mutations" | wc -w)"

result() {
	echo "$1 - weak-memory: $2"
	test "$1" = ok || sed 's/^/# /' "$found"
}

for name in $names; do
	if "$tests" --exact "$name" >"$found" 2>&1; then
		result ok "$name holds"
	else
		result 'not ok' "$name holds"
	fi
done
for mutation in $mutations; do
	if MUTATION=$mutation "$tests" >"$found" 2>&1; then
		result 'not ok' "caught: $mutation"
	elif grep -q '^test result: FAILED' "$found"; then
		result ok "caught: $mutation"
	else
		result 'not ok' "caught: $mutation"
	fi
done
