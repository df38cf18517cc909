/* SPDX-License-Identifier: MIT */
/*
 * adapt-arrow.h: columns that go to other libraries, and come from them, by
 * Arrow's C Data Interface, and stay counted.
 *
 * Link with -lportermem-arrow (pkg-config: portermem-arrow). Arrow itself is
 * not needed: the interface is two structs, and its specification is
 * https://arrow.apache.org/docs/format/CDataInterface.html
 *
 *	porter_arrow_buffer_resize()	buffers grow, as Arrow wants them
 *	porter_arrow_export_array()	buffers become an array, that any
 *	porter_arrow_export_schema()	consumer releases, in any thread
 *	porter_arrow_import_charge()	an array from elsewhere counts with a
 *					tracker for as long as it lives
 *
 * A consumer in another language:
 *
 *	                 export                        release
 *	 tracker: buffers ----> struct ArrowArray ----> counted down, then and
 *	                         (pyarrow, DuckDB, ...)  there, in its thread
 */
#ifndef PORTER_ADAPT_ARROW_H
#define PORTER_ADAPT_ARROW_H

#include <portermem/tracked.h>

/*
 * The structs of the interface, as its specification has them; this name keeps
 * them from being defined again by other headers.
 */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};

struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

#ifdef __cplusplus
}
#endif
#endif /* ARROW_C_DATA_INTERFACE */

PORTER_BEGIN_DECLS

/* What the addresses and the sizes of buffers are multiples of. */
#define PORTER_ARROW_ALIGNMENT ((size_t)64)

/**
 * porter_arrow_buffer - a buffer of an array
 *
 * A buffer whose two members are 0 is empty. porter_arrow_buffer_resize() makes it
 * grow.
 *
 * data  the block, aligned to 64 bytes, or NULL
 * size  its bytes, a multiple of 64
 */
struct porter_arrow_buffer {
	void *data;
	size_t size;
};

/**
 * porter_arrow_array - the parts of an array to export
 *
 * porter_arrow_export_array() takes the struct. Initialize it with
 * PORTER_ARROW_ARRAY_INIT, which sets size.
 *
 * size        sizeof(struct porter_arrow_array)
 * length      the number of values
 * null_count  the number of values that are null; -1: unknown
 * offset      the number of values to skip at the beginning of the buffers
 * buffers     the buffers of the type, in the order of the specification
 * n_buffers   the number of buffers
 * children    arrays that have been exported or imported
 * n_children  the number of children
 * dictionary  an array, or NULL
 */
struct porter_arrow_array {
	size_t size;
	int64_t length;
	int64_t null_count;
	int64_t offset;
	struct porter_arrow_buffer *buffers;
	int64_t n_buffers;
	struct ArrowArray *children;
	int64_t n_children;
	struct ArrowArray *dictionary;
};

/* The struct with its size set and nothing in it. */
#define PORTER_ARROW_ARRAY_INIT                                               \
	{                                                                     \
		sizeof(struct porter_arrow_array), 0, 0, 0, NULL, 0, NULL, 0, \
			NULL                                                  \
	}

/**
 * porter_arrow_type - the parts of a type to export
 *
 * porter_arrow_export_schema() takes the struct. Initialize it with
 * PORTER_ARROW_TYPE_INIT, which sets size.
 *
 * size           sizeof(struct porter_arrow_type)
 * format         the type, such as "i" for int32 or "u" for UTF-8
 * name           the name of the column, or NULL
 * metadata       the metadata, encoded as the specification says, or NULL
 * metadata_size  the size of the metadata in bytes
 * flags          ARROW_FLAG_NULLABLE and others
 * children       types that have been exported or imported
 * n_children     the number of children
 * dictionary     a type, or NULL
 */
struct porter_arrow_type {
	size_t size;
	const char *format;
	const char *name;
	const char *metadata;
	size_t metadata_size;
	int64_t flags;
	struct ArrowSchema *children;
	int64_t n_children;
	struct ArrowSchema *dictionary;
};

/* The struct with its size set and nothing in it. */
#define PORTER_ARROW_TYPE_INIT                                            \
	{                                                                 \
		sizeof(struct porter_arrow_type), NULL, NULL, NULL, 0, 0, \
			NULL, 0, NULL                                     \
	}

/**
 * porter_arrow_buffer_resize - make a buffer larger or smaller
 * @a: the allocator
 * @b: the buffer; its contents stay, up to the smaller size
 * @size: bytes that must fit; 0 leaves an empty buffer
 *
 * The buffer gets the next multiple of 64 bytes, and an address that is one.
 * What is new in it is zero, and so is the padding that consumers may read.
 * Who appends doubles the size, as always.
 *
 * Ownership: the block belongs to @b, until porter_arrow_buffer_free() or
 * porter_arrow_export_array().
 * Return: 0, or -1 with errno and the buffer as it was.
 * Errors: ENOMEM, no memory, or @size too large.
 * Threads: as safe as the allocator. Signals: not safe.
 */
int porter_arrow_buffer_resize(porter_allocator *a,
			       struct porter_arrow_buffer *b, size_t size);

/**
 * porter_arrow_buffer_free - give a buffer's block back
 * @a: the allocator that it came from
 * @b: the buffer; an empty one is fine, and it is empty afterwards
 *
 * Return: nothing.
 * Errors: none.
 * Threads: as safe as the allocator. Signals: not safe.
 */
void porter_arrow_buffer_free(porter_allocator *a,
			      struct porter_arrow_buffer *b);

/**
 * porter_arrow_export_array - make buffers an array for any consumer
 * @a: the allocator that the buffers came from
 * @array: what it is made of
 * @out: the array; what stands there is overwritten, not released
 *
 * The consumer releases the array when it likes, in any thread, also one that
 * is not of this program's making; its buffers are given back to @a then, and
 * a tracker has counted them down when the release returns. Children that the
 * consumer moved out live on by themselves.
 *
 * The array's own record, which holds the tables of buffers and children, is a
 * block of @a too, and comes and goes with it.
 *
 * A validity bitmap may be an empty buffer where nothing is null. Offsets may
 * not, also where there are no values: there is one more of them. Whether the
 * buffers are right for the type is not looked at.
 *
 * Ownership: on success the buffers, children and dictionary of @array have
 * been moved: the caller's are empty, or marked released. On failure all are
 * still the caller's. @a must outlive the array.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: ENOMEM, no memory; EINVAL, a pointer is NULL that must not be, a
 * number is negative (null_count may be -1), a child or the dictionary has
 * been released, or the size of the struct is none that is known.
 * Threads: as safe as the allocator. Signals: not safe.
 */
int porter_arrow_export_array(porter_allocator *a,
			      const struct porter_arrow_array *array,
			      struct ArrowArray *out);

/**
 * porter_arrow_export_schema - make a type one for any consumer
 * @a: the allocator
 * @type: what it is made of; the strings are copied
 * @out: the schema; what stands there is overwritten, not released
 *
 * One block of @a, until the consumer releases the schema, in any thread.
 *
 * Ownership: on success the children and the dictionary of @type have been
 * moved: the caller's are marked released. @a must outlive the schema.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: ENOMEM, no memory; EINVAL, a pointer is NULL that must not be, a
 * child or the dictionary has been released, or the size of the struct is none
 * that is known.
 * Threads: as safe as the allocator. Signals: not safe.
 */
int porter_arrow_export_schema(porter_allocator *a,
			       const struct porter_arrow_type *type,
			       struct ArrowSchema *out);

/**
 * porter_arrow_import_charge - count an array from elsewhere as long as it lives
 * @t: the tracker
 * @schema: the type of the array
 * @array: the array; its release function is wrapped
 *
 * Counts the bytes of the array's buffers, those of its children and of its
 * dictionary, as an allocation each. The interface tells no sizes: counted is
 * what the type, the length and the offset say, the same that Arrow's own
 * import arrives at. A buffer that occurs twice counts twice.
 *
 * The array may be moved, and its children may be moved out of it: each counts
 * until it is released itself. It may be charged to a second tracker as well.
 *
 * Ownership: the array stays the caller's. @t must outlive it. For each array
 * and child a few words come from malloc, and are not counted.
 * Return: 0, or -1 with errno and nothing changed.
 * Errors: EINVAL, a pointer is NULL, the array has been released, the format
 * is not known, or type and array do not fit; ENOMEM, no memory, or a limit of
 * @t refuses.
 * Threads: safe for different arrays; the release may happen in any thread.
 * Signals: not safe.
 */
int porter_arrow_import_charge(porter_tracked *t,
			       const struct ArrowSchema *schema,
			       struct ArrowArray *array);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_ARROW_H */
