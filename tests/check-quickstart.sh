#!/bin/sh
# SPDX-License-Identifier: MIT
# quickstart asks for what a command needs and nothing more, in the words of the
# distribution that it is on. All tools are impostors here: nothing is installed.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once
has bash || skip_all "no bash here"

# ---- A clone, and tools that are not what they are called ----

clone=$tmp/clone
bin=$tmp/bin
mkdir "$clone" "$bin"
cp "$srcdir/quickstart" "$clone"
for tool in bash cat cut dirname env grep id mkdir nproc paste rm sort tail; do
	ln -s "$(command -v $tool)" "$bin/$tool"
done

# impostor NAME [LINE]: in the place of a program, or of the link to the real one.
cp "$(command -v id)" "$tmp/real-id"
impostor() {
	rm -f "$bin/$1"
	printf '#!/bin/sh\n%s\n' "${2-}" >"$bin/$1"
	chmod +x "$bin/$1"
}
quickstart() {
	LC_ALL=C PATH=$bin "$bin/bash" "$clone/quickstart" "$@" >"$tmp/printed" 2>&1
}

# ---- Where nothing is there ----

# line COMMAND LINE
line() {
	quickstart "$1" && echo "it did not end with an error"
	test "$(tail -n +2 "$tmp/printed")" = "$2" || cat "$tmp/printed"
}
impostor dnf
check "Fedora: build" line build "sudo dnf install -y autoconf automake gcc \
glibc-devel libtool make pkgconf-pkg-config userspace-rcu-devel"
check "Fedora: demo has SQLite and benchmarks" line demo "sudo dnf install -y \
autoconf automake gcc gcc-c++ glibc-devel google-benchmark-devel libtool make \
pkgconf-pkg-config sqlite-devel userspace-rcu-devel"
check "Fedora: test has cmocka, too" line test "sudo dnf install -y autoconf \
automake gcc gcc-c++ glibc-devel google-benchmark-devel libcmocka-devel libtool \
make pkgconf-pkg-config sqlite-devel userspace-rcu-devel"
rm "$bin/dnf"
impostor apk
check "Alpine: build" line build "sudo apk add autoconf automake gcc libtool make \
musl-dev pkgconf userspace-rcu-dev"
rm "$bin/apk"
impostor pacman
check "Arch: build" line build "sudo pacman -S --needed autoconf automake gcc glibc \
libtool liburcu make pkgconf"
rm "$bin/pacman"
impostor apt-get
impostor id 'echo 1000'
check "Debian, not root: build" line build "sudo apt-get install -y \
--no-install-recommends autoconf automake gcc libc6-dev libtool liburcu-dev make \
pkg-config"

# ---- Where a build's needs are there, and nothing else ----

for tool in autoconf automake libtoolize gcc make; do
	impostor "$tool"
done
impostor pkg-config 'test "$2" = liburcu-bp'
cat >"$clone/configure" <<'PROGRAM'
#!/bin/sh
echo configured >>configured
: >config.status
PROGRAM
chmod +x "$clone/configure"

runs() {
	quickstart "$1" || cat "$tmp/printed"
}
configured() {
	test "$(wc -l <"$clone/build/configured")" -eq "$1" ||
		echo "configure did not run $1 times"
}
check "build asks for nothing more" runs build
check "demo does" line demo "sudo apt-get install -y --no-install-recommends g++ \
libbenchmark-dev libsqlite3-dev"
runs build
check "configure runs once" configured 1
impostor pkg-config
check "build, when libraries have come" runs build
check "configure looks for them" configured 2

real_one_is_left_alone() {
	cmp "$(command -v id)" "$tmp/real-id"
}
check "the machine's own tools are as they were" real_one_is_left_alone
finish
