#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual: a page for each exported function, public struct, enum and callback,
# and no other; an example in each; each page named as NAME(3); no warning from
# mandoc and groff. And tools/man-from-headers reports errors in comments.
# tests/check-man-code.sh compiles the examples.
set -u
LC_ALL=C
export LC_ALL

src=${srcdir:-.}
tool=$src/tools/man-from-headers
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
tests=0

if test -n "${PORTER_ONCE_DONE-}"; then
	echo "1..0 # SKIP run once already, with another build"
	exit 0
fi

# report DESCRIPTION, after the command whose status counts; what the command
# printed is in $work/out.
report()
{
	status=$?
	tests=$((tests + 1))
	if test $status -eq 0; then
		echo "ok $tests - $1"
	else
		echo "not ok $tests - $1"
		sed 's/^/# /' "$work/out"
	fi
}

skip()
{
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# page NAME: where it lies, in the build folder or as distributed.
page()
{
	if test -f "doc/man3/$1.3"; then
		echo "doc/man3/$1.3"
	else
		echo "$src/doc/man3/$1.3"
	fi
}

# refuses DESCRIPTION MESSAGE: the header $work/h.h, from standard input, is
# refused with the message.
refuses()
{
	cat >"$work/h.h"
	! perl "$tool" --check "$work/h.h" >"$work/out" 2>&1 &&
		grep -q "h\.h:[0-9]*: .*$2" "$work/out"
	report "refused: $1"
}

comment()
{
	cat <<-'END'
	/**
	 * porter_f - does f
	 * @n: how much
	 *
	 * Return: nothing.
	 * Errors: none.
	 * Threads: safe. Signals: safe.
	 */
	END
}

# By the library, and by the adapters, each of which exports all that its header
# documents (tests/check-exports.sh), or has it inline.
{
	sed -n 's/^\t\(porter_[a-z0-9_]*\);$/\1/p' "$src/src/portermem.map"
	sed -n 's/^ \* \(porter_[a-z0-9_]*\) - .*/\1/p' \
		"$src"/include/portermem/adapt-*.h
} | sort >"$work/all"
# Structs, enums, callbacks and opaque types, one name a line.
cat "$src"/include/portermem/*.h | tr '\n' ' ' | {
	grep -oE -e '(struct|enum) porter_[a-z_]+ \{' -e '\(\*porter_[a-z_]+\)\(' \
		-e 'typedef struct porter_[a-z]+ porter_[a-z]+;' |
		sed 's/typedef struct//' | grep -oE 'porter_[a-z_]+'
} | sort -u >"$work/types"
comm -23 "$work/all" "$work/types" >"$work/exported"
sort "$work/exported" "$work/types" >"$work/wanted"
sed -n 's|.*doc/man3/\(porter_.*\)\.3.*|\1|p' "$src/doc/Makefile.am" |
	sort >"$work/listed"
pages=$(while read -r name; do page "$name"; done <"$work/listed")
pages="$pages $src/doc/portermem.7 $src/doc/portermem-adapters.7"
pages="$pages $src/doc/portermem-cookbook.7"

comm -23 "$work/wanted" "$work/listed" >"$work/out"
test -s "$work/exported" && test -s "$work/types" && ! test -s "$work/out"
report "each function, struct, enum and callback is in doc/Makefile.am"
comm -13 "$work/wanted" "$work/listed" >"$work/out"
! test -s "$work/out"
report "no page in doc/Makefile.am without one of them"
ls $pages >/dev/null 2>"$work/out"
report "all pages are there"

# All but the internal function that inline functions call.
for file in $pages; do
	case $file in
	*.7 | */porter_refuse.3) continue ;;
	esac
	grep -q '^\.Sh EXAMPLES' "$file" || echo "$file"
done >"$work/out"
! test -s "$work/out"
report "each page of section 3 has an example"
ls "$src"/doc/examples/*.c | sed "s|^$src/||" | sort >"$work/examples"
grep -o 'doc/examples/[a-z0-9_]*\.c' "$src/doc/Makefile.am" | sort |
	diff "$work/examples" - >"$work/out"
report "each example is in doc/Makefile.am"
for file in $pages; do
	case $file in
	*.7) continue ;;
	esac
	awk '/^\.Sh/ { see = /SEE ALSO/ } see && / 3( ,)?$/ { n++ }
		END { if (n > 6) print FILENAME ": " n }' "$file"
done >"$work/out"
! test -s "$work/out"
report "a page of section 3 refers to at most six others"
# value NAME PAGE...: pages that do not say what NAME is defined as.
value()
{
	number=$(sed -n "s/^#define $1 //p" "$src/include/portermem/limit.h")
	for name in $2; do
		tr '\n' ' ' <"$(page "$name")" |
			grep -qE "$1 ?,?( which)? is $number\b" || echo "$name: $1"
	done
}
{
	value PORTER_NAME_SIZE "porter_tracked_options porter_refusal"
	value PORTER_REFUSAL_CHILDREN porter_refusal
} >"$work/out"
! test -s "$work/out"
report "pages have the values of constants"
# Headers are named in .In lines and in code, and a page is NAME(3).
for file in $pages; do
	awk '/^\.Bd/ { code = 1 } /^\.Ed/ { code = 0 }
		code || /^\.(In|It In|\\")/ { next }
		/[a-z]\.h([^a-z]|$)/ { print FILENAME ": " $0 }' "$file"
done >"$work/out"
! test -s "$work/out"
report "pages refer to pages, not to headers"
grep -ho '^\.Xr porter[a-z0-9_-]* [37]' $pages | sort -u |
	while read -r _ name section; do
		case $section in
		3) grep -qx "$name" "$work/listed" ;;
		7) test -f "$src/doc/$name.7" ;;
		esac || echo "$name($section)"
	done >"$work/out"
! test -s "$work/out"
report "each page that is referred to is there"

if perl -e 1 2>/dev/null; then
	perl "$tool" --check "$src"/include/portermem/*.h >"$work/out" 2>&1
	report "the comments of the public headers are complete"
	perl "$tool" --list "$src"/include/portermem/*.h 2>&1 | sort |
		diff "$work/exported" - >"$work/out"
	report "the headers declare what is exported, and nothing else"
	perl "$tool" --list-types "$src"/include/portermem/*.h 2>&1 | sort |
		diff "$work/types" - >"$work/out"
	report "the tool sees each struct, enum and callback"

	{ comment; echo 'void porter_f(int n);'; } >"$work/h.h"
	perl "$tool" --check "$work/h.h" >"$work/out" 2>&1
	report "accepted: a complete comment"
	refuses "no comment" 'porter_g() has no comment' <<-END
	$(comment)
	void porter_f(int n);
	int porter_g(void);
	END
	refuses "no comment on an inline function" 'porter_g() has no' <<-END
	inline int porter_g(void) { if (1) { return 2; } return 3; }
	$(comment)
	void porter_f(int n);
	END
	refuses "a parameter without description" '@done' <<-END
	$(comment)
	void porter_f(int n, void (*done)(int, int));
	END
	refuses "a description without parameter" 'no parameter n' <<-END
	$(comment)
	void porter_f(void);
	END
	refuses "text about no parameter" 'speaks of @m' <<-END
	$(comment | sed 's/nothing\./@m./')
	void porter_f(int n);
	END
	refuses "another name" 'calls it porter_f' <<-END
	$(comment)
	void porter_g(int n);
	END
	for field in Return Errors Threads Signals; do
		refuses "no field $field" "no field $field" <<-END
		$(comment | sed "s/$field: [a-z]*\.//")
		void porter_f(int n);
		END
	done
	refuses "a mention of what is not there" 'porter_h() is declared' <<-END
	$(comment | sed 's/how much/as porter_h()/')
	void porter_f(int n);
	END
	refuses "a comment before a variable" 'neither a function nor a type' <<-END
	$(comment)
	extern int porter_v;
	END
	refuses "a comment at the end" 'nothing after' <<-END
	$(comment)
	END
	refuses "a struct without comment" 'porter_s has no comment' <<-END
	struct porter_s { int n; };
	END
	refuses "a callback without comment" 'porter_on_f has no comment' <<-END
	typedef void (*porter_on_f)(int n);
	END
	refuses "a struct with another name" 'porter_s calls it porter_t' <<-END
	/** porter_t - a struct */
	struct porter_s { int n; };
	END
	{ echo '/** porter_s - a struct */'; echo 'struct porter_s { int n; };'; } \
		>"$work/h.h"
	perl "$tool" --check "$work/h.h" >"$work/out" 2>&1
	report "accepted: a struct with a comment"
else
	skip "the comments of the public headers are complete" "no perl"
fi

if command -v mandoc >/dev/null; then
	mandoc -Tlint -W warning $pages >"$work/out" 2>&1
	report "mandoc has no warning"
else
	skip "mandoc has no warning" "no mandoc"
fi
if command -v groff >/dev/null &&
	echo .Dd | groff -mdoc -z >/dev/null 2>&1; then
	for file in $pages; do
		groff -man -ww -z "$file"
		# What a function takes is not broken between words.
		case $file in
		*.7) narrow=60 ;;
		*) narrow=64 ;;
		esac
		for columns in $narrow 72 80 90 100; do
			groff -Tutf8 -mdoc -ww -z -rLL=${columns}n "$file"
		done
	done >"$work/out" 2>&1
	! test -s "$work/out"
	report "groff has no warning, in terminals of 60 to 100 columns"
else
	skip "groff has no warning" "no groff with its macros"
fi
echo "1..$tests"
