#!/bin/sh
# SPDX-License-Identifier: MIT
# Columns go to Python and back, by Arrow's C Data Interface: roundtrip.py.
. "${srcdir:-$(dirname "$0")/../..}/tests/tap.sh"

module=tests/adapters/.libs/arrow_module.so
case " $adapters " in
*" arrow "*) ;;
*) skip_all "built without the Arrow adapter" ;;
esac
test "$have_pyarrow" = yes || skip_all "$have_pyarrow"
test -f $module || skip_all "no shared libraries here"
case $porter_sanitizers in
*tsan*)
	skip_all "Python and Arrow are compiled without ThreadSanitizer"
	;;
*asan*)
	# It must be there before Python is, whose own leaks are not ours.
	runtime=$($CC -print-file-name=libasan.so)
	case $($CC --version) in
	*clang*) skip_all "Python cannot preload clang's AddressSanitizer" ;;
	esac
	test -f "$runtime" || skip_all "no libasan.so to preload"
	LD_PRELOAD="$runtime $($CC -print-file-name=libstdc++.so)"
	ASAN_OPTIONS=detect_leaks=0:$ASAN_OPTIONS
	export LD_PRELOAD ASAN_OPTIONS
	;;
esac

PYTHONPATH=$porter_pypi
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
# Not exec: the scratch folder is to be removed.
"$PYTHON3" "$srcdir/tests/adapters/roundtrip.py" "./$module"
