#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds for another processor and runs the tests in an emulator:
#
#	check-cross.sh aarch64-linux-gnu | arm-linux-gnueabihf
#
# The first has adds that are no single instruction, and a weak order of memory;
# the second has words of 32 bits. Needs on Debian, for each:
#
#	gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
#	liburcu-dev:arm64 libcmocka-dev:arm64
#
#	gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user
#	liburcu-dev:armhf libcmocka-dev:armhf
#
# The emulator runs the libraries of the other architecture that are installed
# beside this one's: without -L, which would take another C library. It now and
# then hangs by itself, so every run has its time, and one that runs out of it
# is tried again.
#
# Without an argument, both. make check-cross runs it so.
if test $# -eq 0; then
	set -- aarch64-linux-gnu arm-linux-gnueabihf
fi

. "${srcdir:-$(dirname "$0")/../..}/tests/tap.sh"

PORTER_TEST_SCALE=${PORTER_CROSS_SCALE:-2}
PORTER_STRESS=${PORTER_CROSS_STRESS:-3}
PORTER_STRESS_FORKS=0
PORTER_TEST_EMULATOR=qemu-user
export PORTER_TEST_SCALE PORTER_STRESS PORTER_STRESS_FORKS PORTER_TEST_EMULATOR
top=$(cd "$srcdir" && pwd)

# What a machine lacks for this target, or nothing.
missing() {
	has "$target-gcc" || {
		echo "no $target-gcc here"
		return
	}
	has "$emulator" || {
		echo "no $emulator here"
		return
	}
	has timeout || {
		echo "no timeout here"
		return
	}
	for module in liburcu-bp cmocka; do
		PKG_CONFIG_LIBDIR=/usr/lib/$target/pkgconfig \
			pkg-config --exists $module || {
			echo "no $module for $target here"
			return
		}
	done
	echo 'int main(void) { return 0; }' >"$tmp/probe.c"
	"$target-gcc" -o "$tmp/probe" "$tmp/probe.c" 2>/dev/null &&
		timeout 20 "$emulator" "$tmp/probe" 2>/dev/null ||
		echo "$emulator runs no program of $target"
}

configure_and_build() (
	mkdir -p "$folder" && cd "$folder" || exit 1
	if ! test -f config.status; then
		PKG_CONFIG_LIBDIR=/usr/lib/$target/pkgconfig \
			timeout 400 "$top/configure" --host="$target" \
			--disable-shared --disable-bench --without-adapters \
			--with-arrow --without-pypi --enable-werror CXX=false \
			>configure.out 2>&1 || {
			tail -5 configure.out
			exit 1
		}
	fi
	timeout 580 make -j"$(nproc)" check TESTS= >make.out 2>&1 || {
		tail -20 make.out
		exit 1
	}
)

# What the program said and complained of, when it failed. Plain TAP is quiet.
run() {
	for try in 1 2; do
		(cd "$folder" && PORTER_EMULATED=yes timeout -k 5 240 \
			sh "$top/tests/run-cmocka.sh" "$emulator" "$1") \
			>"$tmp/run" 2>&1
		status=$?
		if test $status -eq 0 && ! grep -q '^not ok [0-9]' "$tmp/run"; then
			return 0
		fi
		# 124: out of time. Or the emulator's own assertions, which name
		# its sources. Anything else is no fault of the emulator.
		test $status -eq 124 ||
			grep -q '^ERROR:\.\./.*assertion failed' "$tmp/run" ||
			break
	done
	echo "status $status after $try tries"
	grep -v '^ok' "$tmp/run"
}

for target; do
	case $target in
	aarch64-*) emulator=qemu-aarch64 ;;
	arm-*) emulator=qemu-arm ;;
	*) emulator=qemu-${target%%-*} ;;
	esac
	folder=cross-$target
	lacks=$(missing)
	if test -n "$lacks"; then
		skip "$target" "$lacks"
		continue
	fi
	if test -f "$top/config.status"; then
		skip "$target" "the source folder is configured itself"
		continue
	fi
	if test -n "$porter_sanitizers"; then
		skip "$target" "once is enough, without sanitizers"
		continue
	fi
	check "$target: it builds without a warning" configure_and_build
	for program in $(cd "$folder" 2>/dev/null && ls tests/unit/test_* \
		tests/api/test_* tests/regression/test_* tests/life/test_* \
		tests/fuzz/fuzz_operations tests/stress/torture 2>/dev/null |
		grep -v '\.'); do
		check "$target: $program" run "$program"
	done
done
finish
