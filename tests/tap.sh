# SPDX-License-Identifier: MIT
# tap.sh: TAP from shell scripts. Sourced; the scripts run in the build folder.
#
#	check NAME COMMAND...	ok when the command succeeds and says nothing;
#				what it says becomes the diagnosis
#	skip NAME REASON
#	skip_all REASON		before anything else
#	once			likewise: skips all where this has been run with
#				another build, as it does not depend on that
#	quietly COMMAND...	the end of what it says is shown if it fails
#	make_install ROOT	all of this build; one script at a time, as libtool
#				links again what it installs
#	finish			the plan; last

srcdir=${srcdir:-$(dirname "$0")/..}
tests=0
failures=0

if test ! -f tests/env.sh; then
	echo "1..0 # SKIP to be run in the build folder"
	exit 0
fi
# shellcheck disable=SC1091
. ./tests/env.sh

tmp=$(mktemp -d "${TMPDIR:-/tmp}/check.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

check() {
	tests=$((tests + 1))
	tap_name=$1
	shift
	if "$@" >"$tmp/said" 2>&1 && test ! -s "$tmp/said"; then
		echo "ok $tests - $tap_name"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $tap_name"
		sed 's/^/# /' "$tmp/said" | head -50
	fi
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests # SKIP $1: $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

once() {
	test -z "${PORTER_ONCE_DONE-}" ||
		skip_all "run once already, with another build"
}

quietly() {
	"$@" >"$tmp/log" 2>&1 || {
		echo "status $?"
		tail -n 45 "$tmp/log"
	}
}

make_install() {
	quietly flock config.status make install DESTDIR="$1"
}

finish() {
	echo "1..$tests"
	test "$failures" -eq 0
	exit
}

has() {
	command -v "$1" >/dev/null 2>&1
}

# Whether the objects were compiled with something that adds code to them.
instrumented() {
	test -n "$porter_sanitizers" || nm .libs/libportermem.so 2>/dev/null |
		grep -q '__gcov_\|this_cell_fast'
}
