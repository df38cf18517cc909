#!/bin/sh
# SPDX-License-Identifier: MIT
# What was installed, and then moved as a whole, serves projects outside: by CMake,
# by Meson, and by the lines that the README has.
. "${srcdir:-$(dirname "$0")/../..}/tests/tap.sh"

once
has pkg-config || skip_all "no pkg-config here"
instrumented && skip_all "an outside program would need the instrumentation"
grep -q pcfiledir portermem.pc ||
	skip_all "configured for a place that is not moved"
unset MAKEFLAGS MFLAGS MAKELEVEL
sources=$(cd "$srcdir" && pwd)
project=$sources/tests/packages/project
HOME=$tmp/home
prefix=$HOME/.local
export HOME

# ---- Installing, and moving ----

check "make install" make_install "$tmp/root"
configured=$(sed -n "s/^prefix='\(.*\)'/\1/p" config.log)
mkdir "$HOME"
check "the prefix is moved" mv "$tmp/root$configured" "$prefix"
pkgconfig=$(find "$prefix" -name pkgconfig)
libdir=$(dirname "$pkgconfig")

old_prefix_is_named() {
	grep -rn "=$configured\|\"$configured" "$libdir/cmake" "$pkgconfig"
	true
}
check "the files for CMake and pkg-config do not name the old prefix" \
	old_prefix_is_named

is_shared() {
	readelf -d "$1" | grep -q 'NEEDED.*libportermem\.so' ||
		echo "$1 is not linked to the shared library"
}
is_static() {
	readelf -d "$1" | grep 'NEEDED.*libportermem'
	true
}

# ---- The README's lines ----

readme_line() {
	sed -n "s/^    \\($1.*\\)/\\1/p" "$sources/README.md"
}
# With cc for the compiler of this build.
by_the_readme() (
	lines=$(readme_line export; readme_line 'cc server.c.*rpath')
	test "$(echo "$lines" | wc -l)" -eq 3 || echo "$lines"
	mkdir "$tmp/by-readme" && cd "$tmp/by-readme" || return
	cp "$project/outside.c" server.c
	{
		echo "cc() { $CC \"\$@\"; }"
		echo "$lines"
		echo ./a.out
		echo 'test "$CMAKE_PREFIX_PATH" = "$HOME/.local"'
		! has man || echo 'man -w porter_bytes_used | grep -qF "$HOME/"'
	} >lines
	sh -e lines || echo "status $?"
)
if test "$libdir" = "$prefix/lib"; then
	check "by the README: a prefix of one's own" by_the_readme
	check "it is linked to the library" is_shared "$tmp/by-readme/a.out"
	same_lines() {
		grep -qF "$(readme_line 'find_package')" "$project/CMakeLists.txt" ||
			echo "not README's line for CMake"
		grep -qF "$(readme_line 'portermem = dependency')" \
			"$project/meson.build" || echo "not README's line for Meson"
	}
	check "by the README: CMake's and Meson's lines" same_lines
else
	skip "by the README" "configured for $libdir, not lib"
fi

export PKG_CONFIG_PATH="$pkgconfig" CMAKE_PREFIX_PATH="$prefix" CC

# ---- The manual's lines: the example of an adapter's page, by the page ----

# page: its example, with a main() if it has none.
example_of() {
	awk '/^\.Sh/ { wanted = /EXAMPLES/ } /^\.Ed/ { on = 0 }
		on { sub(/^\\&/, ""); gsub(/\\e/, "\\"); gsub(/\\-/, "-"); print }
		/^\.Bd/ { on = wanted }' "$1" >file.c
	grep -q '^int main(' file.c || echo 'int main(void) { return 0; }' >>file.c
}
line_of() {
	sed -n 's/^\.Dl \(cc file\.c .*\)/\1/p' "$1"
}
by_the_page() (
	mkdir -p "$tmp/by-page" && cd "$tmp/by-page" || return
	example_of "$1"
	{
		echo "cc() { $CC \"\$@\"; }"
		line_of "$1"
	} >line
	sh -e line || cat line
)
for page in $(grep -l '^\.In portermem/adapt-' "$prefix"/share/man/man3/*.3); do
	name=$(basename "$page" .3)
	modules=$(line_of "$page" | sed 's/.*--libs \(.*\))/\1/')
	case $(line_of "$page") in
	'') ;; # a type
	*' nanoarrow.c '*) skip "by $name(3)" "nanoarrow is compiled in" ;;
	*)
		# shellcheck disable=SC2086
		if pkg-config --exists $modules; then
			check "by $name(3): its line links its example" \
				by_the_page "$page"
		else
			skip "by $name(3)" "not here: $modules"
		fi
		;;
	esac
done

# ---- CMake ----

libraries=
for name in $adapters; do
	test ! -f "$libdir/libportermem-$name.a" ||
		libraries="$libraries${libraries:+;}$name"
done

by_cmake() {
	cmake -S "$project" -B "$tmp/cmake" -DADAPTERS="$libraries" \
		-DSOURCES="$sources" && cmake --build "$tmp/cmake" &&
		(cd "$tmp/cmake" && ctest --output-on-failure)
}

# Two copies of the library in one process would crash.
mixed() {
	mkdir -p "$tmp/mixed" && cat >"$tmp/mixed/CMakeLists.txt" <<-'PROJECT'
		cmake_minimum_required(VERSION 3.16)
		project(mixed C)
		find_package(portermem REQUIRED COMPONENTS static ${ADAPTER} ${ADAPTER}-static)
		add_executable(server ${PROJECT}/outside.c)
		target_link_libraries(server PRIVATE ${BOTH})
	PROJECT
	rm -rf "$tmp/mixed/build"
	if cmake -S "$tmp/mixed" -B "$tmp/mixed/build" -DPROJECT="$project" \
		-DADAPTER="$1" -DBOTH="$2" >"$tmp/log" 2>&1; then
		echo "CMake accepted $2"
	fi
	grep -q 'portermem_LINKAGE' "$tmp/log" || cat "$tmp/log"
}
if ! has cmake; then
	skip "by CMake" "no cmake here"
elif ! test -f "$libdir/libportermem.so" || ! test -f "$libdir/libportermem.a"; then
	skip "by CMake" "the shared or the static library was not built"
else
	check "by CMake: all targets, with ${libraries:-no adapters}" quietly by_cmake
	check "portermem::portermem is the shared library" is_shared "$tmp/cmake/server"
	check "portermem::static is not" is_static "$tmp/cmake/static_server"
	for name in $(echo "$libraries" | tr ';' ' '); do
		check "portermem::$name-static is not" \
			is_static "$tmp/cmake/use-$name-static"
	done
	check "portermem::lua is the shared library" is_shared "$tmp/cmake/use-lua"
	check "portermem::lua-static is not" is_static "$tmp/cmake/use-lua-static"
	check "refused: the static library and an adapter that is a header" \
		mixed lua 'portermem::static;portermem::lua'
	check "refused: the shared library and the static one" \
		mixed lua 'portermem::portermem;portermem::static'
	if test -n "$libraries"; then
		name=${libraries%%;*}
		check "refused: the static library and portermem::$name" \
			mixed "$name" "portermem::static;portermem::$name"
		check "refused: the shared library and portermem::$name-static" \
			mixed "$name" "portermem::portermem;portermem::$name-static"
	fi
fi

# ---- Meson ----

by_meson() {
	# Meson gives a program no rpath for what CMake has found.
	meson setup "$tmp/meson" "$project" &&
		LD_LIBRARY_PATH=$libdir meson test -C "$tmp/meson"
}
if ! has meson || ! has ninja || ! has cmake; then
	skip "by Meson" "no meson, ninja or cmake here"
elif ! test -f "$libdir/libportermem.so" || ! test -f "$libdir/libportermem.a"; then
	skip "by Meson" "the shared or the static library was not built"
else
	check "by Meson: pkg-config and CMake" quietly by_meson
	check "the default is the shared library" is_shared "$tmp/meson/server"
	check "what is static is not" is_static "$tmp/meson/static-server"
fi

# ---- What is not there ----

# Without shared libraries, the names stand for the static ones; without the static
# ones of adapters either, those are not there.
only_static() {
	rm -f "$libdir"/lib*.so* "$libdir"/libportermem-*
	mkdir "$tmp/only" && cat >"$tmp/only/CMakeLists.txt" <<-'PROJECT'
		cmake_minimum_required(VERSION 3.16)
		project(only C)
		find_package(portermem REQUIRED)
		find_package(portermem QUIET COMPONENTS sqlite)
		if(portermem_FOUND)
			message(FATAL_ERROR "an adapter that is not there was found")
		endif()
		add_executable(server ${PROJECT}/outside.c)
		target_link_libraries(server PRIVATE portermem::portermem)
	PROJECT
	cmake -S "$tmp/only" -B "$tmp/only" -DPROJECT="$project" &&
		cmake --build "$tmp/only" && "$tmp/only/server"
}
without_liburcu() {
	if PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=/nowhere cmake -S "$tmp/only" \
		-B "$tmp/without" -DPROJECT="$project" >"$tmp/log" 2>&1; then
		echo "it was found"
	fi
	tr -s ' \n' ' ' <"$tmp/log" | grep -q 'what it needs was not found' ||
		cat "$tmp/log"
}
if has cmake && test -f "$libdir/libportermem.a"; then
	check "by CMake: the static library alone" quietly only_static
	check "it is static" is_static "$tmp/only/server"
	check "by CMake: without liburcu the static one is not there" without_liburcu
fi
finish
