#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's packages: built from what a release has in it, looked over by lintian,
# installed below a folder of their own, used, and removed. Nothing of the system is
# touched, and no root is needed. Not part of make check: .ci/run calls it in the build
# folder.
. "${srcdir:-$(dirname "$0")/../..}/tests/tap.sh"

for tool in dpkg-buildpackage dh flock; do
	has "$tool" || skip_all "no $tool here"
done
unset MAKEFLAGS MFLAGS MAKELEVEL
PATH=$PATH:/usr/sbin:/sbin # dpkg looks for ldconfig
project=$srcdir/tests/packages/project
tree=$tmp/portermem-$porter_version
export DEB_BUILD_PROFILES=nocheck
export DEB_BUILD_OPTIONS="nocheck noautodbgsym terse parallel=$(nproc)"

(cd "$srcdir" && dpkg-checkbuilddeps) 2>"$tmp/said" ||
	skip_all "the build wants $(sed 's/^.*: //' "$tmp/said")"
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)

# ---- Building ----

same_version() {
	version=$(dpkg-parsechangelog -l "$tree/debian/changelog" -S Version)
	test "${version%-*}" = "$porter_version" ||
		echo "debian/changelog has $version"
}
build() (
	cd "$tmp" && tar -czf "portermem_$porter_version.orig.tar.gz" \
		"portermem-$porter_version" && cd "$tree" &&
		dpkg-buildpackage -us -uc
)
check "what a release has in it" quietly make distdir distdir="$tree"
check "debian/changelog has this version" same_version
check "dpkg-buildpackage" quietly build
packages=$(echo "$tmp"/*.deb)
test -f "${packages%% *}" || finish

no_errors() {
	lintian "$tmp"/*.changes >"$tmp/lintian" 2>&1
	grep '^E:' "$tmp/lintian"
	# So that lintian has run.
	grep -q '^[WIN]:' "$tmp/lintian" || cat "$tmp/lintian"
}
if has lintian; then
	check "lintian finds no errors" no_errors
else
	skip "lintian finds no errors" "no lintian here"
fi

# ---- Contents ----

# has_files PACKAGE PATTERN...: all its files but those of its documentation are
# named, and all that is named is there.
has_files() {
	package=$(echo "$tmp/$1"_*.deb)
	shift
	dpkg-deb -c "$package" | awk '$1 !~ /^d/ { sub(/^\./, "", $6); print $6 }' |
		grep -v '^/usr/share/doc/' >"$tmp/files"
	for pattern; do
		grep -q "^$pattern\$" "$tmp/files" || echo "no $pattern"
		grep -v "^$pattern\$" "$tmp/files" >"$tmp/others"
		mv "$tmp/others" "$tmp/files"
	done
	sed 's/^/unexpected: /' "$tmp/files"
}
lib=/usr/lib/$multiarch
check "libportermem0 has the library" has_files libportermem0 \
	"$lib/libportermem\.so\.0.*"
check "libportermem-dev has what compilers want" has_files libportermem-dev \
	'/usr/include/portermem/.*\.h\(pp\)\?' "$lib/libportermem\.a" \
	"$lib/libportermem\.so" "$lib/cmake/portermem/portermem-config\.cmake" \
	"$lib/cmake/portermem/portermem-config-version\.cmake" \
	"$lib/pkgconfig/portermem\(-nanoarrow\)\?\.pc"
check "libportermem-adapters-dev has what linkers want" \
	has_files libportermem-adapters-dev "$lib/libportermem-[a-z0-9]*\.\(a\|so\)" \
	"$lib/pkgconfig/portermem-[a-z0-9]*\.pc"
check "portermem-doc has the manual" has_files portermem-doc \
	'/usr/share/man/man3/porter_.*\.3\.gz' \
	'/usr/share/man/man7/portermem.*\.7\.gz'

# Each adapter that is a library has a package of its own.
adapter_packages() {
	for name in $adapters; do
		test -f "portermem-$name.pc" || continue
		adapter=$(cd "$tmp" && echo libportermem-"$name"*0_*.deb)
		has_files "${adapter%%_*}" "$lib/libportermem-$name\.so\.0.*"
	done
}
check "adapters have packages of their own" adapter_packages

# ---- Installing, using, removing ----

# Into a folder, with the system's list of packages, so that what they depend on must
# be there.
root=$tmp/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
cp /var/lib/dpkg/status "$root/var/lib/dpkg"
cp /var/lib/dpkg/arch "$root/var/lib/dpkg" 2>/dev/null
into_root() {
	dpkg --root="$root" --force-not-root --force-script-chrootless "$@"
}
# shellcheck disable=SC2086 # several names
check "dpkg installs them" quietly into_root --install $packages

by_pkg_config() {
	module=$1
	shift
	# shellcheck disable=SC2046,SC2086 # several words
	PKG_CONFIG_PATH=$root$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
		sh -c "$CC $* -o $tmp/outside \$(pkg-config --cflags --libs $module)" ||
		return
	LD_LIBRARY_PATH=$root$lib "$tmp/outside" >"$tmp/log" 2>&1 || {
		echo "it ended with $?"
		cat "$tmp/log"
	}
}
by_cmake() {
	LD_LIBRARY_PATH=$root$lib
	CMAKE_PREFIX_PATH=$root/usr
	PKG_CONFIG_PATH=$root$lib/pkgconfig
	export LD_LIBRARY_PATH CMAKE_PREFIX_PATH PKG_CONFIG_PATH CC
	cmake -S "$project" -B "$tmp/cmake" -DADAPTERS='sqlite;arrow' \
		-DSOURCES="$tree" && cmake --build "$tmp/cmake" &&
		(cd "$tmp/cmake" && ctest --output-on-failure)
}
check "a program by pkg-config" by_pkg_config portermem "$project/outside.c"
check "a program with an adapter" by_pkg_config "portermem-sqlite sqlite3" \
	"$tree/examples/sqlite.c"
if has cmake; then
	check "programs by CMake" quietly by_cmake
else
	skip "programs by CMake" "no cmake here"
fi

names() {
	for package in $packages; do
		dpkg-deb -f "$package" Package
	done
}
nothing_left() {
	find "$root" -mindepth 1 -path "$root/var" -prune -o -print
	dpkg-query --admindir="$root/var/lib/dpkg" -W | grep portermem
	true
}
# shellcheck disable=SC2046 # several names
check "dpkg removes them" quietly into_root --purge $(names)
check "nothing is left" nothing_left
finish
