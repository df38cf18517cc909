/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-arrow.h>
#include <stdio.h>

/* Counts a column that another library exported, until it is released. */
int take_column(porter_tracked *t, const struct ArrowSchema *schema,
		struct ArrowArray *array)
{
	if (porter_arrow_import_charge(t, schema, array) == 0)
		return 0;
	perror("porter_arrow_import_charge");
	array->release(array);
	return -1;
}
