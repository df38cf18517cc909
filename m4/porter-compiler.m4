dnl SPDX-License-Identifier: MIT
dnl What the compilers are told.

dnl PORTER_TRY_FLAG(VARIABLE, FLAG): appends FLAG to VARIABLE if the C compiler
dnl takes it.
AC_DEFUN([PORTER_TRY_FLAG], [
	AS_VAR_PUSHDEF([cached], [porter_cv_flag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [cached], [
		porter_saved_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([cached], [yes])],
			[AS_VAR_SET([cached], [no])])
		CFLAGS=$porter_saved_CFLAGS
	])
	AS_VAR_IF([cached], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([cached])
])

AC_DEFUN([PORTER_COMPILER_FLAGS], [
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror],
			[make compiler warnings errors])],
		[], [enable_werror=no])
	AC_ARG_ENABLE([coverage],
		[AS_HELP_STRING([--enable-coverage],
			[count executed lines for gcov])],
		[], [enable_coverage=no])

	PORTER_WARNINGS="-Wall -Wextra -Wpedantic"
	AS_VAR_IF([enable_werror], [yes],
		[PORTER_WARNINGS="$PORTER_WARNINGS -Werror"])
	PORTER_CFLAGS="-fvisibility=hidden"
	dnl Calls of malloc and free go through the table directly.
	PORTER_TRY_FLAG([PORTER_CFLAGS], [-fno-plt])
	dnl arm64: adds stay in line, instead of a call that picks LSE or not.
	PORTER_TRY_FLAG([PORTER_CFLAGS], [-mno-outline-atomics])
	AS_VAR_IF([enable_coverage], [yes], [
		PORTER_CFLAGS="$PORTER_CFLAGS -O0 --coverage"
		PORTER_LDFLAGS="$PORTER_LDFLAGS --coverage"
	])

	dnl Destructors of threads run the library's code after dlclose().
	porter_saved_LDFLAGS=$LDFLAGS
	LDFLAGS="$LDFLAGS -Wl,-z,nodelete"
	AC_MSG_CHECKING([whether the linker takes -z nodelete])
	AC_LINK_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes])
		 PORTER_LIB_LDFLAGS="-Wl,-z,nodelete"],
		[AC_MSG_RESULT([no])])
	LDFLAGS=$porter_saved_LDFLAGS

	AC_SUBST([PORTER_WARNINGS])
	PORTER_STD="-std=c11"
	AC_SUBST([PORTER_STD])
	AC_SUBST([PORTER_CFLAGS])
	AC_SUBST([PORTER_LDFLAGS])
	AC_SUBST([PORTER_LIB_LDFLAGS])
])
