/* SPDX-License-Identifier: MIT */
#include <nanoarrow/nanoarrow.h>
#include <portermem/adapt-nanoarrow.h>

int counted_integers(struct ArrowArray *array, porter_allocator *a)
{
	int code = ArrowArrayInitFromType(array, NANOARROW_TYPE_INT64);

	if (code != NANOARROW_OK)
		return code;
	porter_nanoarrow_set(array, a);
	return ArrowArrayStartAppending(array);
}
