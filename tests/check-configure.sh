#!/bin/sh
# SPDX-License-Identifier: MIT
# What configure makes of its options: --enable-coverage by itself means no
# optimization, what a user says has the last word, and a program that links the static
# library is told of all libraries that this needs.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LIBS
top=$(cd "$srcdir" && pwd)

# folder, arguments
configured() {
	mkdir "$tmp/$1" && cd "$tmp/$1" || return
	shift
	"$top/configure" -q --disable-bench --without-adapters --without-pypi \
		CC="$CC" "$@" >log 2>&1 || tail -n 5 log
}

# How a source of the library would be compiled.
command_in() {
	make -n -C "$tmp/$1" V=1 src/0-machine/libportermem_la-version.lo |
		grep version.c
}

# folder, level: the last of several is the one that counts
optimizes() {
	level=$(command_in "$1" | grep -o ' -O[0-9a-z]*' | tail -n 1)
	test "$level" = " $2" || echo "it is$level"
}

counts_lines() {
	command_in "$1" | grep -q -e ' --coverage ' || command_in "$1"
}

has_extensions() {
	command_in "$1" | grep -q -e ' -D_GNU_SOURCE=1 ' || command_in "$1"
}

# Without pkg-config's help: the words are those that configure has found.
libraries_are_told() {
	wanted=$(sed -n "s/^S\[\"PORTER_LIBS\"\]=\"\(.*\)\"\$/\1/p" \
		"$tmp/plain/config.status")
	grep -q "^Libs.private: -pthread $wanted\$" "$tmp/plain/portermem.pc" ||
		cat "$tmp/plain/portermem.pc"
}

no_header_is_made_that_nobody_includes() {
	find "$tmp/plain" -name 'config.h*'
}

check "configure, without options" configured plain
check "then the library is optimized" optimizes plain -O2
check "the C library's extensions are declared" has_extensions plain
check "portermem.pc has the libraries that were found" libraries_are_told
check "no header is made" no_header_is_made_that_nobody_includes
check "configure --enable-coverage" configured coverage --enable-coverage
check "it counts lines" counts_lines coverage
check "it does not optimize" optimizes coverage -O0
check "configure --enable-coverage CFLAGS=-O1" \
	configured chosen --enable-coverage CFLAGS=-O1
check "the user has the last word" optimizes chosen -O1
finish
