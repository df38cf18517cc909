/* SPDX-License-Identifier: MIT */
/*
 * arrow-import.c: an array from elsewhere, charged to a tracker.
 *
 * Each array of the tree may be moved out of its parent and live longer, so
 * each is charged by itself, and its release is wrapped by itself:
 *
 *	struct ArrowArray          struct charged
 *	release       -----------> release_charged()
 *	private_data  -----------> tracker, bytes
 *	                           the producer's release and private_data
 *
 * The producer's release calls those of the children that are still there, as
 * the specification wants it, and so ours.
 *
 * First the whole tree is looked at, and all that may fail is done; then the
 * arrays are wrapped, which cannot fail.
 */
#include "6-adapt/arrow.h"

#include <stdbool.h>
#include <stdlib.h>

struct charged {
	struct charged *next; /* of those that are not bound to an array yet */
	porter_tracked *tracker;
	size_t bytes;
	void *private_data;
	void (*release)(struct ArrowArray *);
};

static void release_charged(struct ArrowArray *array)
{
	struct charged *c = array->private_data;

	array->private_data = c->private_data;
	array->release = c->release;
	array->release(array);
	/* Now the bytes are gone: the tracker is never low. */
	porter_refund(c->tracker, c->bytes);
	free(c);
}

/* ---- What may fail ---- */

static bool fit(const struct ArrowSchema *schema,
		const struct ArrowArray *array)
{
	return schema && array && schema->release && array->release &&
	       array->n_children >= 0 &&
	       schema->n_children == array->n_children &&
	       (array->n_children == 0 ||
		(schema->children && array->children)) &&
	       !schema->dictionary == !array->dictionary;
}

static struct charged *charged_new(porter_tracked *t, size_t bytes)
{
	struct charged *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct charged){ .tracker = t, .bytes = bytes };
	if (porter_charge(t, bytes) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

/* Appends one for each array, parents first; returns where to go on. */
static struct charged **collect(porter_tracked *t,
				const struct ArrowSchema *schema,
				const struct ArrowArray *array,
				struct charged **end)
{
	int64_t bytes;

	if (!fit(schema, array)) {
		errno = EINVAL;
		return NULL;
	}
	bytes = porter__arrow_bytes(schema, array);
	if (bytes < 0)
		return NULL;
	*end = charged_new(t, (size_t)bytes);
	if (!*end)
		return NULL;
	end = &(*end)->next;
	for (int64_t i = 0; end && i < array->n_children; i++)
		end = collect(t, schema->children[i], array->children[i], end);
	if (end && array->dictionary)
		end = collect(t, schema->dictionary, array->dictionary, end);
	return end;
}

static void give_up(struct charged *list)
{
	int error = errno;

	while (list) {
		struct charged *c = list;

		list = c->next;
		porter_refund(c->tracker, c->bytes);
		free(c);
	}
	errno = error;
}

/* ---- What may not ---- */

static struct charged *bind(struct ArrowArray *array, struct charged *c)
{
	struct charged *rest = c->next;

	c->next = NULL;
	c->release = array->release;
	c->private_data = array->private_data;
	array->release = release_charged;
	array->private_data = c;
	for (int64_t i = 0; i < array->n_children; i++)
		rest = bind(array->children[i], rest);
	if (array->dictionary)
		rest = bind(array->dictionary, rest);
	return rest;
}

int porter_arrow_import_charge(porter_tracked *t,
			       const struct ArrowSchema *schema,
			       struct ArrowArray *array)
{
	struct charged *list = NULL;

	if (!t) {
		errno = EINVAL;
		return -1;
	}
	if (!collect(t, schema, array, &list)) {
		give_up(list);
		return -1;
	}
	bind(array, list);
	return 0;
}
