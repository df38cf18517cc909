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

dnl PORTER_COVERAGE: before AC_PROG_CC, which would choose -O2. Lines are counted
dnl without optimization, unless the user has said another CFLAGS.
AC_DEFUN([PORTER_COVERAGE], [
	AC_ARG_ENABLE([coverage],
		[AS_HELP_STRING([--enable-coverage],
			[count executed lines for gcov])],
		[], [enable_coverage=no])
	AS_VAR_IF([enable_coverage], [yes], [
		: ${CFLAGS="-g -O0"} ${CXXFLAGS="-g -O0"}
		PORTER_CFLAGS="--coverage -DPORTER_COVERAGE"
		PORTER_LDFLAGS="--coverage"
	])
])

dnl PORTER_SYSTEM_LIBRARIES: what parts of the C library lie elsewhere, in LIBS, and
dnl in PORTER_LIBS for those who link the static library.
AC_DEFUN([PORTER_SYSTEM_LIBRARIES], [
	porter_saved_LIBS=$LIBS
	LIBS=
	AC_SEARCH_LIBS([dlopen], [dl], [],
		[AC_MSG_ERROR([dlopen not found])])
	AC_SEARCH_LIBS([pthread_create], [pthread], [],
		[AC_MSG_ERROR([pthread_create not found])])
	dnl Where the processor has no instruction for it, it is a call.
	AC_CACHE_CHECK([for the library of 64-bit atomics], [porter_cv_atomic], [
		porter_cv_atomic=no
		porter_libraries=$LIBS
		for porter_library in "" -latomic; do
			LIBS="$porter_libraries $porter_library"
			AC_LINK_IFELSE([AC_LANG_PROGRAM(
				[[unsigned long long volatile n;]],
				[[__atomic_fetch_add(&n, 1, __ATOMIC_SEQ_CST);]])],
				[porter_cv_atomic=${porter_library:-none needed}
				 break])
		done
		LIBS=$porter_libraries
	])
	AS_CASE([$porter_cv_atomic],
		[no], [AC_MSG_ERROR([no 64-bit atomics])],
		[-l*], [LIBS="$LIBS $porter_cv_atomic"])
	AC_SUBST([PORTER_LIBS], [$LIBS])
	LIBS="$LIBS $porter_saved_LIBS"
])

AC_DEFUN([PORTER_COMPILER_FLAGS], [
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror],
			[make compiler warnings errors])],
		[], [enable_werror=no])

	PORTER_WARNINGS="-Wall -Wextra -Wpedantic"
	AS_VAR_IF([enable_werror], [yes],
		[PORTER_WARNINGS="$PORTER_WARNINGS -Werror"])
	PORTER_CFLAGS="$PORTER_CFLAGS -fvisibility=hidden"
	dnl Exceptions of a program's functions that the library calls pass through.
	PORTER_TRY_FLAG([PORTER_CFLAGS], [-fexceptions])
	dnl Calls of malloc and free go through the table directly.
	PORTER_TRY_FLAG([PORTER_CFLAGS], [-fno-plt])
	dnl arm64: adds stay in line, instead of a call that picks LSE or not.
	PORTER_TRY_FLAG([PORTER_CFLAGS], [-mno-outline-atomics])
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
