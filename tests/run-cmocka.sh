#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a cmocka program for Automake's TAP driver.
#
# cmocka 1.1.5 says "not ok 3 # SKIP name" where TAP wants "ok 3 # SKIP name";
# and it has no place for a reason, which skip_because() prints before it.
#
# Debian's jemalloc needs more static TLS than a running process has left.
#
# PORTER_TEST_WRAPPER: a command to run the program under, such as
# "valgrind -q --error-exitcode=99".
GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.rtld.optional_static_tls=8192}
export GLIBC_TUNABLES

if test -n "${PORTER_TEST_WRAPPER-}"; then
	# shellcheck disable=SC2086
	set -- ./libtool --mode=execute $PORTER_TEST_WRAPPER "$@"
fi

exec 3>&1
status=$(
	{
		{
			"$@" 3>&- 4>&-
			echo $? >&4
		} | awk '
			/^# because: / { reason = substr($0, 12); next }
			/^not ok [0-9]+ # SKIP/ {
				sub(/^not ok/, "ok")
				$0 = $0 (reason == "" ? "" : ": " reason)
			}
			{ print; reason = ""; fflush() }
		' >&3
	} 4>&1
)
exit "$status"
