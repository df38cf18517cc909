dnl SPDX-License-Identifier: MIT
dnl What tests/adapters/pypi/fetch has brought: Arrow C++ and nanoarrow, for the
dnl tests of their adapters. The adapters themselves need neither.
dnl
dnl Sets have_pyarrow, have_arrow_cxx, have_nanoarrow to yes or to a reason.

AC_DEFUN([PORTER_PYPI], [
	AC_ARG_WITH([pypi],
		[AS_HELP_STRING([--with-pypi=DIR],
			[where tests/adapters/pypi/fetch has put Arrow and
			nanoarrow (default: build/pypi beside the sources)])],
		[], [with_pypi=auto])
	AS_CASE([$with_pypi],
		[auto], [porter_pypi=`cd "$srcdir" && pwd`/build/pypi],
		[yes | no], [porter_pypi=],
		[porter_pypi=`cd "$with_pypi" && pwd` ||
			AC_MSG_ERROR([--with-pypi: no folder $with_pypi])])
	PORTER_PYARROW
	PORTER_ARROW_CXX
	PORTER_NANOARROW
	AC_SUBST([porter_pypi])
	dnl A release that is unpacked for make distcheck finds the same.
	AS_IF([test -d "$porter_pypi"],
		[PORTER_DISTCHECK_PYPI="--with-pypi=$porter_pypi"])
	AC_SUBST([PORTER_DISTCHECK_PYPI])
	AC_SUBST([have_pyarrow])
	AC_SUBST([have_arrow_cxx])
	AC_SUBST([have_nanoarrow])
	AM_CONDITIONAL([HAVE_ARROW_CXX], [test "$have_arrow_cxx" = yes])
	AM_CONDITIONAL([HAVE_NANOARROW], [test "$have_nanoarrow" = yes])
])

AC_DEFUN([PORTER_PYARROW], [
	AC_MSG_CHECKING([for pyarrow])
	have_pyarrow="no pyarrow here"
	AS_IF([test -z "$porter_pypi"], [have_pyarrow="configured without"],
		[test -z "$PYTHON3"], [have_pyarrow="no python3 here"],
		[PYTHONPATH=$porter_pypi $PYTHON3 -c 'import pyarrow' \
			2>/dev/null], [have_pyarrow=yes])
	AC_MSG_RESULT([$have_pyarrow])
])

dnl The wheels have no names to link by, libarrow.so, only those with a number.
AC_DEFUN([PORTER_ARROW_CXX], [
	porter_arrow=$porter_pypi/pyarrow
	ARROW_CPPFLAGS="-isystem $porter_arrow/include"
	ARROW_LIBS="-L$porter_arrow -Wl,-rpath,$porter_arrow"
	for porter_name in libparquet libarrow_compute libarrow; do
		for porter_file in "$porter_arrow/$porter_name".so.*; do
			test -f "$porter_file" || continue
			porter_file=`basename "$porter_file"`
			ARROW_LIBS="$ARROW_LIBS -l:$porter_file"
		done
	done
	AC_MSG_CHECKING([for Arrow C++])
	have_arrow_cxx="no Arrow C++ here"
	AC_LANG_PUSH([C++])
	porter_saved_CXXFLAGS=$CXXFLAGS
	porter_saved_LIBS=$LIBS
	CXXFLAGS="$CXXFLAGS -std=c++17 $ARROW_CPPFLAGS"
	LIBS="$LIBS $ARROW_LIBS"
	AS_IF([test -n "$porter_pypi" &&
		test -f "$porter_arrow/include/arrow/memory_pool.h"], [
		dnl A constructor with a string: the ABI of std::string fits.
		AC_LINK_IFELSE([AC_LANG_SOURCE([[
#include <arrow/memory_pool.h>
#include <arrow/status.h>
int main()
{
	return arrow::Status::Invalid(arrow::system_memory_pool()
			->backend_name()).ToString().empty();
}
]])],
			[have_arrow_cxx=yes],
			[have_arrow_cxx="this compiler does not link Arrow C++"])
	])
	CXXFLAGS=$porter_saved_CXXFLAGS
	LIBS=$porter_saved_LIBS
	AC_LANG_POP([C++])
	AC_MSG_RESULT([$have_arrow_cxx])
	AC_SUBST([ARROW_CPPFLAGS])
	AC_SUBST([ARROW_LIBS])
])

AC_DEFUN([PORTER_NANOARROW], [
	AC_MSG_CHECKING([for nanoarrow])
	NANOARROW=$porter_pypi/nanoarrow
	have_nanoarrow="no nanoarrow here"
	AS_IF([test -n "$porter_pypi" && test -f "$NANOARROW/src/nanoarrow.c"],
		 [have_nanoarrow=yes])
	AC_MSG_RESULT([$have_nanoarrow])
	NANOARROW_CPPFLAGS="-isystem $NANOARROW/include"
	AC_SUBST([NANOARROW])
	AC_SUBST([NANOARROW_CPPFLAGS])
])
