dnl SPDX-License-Identifier: MIT
dnl What the library needs, what is built when it is there, and the report.

AC_DEFUN([PORTER_OPTIONAL_PARTS], [
	PKG_CHECK_MODULES([URCU], [liburcu-bp >= 0.13])
	PKG_CHECK_MODULES([CMOCKA], [cmocka >= 1.1.5],
		[have_cmocka=yes], [have_cmocka=no])

	AC_ARG_ENABLE([bench],
		[AS_HELP_STRING([--disable-bench],
			[do not build the benchmarks])],
		[], [enable_bench=auto])
	have_bench=no
	AS_VAR_IF([enable_bench], [no], [], [
		PKG_CHECK_MODULES([BENCHMARK], [benchmark >= 1.6],
			[have_bench=yes],
			[AS_VAR_IF([enable_bench], [yes],
				[AC_MSG_ERROR([google-benchmark not found])])])
	])

	dnl Found at run time by porter_backend(); here for the report only.
	porter_saved_LIBS=$LIBS
	AC_CHECK_LIB([:libjemalloc.so.2], [mallocx],
		[have_jemalloc=yes], [have_jemalloc=no])
	AC_CHECK_LIB([:libmimalloc.so.2], [mi_malloc],
		[have_mimalloc=yes], [have_mimalloc=no])
	LIBS=$porter_saved_LIBS

	AC_CHECK_PROGS([PYTHON3], [python3])
	AC_CHECK_PROGS([GNUPLOT], [gnuplot])
	AC_CHECK_PROGS([PERL], [perl])

	dnl For tests only: thread_local objects with destructors.
	AC_LANG_PUSH([C++])
	AC_CACHE_CHECK([whether $CXX makes programs], [porter_cv_cxx_works], [
		AC_LINK_IFELSE([AC_LANG_SOURCE([[
#include <thread>
thread_local int here;
int main() { return here; }
]])],
			[porter_cv_cxx_works=yes], [porter_cv_cxx_works=no])
	])
	AC_CACHE_CHECK([whether $CXX knows C++17], [porter_cv_cxx17], [
		porter_saved_CXXFLAGS=$CXXFLAGS
		CXXFLAGS="$CXXFLAGS -std=c++17"
		AC_LINK_IFELSE([AC_LANG_SOURCE([[
#include <memory_resource>
int main() { return !std::pmr::get_default_resource(); }
]])],
			[porter_cv_cxx17=yes], [porter_cv_cxx17=no])
		CXXFLAGS=$porter_saved_CXXFLAGS
	])
	AC_LANG_POP([C++])

	AM_CONDITIONAL([HAVE_CXX], [test "$porter_cv_cxx_works" = yes])
	AM_CONDITIONAL([HAVE_CXX17], [test "$porter_cv_cxx17" = yes])
	AM_CONDITIONAL([HAVE_CMOCKA], [test "$have_cmocka" = yes])
	AM_CONDITIONAL([HAVE_BENCH], [test "$have_bench" = yes])
	AC_SUBST([have_jemalloc])
	AC_SUBST([have_mimalloc])
	AC_SUBST([have_cxx17], [$porter_cv_cxx17])
])

AC_DEFUN([PORTER_REPORT], [
	cat <<REPORT

portermem $PACKAGE_VERSION

  prefix            $prefix
  compiler          $CC $CFLAGS
  sanitizers        ${porter_sanitizers:- none}
  adapters         ${adapters:- none}
  not built        ${missing_adapters:- none}    (adapters; library not found, or left out)
  C++17             $porter_cv_cxx17    (for its adapters' tests)
  pyarrow           $have_pyarrow    (for the Arrow adapter's tests)
  Arrow C++         $have_arrow_cxx    (for its adapter's tests)
  nanoarrow         $have_nanoarrow    (for its adapter's tests)
  unit tests        $have_cmocka    (cmocka)
  benchmarks        $have_bench    (google-benchmark)
  jemalloc          $have_jemalloc    (found at run time; for its tests)
  mimalloc          $have_mimalloc    (found at run time; for its tests)
  plots             ${GNUPLOT:-no}

Next: make, make check, make install
REPORT
])
