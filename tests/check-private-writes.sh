#!/bin/sh
# SPDX-License-Identifier: MIT
# Counts, by a trace of every store, the writes of a steady update to lines
# that another thread writes too: none, where the peers show that it can count.
exec "${srcdir:-.}/bench/shared_writes" --tap .
