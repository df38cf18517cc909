/* SPDX-License-Identifier: MIT */
/*
 * arrow-export.c: buffers of an allocator as an array for any consumer.
 *
 * Behind each array stands one block of the allocator, with all that the
 * interface points to:
 *
 *	| struct exported | children, dictionary | tables of pointers | buffers |
 *	                    moved in                                   to free
 *
 * A schema is one block as well, with its strings at the end.
 */
#include "6-adapt/arrow.h"

#include "0-machine/sized.h"

#include <stdbool.h>
#include <string.h>

/* ---- Buffers ---- */

int porter_arrow_buffer_resize(porter_allocator *a,
			       struct porter_arrow_buffer *b, size_t size)
{
	const size_t unit = PORTER_ARROW_ALIGNMENT;
	size_t padded = (size + unit - 1) & ~(unit - 1);
	char *data;

	if (size == 0) {
		porter_arrow_buffer_free(a, b);
		return 0;
	}
	if (padded < size) /* it has wrapped: larger than anything */
		padded = SIZE_MAX;
	if (padded == b->size) {
		/* Smaller within the last unit: what is cut off is padding. */
		memset((char *)b->data + size, 0, padded - size);
		return 0;
	}
	data = porter_reallocate_aligned(a, b->data, b->size, padded, unit);
	if (!data)
		return -1;
	if (padded > b->size)
		memset(data + b->size, 0, padded - b->size);
	else
		memset(data + size, 0, padded - size);
	b->data = data;
	b->size = padded;
	return 0;
}

void porter_arrow_buffer_free(porter_allocator *a,
			      struct porter_arrow_buffer *b)
{
	porter_free_aligned(a, b->data, b->size, PORTER_ARROW_ALIGNMENT);
	*b = (struct porter_arrow_buffer){ NULL, 0 };
}

/* ---- Sizes of records ---- */

/* Adds n times size; true when it is more than can be. */
static bool too_large(size_t *sum, int64_t n, size_t size)
{
	size_t bytes;

	return (uint64_t)n > SIZE_MAX ||
	       __builtin_mul_overflow((size_t)n, size, &bytes) ||
	       __builtin_add_overflow(*sum, bytes, sum);
}

static void *record_new(porter_allocator *a, size_t size)
{
	char *record = porter_allocate(a, size);

	if (record)
		memset(record, 0, size);
	return record;
}

static int refuse(int error)
{
	errno = error;
	return -1;
}

/* ---- Arrays ---- */

struct exported {
	porter_allocator *a;
	size_t size;
	struct porter_arrow_buffer *taken;
	int64_t n_taken;
};

static void release_array(struct ArrowArray *array)
{
	struct exported *e = array->private_data;

	for (int64_t i = 0; i < array->n_children; i++)
		if (array->children[i]->release)
			array->children[i]->release(array->children[i]);
	if (array->dictionary && array->dictionary->release)
		array->dictionary->release(array->dictionary);
	for (int64_t i = 0; i < e->n_taken; i++)
		porter_arrow_buffer_free(e->a, &e->taken[i]);
	porter_free(e->a, e, e->size);
	array->release = NULL;
}

static bool array_is_right(porter_allocator *a,
			   const struct porter_arrow_array *from,
			   const struct ArrowArray *out)
{
	if (!a || !from || !out ||
	    !sized_is_known(from, sizeof(*from), sizeof(*from)))
		return false;
	if (from->length < 0 || from->offset < 0 || from->null_count < -1 ||
	    from->n_buffers < 0 || from->n_children < 0)
		return false;
	if ((from->n_buffers && !from->buffers) ||
	    (from->n_children && !from->children))
		return false;
	for (int64_t i = 0; i < from->n_children; i++)
		if (!from->children[i].release)
			return false;
	return !from->dictionary || from->dictionary->release;
}

static void move_array(struct ArrowArray *to, struct ArrowArray *from)
{
	*to = *from;
	from->release = NULL;
}

int porter_arrow_export_array(porter_allocator *a,
			      const struct porter_arrow_array *from,
			      struct ArrowArray *out)
{
	const int64_t children = from ? from->n_children : 0;
	size_t size = sizeof(struct exported);
	struct ArrowArray array, *child;
	struct exported *e;

	if (!array_is_right(a, from, out))
		return refuse(EINVAL);
	if (too_large(&size, children, sizeof(*child)) ||
	    too_large(&size, !!from->dictionary, sizeof(*child)) ||
	    too_large(&size, children, sizeof(child)) ||
	    too_large(&size, from->n_buffers, sizeof(void *)) ||
	    too_large(&size, from->n_buffers, sizeof(*e->taken)))
		return refuse(ENOMEM);
	e = record_new(a, size);
	if (!e)
		return -1;
	child = (struct ArrowArray *)(void *)(e + 1);
	array = (struct ArrowArray){
		.length = from->length,
		.null_count = from->null_count,
		.offset = from->offset,
		.n_buffers = from->n_buffers,
		.n_children = children,
		.release = release_array,
		.private_data = e,
	};
	array.children = (struct ArrowArray **)(void *)(child + children +
							!!from->dictionary);
	array.buffers = (const void **)(array.children + children);
	e->a = a;
	e->size = size;
	e->n_taken = from->n_buffers;
	e->taken = (struct porter_arrow_buffer *)(void *)(array.buffers +
							  array.n_buffers);
	for (int64_t i = 0; i < children; i++) {
		move_array(&child[i], &from->children[i]);
		array.children[i] = &child[i];
	}
	if (from->dictionary) {
		array.dictionary = &child[children];
		move_array(array.dictionary, from->dictionary);
	}
	for (int64_t i = 0; i < from->n_buffers; i++) {
		e->taken[i] = from->buffers[i];
		array.buffers[i] = e->taken[i].data;
		from->buffers[i] = (struct porter_arrow_buffer){ NULL, 0 };
	}
	*out = array;
	return 0;
}

/* ---- Schemas ---- */

struct exported_type {
	porter_allocator *a;
	size_t size;
};

static void release_schema(struct ArrowSchema *schema)
{
	struct exported_type *e = schema->private_data;

	for (int64_t i = 0; i < schema->n_children; i++)
		if (schema->children[i]->release)
			schema->children[i]->release(schema->children[i]);
	if (schema->dictionary && schema->dictionary->release)
		schema->dictionary->release(schema->dictionary);
	porter_free(e->a, e, e->size);
	schema->release = NULL;
}

static bool type_is_right(porter_allocator *a,
			  const struct porter_arrow_type *from,
			  const struct ArrowSchema *out)
{
	if (!a || !from || !out ||
	    !sized_is_known(from, sizeof(*from), sizeof(*from)) ||
	    !from->format || from->n_children < 0 ||
	    (from->n_children && !from->children) ||
	    !from->metadata != !from->metadata_size)
		return false;
	for (int64_t i = 0; i < from->n_children; i++)
		if (!from->children[i].release)
			return false;
	return !from->dictionary || from->dictionary->release;
}

static void move_schema(struct ArrowSchema *to, struct ArrowSchema *from)
{
	*to = *from;
	from->release = NULL;
}

/* Copies to where *end is, and moves it on. */
static const char *put(char **end, const char *bytes, size_t size)
{
	char *at = *end;

	if (!bytes)
		return NULL;
	memcpy(at, bytes, size);
	*end += size;
	return at;
}

int porter_arrow_export_schema(porter_allocator *a,
			       const struct porter_arrow_type *from,
			       struct ArrowSchema *out)
{
	const int64_t children = from ? from->n_children : 0;
	size_t size = sizeof(struct exported_type), format_size, name_size;
	struct ArrowSchema schema, *child;
	struct exported_type *e;
	char *end;

	if (!type_is_right(a, from, out))
		return refuse(EINVAL);
	format_size = strlen(from->format) + 1;
	name_size = from->name ? strlen(from->name) + 1 : 0;
	if (too_large(&size, children, sizeof(*child)) ||
	    too_large(&size, !!from->dictionary, sizeof(*child)) ||
	    too_large(&size, children, sizeof(child)) ||
	    too_large(&size, 1, format_size) ||
	    too_large(&size, 1, name_size) ||
	    too_large(&size, 1, from->metadata_size))
		return refuse(ENOMEM);
	e = record_new(a, size);
	if (!e)
		return -1;
	e->a = a;
	e->size = size;
	child = (struct ArrowSchema *)(void *)(e + 1);
	schema = (struct ArrowSchema){
		.flags = from->flags,
		.n_children = children,
		.release = release_schema,
		.private_data = e,
	};
	schema.children = (struct ArrowSchema **)(void *)(child + children +
							  !!from->dictionary);
	end = (char *)(schema.children + children);
	/* Metadata first: consumers read numbers there. */
	schema.metadata = put(&end, from->metadata, from->metadata_size);
	schema.format = put(&end, from->format, format_size);
	schema.name = put(&end, from->name, name_size);
	for (int64_t i = 0; i < children; i++) {
		move_schema(&child[i], &from->children[i]);
		schema.children[i] = &child[i];
	}
	if (from->dictionary) {
		schema.dictionary = &child[children];
		move_schema(schema.dictionary, from->dictionary);
	}
	*out = schema;
	return 0;
}
