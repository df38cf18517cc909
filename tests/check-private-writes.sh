#!/bin/sh
# SPDX-License-Identifier: MIT
# Counts, by a trace of every store, the writes of a steady update to lines
# that another thread writes too: none, where the peers show that it can count.
if test -n "${PORTER_ONCE_DONE-}"; then
	echo "1..0 # SKIP run once already, with another build"
	exit 0
fi
exec "${srcdir:-.}/bench/shared_writes" --tap .
