dnl SPDX-License-Identifier: MIT
dnl Adapters to other libraries: each is built when its library is there.

dnl PORTER_ADAPTER(NAME, MODULE): looks for the module of pkg-config unless
dnl --without-NAME was given. Sets have_NAME, NAME_CFLAGS and NAME_LIBS, and the
dnl condition HAVE_NAME (all but the first in capitals). Without a MODULE there
dnl is nothing to look for: the adapter stands by itself.
AC_DEFUN([PORTER_ADAPTER], [
	AC_ARG_WITH([$1],
		[AS_HELP_STRING([--without-$1], [leave the $1 adapter out])],
		[], [with_$1=$with_adapters])
	have_$1=no
	AS_VAR_IF([with_$1], [no], [], [
		m4_ifval([$2],
			[PKG_CHECK_MODULES(m4_toupper([$1]), [$2], [have_$1=yes],
				[AS_VAR_IF([with_$1], [yes],
					[AC_MSG_ERROR([$2 not found])])])],
			[have_$1=yes])
	])
	AS_VAR_IF([have_$1], [yes], [
		AS_VAR_APPEND([adapters], [" $1"])
		AS_VAR_APPEND([adapter_cflags], [" $m4_toupper([$1])_CFLAGS"])
	], [AS_VAR_APPEND([missing_adapters], [" $1"])])
	AM_CONDITIONAL([HAVE_]m4_toupper([$1]), [test "$have_$1" = yes])
])

dnl PORTER_ADAPTER_LIBRARY(NAME, MODULE): the same, for an adapter that is a
dnl library: portermem-NAME.pc is made, from the one template.
AC_DEFUN([PORTER_ADAPTER_LIBRARY], [
	PORTER_ADAPTER([$1], [$2])
	AC_CONFIG_FILES([portermem-$1.pc:portermem-adapter.pc.in], [
		sed -e 's/%NAME%/$1/' \
			-e 's/%MODULE%/m4_bpatsubst([$2], [ .*])/' \
			portermem-$1.pc >portermem-$1.pc.new &&
			mv -f portermem-$1.pc.new portermem-$1.pc
	])
])

AC_DEFUN([PORTER_ADAPTERS], [
	AC_ARG_WITH([adapters],
		[AS_HELP_STRING([--without-adapters],
			[leave all adapters out that are not named])],
		[], [with_adapters=auto])
	PORTER_ADAPTER([arrow])
	AC_CONFIG_FILES([portermem-arrow.pc portermem-nanoarrow.pc])
	PORTER_ADAPTER_LIBRARY([sqlite], [sqlite3 >= 3.7])
	PORTER_ADAPTER([lua], [lua5.4])
	PORTER_ADAPTER([zstd], [libzstd >= 1.4])
	PORTER_ADAPTER([zlib], [zlib])
	PORTER_ADAPTER([nghttp2], [libnghttp2 >= 1.0])
	PORTER_ADAPTER_LIBRARY([jansson], [jansson >= 2.8])
	PORTER_ADAPTER_LIBRARY([cjson], [libcjson])
	PORTER_ADAPTER_LIBRARY([expat], [expat])
	PORTER_ADAPTER_LIBRARY([libxml2], [libxml-2.0])
	PORTER_ADAPTER_LIBRARY([openssl], [libcrypto >= 3])
	PORTER_ADAPTER_LIBRARY([libuv], [libuv >= 1.0])
	PORTER_ADAPTER_LIBRARY([cares], [libcares >= 1.12])
	PORTER_ADAPTER_LIBRARY([curl], [libcurl >= 7.12])
	AC_SUBST([adapters])
	AC_SUBST([adapter_cflags])
	AC_SUBST([missing_adapters])
])
