#!/bin/sh
# SPDX-License-Identifier: MIT
# The floors that the sources stand on: src/N-name/ includes src/M-name/ only
# with M <= N, and nothing in a circle; what is public includes nothing private;
# liburcu and the compiler's atomics have one place each.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

cd "$srcdir" || exit 99

sources() {
	find src include -name '*.[ch]' -o -name '*.cc' -o -name '*.hpp'
}

# file:line of quoted includes that do not stand on or below the own floor
includes_from_above() {
	find src -name '*.[ch]' -o -path 'src/*' -name '*.cc' |
		xargs awk -F'"' '
		/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/ {
			split(FILENAME, part, "/")
			mine = part[2]
			if ($2 !~ /^[0-9]+-[a-z-]+\/[^\/]+$/)
				print FILENAME ":" FNR ": " $2 \
					": name it by its floor"
			else if ($2 + 0 > mine + 0)
				print FILENAME ":" FNR ": " $2 \
					" is above " mine
			else if ($2 + 0 == mine + 0 && $2 !~ "^" mine "/")
				print FILENAME ":" FNR ": " $2 \
					" is no folder of this floor"
		}'
}

# X.c and X.h are one node, X; an arrow is a quoted include.
circles() {
	find src -name '*.[ch]' | xargs awk -F'"' '
		/^[[:space:]]*#[[:space:]]*include[[:space:]]*"[0-9]/ {
			from = FILENAME
			sub(/^src\//, "", from)
			sub(/\.[ch]$/, "", from)
			to = $2
			sub(/\.[ch]$/, "", to)
			if (from != to)
				print from, to
		}' | tsort 2>&1 >/dev/null
	true
}

files_without_a_floor() {
	find src -name '*.[ch]' | grep -v '^src/[0-9][0-9]*-[a-z-]*/[^/]*$'
	true
}

private_in_public() {
	grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' \
		include/portermem/*
	grep -n '#[[:space:]]*include[[:space:]]*<urcu' include/portermem/*
	grep -n 'porter__[a-z]' include/portermem/*
	true
}

urcu_elsewhere() {
	sources | grep -v '^src/0-machine/urcu-glue\.c$' |
		xargs grep -n '#[[:space:]]*include[[:space:]]*[<"]urcu'
	true
}

# A public header cannot include atomic.h; but the functions that it inlines load
# the table of an allocator, in one place.
atomics_elsewhere() {
	sources | grep -v '^src/0-machine/atomic\.h$' |
		xargs grep -nwE '_Atomic|__(atomic|sync)_[a-z_]*|stdatomic\.h|__asm__|asm' |
		grep -v '^include/portermem/allocator\.h:[0-9]*:#define PORTER_TABLE(a) '
	true
}

# A public header of the umbrella must not be an adapter's.
adapters_in_the_umbrella() {
	grep -n '#include.*adapt-' include/portermem/portermem.h
	true
}

check "files include their own floor and those below it" includes_from_above
check "no files include each other in a circle" circles
check "every source has a floor" files_without_a_floor
check "public headers include and name nothing private" private_in_public
check "one file includes liburcu" urcu_elsewhere
check "atomics and assembly have one place" atomics_elsewhere
check "the umbrella leaves adapters out" adapters_in_the_umbrella
finish
