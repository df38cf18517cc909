dnl SPDX-License-Identifier: MIT
dnl --enable-asan, --enable-tsan, --enable-ubsan: for the library and all that
dnl is built beside it.

dnl PORTER_SANITIZER(NAME, WHAT, FLAGS)
AC_DEFUN([PORTER_SANITIZER], [
	AC_ARG_ENABLE([$1],
		[AS_HELP_STRING([--enable-$1], [compile with $2])],
		[], [enable_$1=no])
	AS_VAR_IF([enable_$1], [yes], [
		PORTER_CFLAGS="$PORTER_CFLAGS $3 -fno-omit-frame-pointer -g"
		PORTER_LDFLAGS="$PORTER_LDFLAGS $3"
		porter_sanitizers="$porter_sanitizers $1"
	])
])

AC_DEFUN([PORTER_SANITIZERS], [
	porter_sanitizers=
	PORTER_SANITIZER([asan], [AddressSanitizer], [-fsanitize=address])
	PORTER_SANITIZER([tsan], [ThreadSanitizer], [-fsanitize=thread])
	PORTER_SANITIZER([ubsan], [UndefinedBehaviorSanitizer],
		[-fsanitize=undefined -fno-sanitize-recover=all])
	AS_IF([test "$enable_asan$enable_tsan" = yesyes],
		[AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
	AM_CONDITIONAL([SANITIZED], [test -n "$porter_sanitizers"])
	AC_SUBST([porter_sanitizers])
])
