/* SPDX-License-Identifier: MIT */
/*
 * arrow_import.c: a column from another library counts with a tracker.
 *
 * The library, here a function with memory of its own, hands a column over by
 * Arrow's C Data Interface. From porter_arrow_import_charge() on the tracker
 * has its bytes, until the column is released, wherever that is.
 */
#include <portermem/adapt-arrow.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 1000 };

/* ---- The other library, which knows nothing of portermem ---- */

struct column {
	const void *buffers[2];
	int32_t values[ROWS];
};

static void release_type(struct ArrowSchema *type)
{
	type->release = NULL;
}

static void release_column(struct ArrowArray *array)
{
	free(array->private_data);
	array->release = NULL;
}

static int make_column(struct ArrowSchema *type, struct ArrowArray *array)
{
	struct column *column = malloc(sizeof(*column));

	if (!column)
		return -1;
	for (int32_t i = 0; i < ROWS; i++)
		column->values[i] = i * i;
	column->buffers[0] = NULL; /* no nulls */
	column->buffers[1] = column->values;
	*type = (struct ArrowSchema){
		.format = "i",
		.release = release_type,
	};
	*array = (struct ArrowArray){
		.length = ROWS,
		.n_buffers = 2,
		.buffers = column->buffers,
		.release = release_column,
		.private_data = column,
	};
	return 0;
}

/* ---- This program ---- */

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-12s %8" PRId64 "\n", when, porter_bytes_used(t));
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	struct ArrowSchema type;
	struct ArrowArray array;
	int64_t leaked;

	if (!t || make_column(&type, &array) != 0 ||
	    porter_arrow_import_charge(t, &type, &array) != 0) {
		perror("arrow_import");
		return 1;
	}
	printf("%-12s %8s\n", "", "bytes");
	tell("charged", t);
	array.release(&array);
	type.release(&type);
	tell("released", t);
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
