#!/bin/sh
# SPDX-License-Identifier: MIT
# Every source file says its licence on its first lines.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"

once

cd "$srcdir" || exit 99

sources() {
	find src include tests bench examples tools doc m4 cmake debian bootstrap \
		quickstart configure.ac Makefile.am \( -name '*.[ch]' \
		-o -name '*.cc' -o -name '*.hpp' -o -name '*.sh' \
		-o -name '*.sh.in' -o -name '*.am' -o -name '*.ac' \
		-o -name '*.map' -o -name '*.py' -o -name '*.supp*' \
		-o -name 'porter-*.m4' -o -name '*.cmake.in' \
		-o -name CMakeLists.txt -o -name meson.build -o -name bootstrap \
		-o -name quickstart -o -path debian/rules \) -type f -size +0 2>/dev/null
}

without_a_licence() {
	sources | while read -r file; do
		head -n 3 "$file" |
			grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
	done
}

licence_is_there() {
	grep -q 'MIT' LICENSE || echo "no LICENSE"
	test "$(sources | wc -l)" -gt 30 || echo "few files were found"
}

check "there is a licence, and there are sources" licence_is_there
check "every source file names it on top" without_a_licence
finish
