#!/bin/sh
# SPDX-License-Identifier: MIT
# The models hold, and each fault in them is caught. TAP.
#
# A model is a .pml file here. Lines at its head tell what is done with it:
#
#	search OPTIONS		searched exhaustively, with these options for the
#				preprocessor: errors and a search that was cut
#				short are failures, and in the first one also
#				statements that were never reached
#	deeper OPTIONS		likewise, where PORTER_MODELS_DEEPER is set: some
#				minutes each, and a few gigabytes
#	fault NAME OPTIONS	with MUTATION_NAME as well spin must find an error;
#				no options: those of the first search
#
# A model without such lines is searched once, and each MUTATION_name in it is a
# fault. Two searches run at a time (PORTER_MODELS_JOBS).
#
# Needs spin, and gcc, which spin calls. Arguments: models, all if there are none.
set -u

# ---- One search: job KIND MODEL NAME OPTIONS, in a folder of its own ----

# search model optimisation options: what pan says is in the file found. A fault
# is found soon, so there the compiler may be quick.
search() {
	cp "$1" model.pml
	# shellcheck disable=SC2086 # several options
	spin -a $3 model.pml >found 2>&1 &&
		gcc "$2" -w -DSAFETY -DCOLLAPSE -DNOFAIR -o pan pan.c >>found 2>&1 &&
		./pan -m400000 -w"$4" >found 2>&1
}

complete() {
	grep -q 'errors: 0' found &&
		! grep -q -i -e 'search not completed' -e 'depth too small' \
			-e 'out of memory' -e truncat found
}

all_reached() {
	! sed -n 's/^	(\([0-9]*\) of .* states)$/\1/p' found | grep -q -v '^0$'
}

caught() {
	grep -q -e 'assertion violated' -e 'invalid end state' found
}

# In one write, as two jobs may end at once.
result() {
	{
		echo "$1 - $2"
		test "$1" = ok || sed 's/^/# /' found
	} >said
	cat said
}

job() {
	folder=$(mktemp -d "$scratch/XXXXXX") && cd "$folder" || exit 1
	name=$(basename "$2" .pml)
	case $1 in
	fault)
		search "$2" -O0 "$4 -DMUTATION_$3" 22
		if caught; then
			result ok "$name: caught: $3"
		else
			result 'not ok' "$name: caught: $3"
		fi
		;;
	*)
		search "$2" -O2 "$4" "$3"
		states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' found)
		if complete && { test "$1" != first || all_reached; }; then
			result ok "$name $4: all of $states states"
		else
			result 'not ok' "$name $4: all states"
		fi
		;;
	esac
	rm -rf "$folder"
}

if test "${1-}" = --job; then
	scratch=$2
	shift 2
	job "$@"
	exit
fi

# ---- All of them ----

models=$(cd "$(dirname "$0")" && pwd)
scratch=

finish() {
	test -z "$scratch" || rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

if test -n "${PORTER_ONCE_DONE-}"; then
	echo "1..0 # SKIP run once already, with another build"
	exit 0
fi
for tool in spin gcc; do
	command -v "$tool" >/dev/null || {
		echo "1..0 # SKIP no $tool on this machine"
		exit 0
	}
done
scratch=$(mktemp -d) || exit 1

test $# -gt 0 || set -- "$models"/*.pml

# lines_of model kind: what comes after that word, of each such line.
lines_of() {
	sed -n "s/^ \*	$2\$//p; s/^ \*	$2	//p" "$1"
}

mutations_of() {
	grep -o 'MUTATION_[a-z0-9_]*' "$1" | sed 's/^MUTATION_//' | sort -u
}

# faults_of model: the name of each, a tab, and its options.
faults_of() {
	for fault in $(mutations_of "$1"); do
		options=$(lines_of "$1" "fault	$fault")
		printf '%s\t%s\n' "$fault" "${options:-$first}"
	done
}

# Each job is four lines: kind, model, name or size of the table, options.
for model; do
	first=$(lines_of "$model" search | head -n 1)
	printf '%s\n' first "$model" 23 "$first"
	lines_of "$model" search | sed 1d | while read -r options; do
		printf '%s\n' search "$model" 23 "$options"
	done
	test -z "${PORTER_MODELS_DEEPER-}" ||
		lines_of "$model" deeper | while read -r options; do
			printf '%s\n' deeper "$model" 27 "$options"
		done
	faults_of "$model" | while IFS='	' read -r fault options; do
		printf '%s\n' fault "$model" "$fault" "$options"
	done
done >"$scratch/jobs"

echo "1..$(($(wc -l <"$scratch/jobs") / 4))"
tr '\n' '\0' <"$scratch/jobs" |
	xargs -0 -n 4 -P "${PORTER_MODELS_JOBS-2}" sh "$0" --job "$scratch"
