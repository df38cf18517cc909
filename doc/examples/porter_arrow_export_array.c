/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-arrow.h>
#include <string.h>

/* Makes a column of 32-bit integers that any Arrow library can take over. */
int export_integers(porter_allocator *a, const int32_t *values, int64_t n,
		    struct ArrowArray *array, struct ArrowSchema *schema)
{
	struct porter_arrow_buffer buffers[2] = { { NULL, 0 }, { NULL, 0 } };
	struct porter_arrow_array parts = PORTER_ARROW_ARRAY_INIT;
	struct porter_arrow_type type = PORTER_ARROW_TYPE_INIT;

	type.format = "i";
	parts.length = n;
	parts.buffers = buffers; /* no validity bitmap: nothing is null */
	parts.n_buffers = 2;
	if (porter_arrow_buffer_resize(a, &buffers[1], (size_t)n * 4) != 0)
		return -1;
	if (n)
		memcpy(buffers[1].data, values, (size_t)n * 4);
	if (porter_arrow_export_schema(a, &type, schema) != 0) {
		porter_arrow_buffer_free(a, &buffers[1]);
		return -1;
	}
	if (porter_arrow_export_array(a, &parts, array) != 0) {
		porter_arrow_buffer_free(a, &buffers[1]);
		schema->release(schema);
		return -1;
	}
	return 0;
}
