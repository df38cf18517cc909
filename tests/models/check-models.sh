#!/bin/sh
# SPDX-License-Identifier: MIT
# The models hold, and each mutation of them is caught. TAP.
#
# A model is a .pml file here. It is searched exhaustively: errors, a search
# that was cut short and statements that were never reached are failures. Each
# MUTATION_name in it is a fault; with -DMUTATION_name spin must find one.
#
# Needs spin, and gcc, which spin calls. Arguments: models, all if there are none.
set -u
models=$(cd "$(dirname "$0")" && pwd)
scratch=

finish() {
	test -z "$scratch" || rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

for tool in spin gcc; do
	command -v "$tool" >/dev/null || {
		echo "1..0 # SKIP no $tool on this machine"
		exit 0
	}
done
scratch=$(mktemp -d) || exit 1
cd "$scratch" || exit 1

test $# -gt 0 || set -- "$models"/*.pml

mutations_of() {
	grep -o 'MUTATION_[a-z0-9_]*' "$1" | sort -u
}

# search model optimisation [option for the preprocessor]: what pan says is in
# the file found. A fault is found soon, so there the compiler may be quick.
search() {
	rm -f pan* ./*.trail
	cp "$1" model.pml
	spin -a ${3:+"$3"} model.pml >found 2>&1 &&
		gcc "$2" -w -DSAFETY -DCOLLAPSE -DNOFAIR -o pan pan.c >>found 2>&1 &&
		./pan -m100000 -w22 >found 2>&1
}

complete() {
	grep -q 'errors: 0' found &&
		! grep -q -i -e 'search not completed' -e 'depth too small' \
			-e 'out of memory' -e truncat found &&
		! sed -n 's/^	(\([0-9]*\) of .* states)$/\1/p' found | grep -q -v '^0$'
}

caught() {
	grep -q -e 'assertion violated' -e 'invalid end state' found
}

number=0
result() {
	number=$((number + 1))
	echo "$1 $number - $2"
	test "$1" = ok || sed 's/^/# /' found
}

points=0
for model; do
	points=$((points + 1 + $(mutations_of "$model" | wc -l)))
done
echo "1..$points"

for model; do
	name=$(basename "$model" .pml)
	search "$model" -O2
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' found)
	if complete; then
		result ok "$name: verified exhaustively, $states states"
	else
		result 'not ok' "$name: verified exhaustively"
	fi
	for mutation in $(mutations_of "$model"); do
		search "$model" -O0 "-D$mutation"
		if caught; then
			result ok "$name: caught: ${mutation#MUTATION_}"
		else
			result 'not ok' "$name: caught: ${mutation#MUTATION_}"
		fi
	done
done
