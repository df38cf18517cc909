dnl SPDX-License-Identifier: MIT
dnl What is installed can be moved: pkg-config's files and CMake's start from where
dnl they are.

AC_DEFUN([PORTER_MOVED], [
	dnl For pkg-config. Below /usr nothing is moved, and who builds for another
	dnl machine puts that machine's root before the paths.
	porter_pc_prefix=$prefix
	AS_IF([test "$prefix" = NONE], [porter_pc_prefix=$ac_default_prefix])
	porter_real_prefix=$porter_pc_prefix
	AS_CASE([$prefix,$exec_prefix,$libdir],
		[/usr,*], [],
		[[*,NONE,'${exec_prefix}'/*]], [
			porter_up=`AS_ECHO(["$libdir"]) | sed ['s,[^/]*/,,; s,[^/][^/]*,..,g']`
			porter_pc_prefix='${pcfiledir}/../'$porter_up
		])
	AC_SUBST([porter_pc_prefix])

	dnl For CMake, the way from $libdir to $includedir.
	porter_from=`prefix=$porter_real_prefix
		test "$exec_prefix" != NONE || exec_prefix=$prefix
		eval echo "$libdir"`
	porter_to=`prefix=$porter_real_prefix; eval echo "$includedir"`/
	porter_lib_to_include=
	while :; do
		AS_CASE([$porter_to], [["$porter_from"/*]], [break])
		porter_from=${porter_from%/*}
		porter_lib_to_include=../$porter_lib_to_include
	done
	porter_lib_to_include=$porter_lib_to_include${porter_to#"$porter_from"/}
	AC_SUBST([porter_lib_to_include])
	AC_CONFIG_FILES([cmake/portermem-config.cmake
		cmake/portermem-config-version.cmake])
])
