/* SPDX-License-Identifier: MIT */
/*
 * adapt-arrow.h: count columns that are exported and imported by Arrow's C Data
 * Interface.
 *
 *	cc file.c $(pkg-config --cflags --libs portermem-arrow)
 *
 * Arrow itself is not needed. The interface consists of two structs; its specification
 * is https://arrow.apache.org/docs/format/CDataInterface.html
 *
 *	porter_arrow_buffer_resize()	makes a buffer grow
 *	porter_arrow_export_array()	makes an array from buffers; the consumer
 *	porter_arrow_export_schema()	releases it in any thread
 *	porter_arrow_import_charge()	counts an array of another library until
 *					it is released
 *
 *	                 export                         release
 *	 tracker: buffers ----> struct ArrowArray ----> the tracker counts down,
 *	                        (pyarrow, DuckDB, ...)  in the releasing thread
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
 * porter_arrow_buffer_resize - resize a buffer
 * @a: the allocator
 * @b: the buffer; its contents stay the same up to the smaller size
 * @size: the size in bytes that the buffer needs; 0 leaves an empty buffer
 *
 * The function rounds the size up to a multiple of 64, and the address of the block is
 * a multiple of 64. New bytes are zero, and so is the padding, which consumers may
 * read. To append many values, double the size each time.
 *
 * Ownership: the block belongs to @b until porter_arrow_buffer_free() or
 * porter_arrow_export_array().
 * Return: 0; or -1 with errno set, and the buffer is unchanged.
 * Errors: ENOMEM, there is no memory, a limit refuses the request, or @size is too
 * large.
 * Threads: safe if the allocator is. Signals: not safe.
 */
int porter_arrow_buffer_resize(porter_allocator *a,
			       struct porter_arrow_buffer *b, size_t size);

/**
 * porter_arrow_buffer_free - free the block of a buffer
 * @a: the allocator that the block came from
 * @b: the buffer, which may be empty, and is empty afterwards
 *
 * Return: nothing.
 * Errors: none.
 * Threads: safe if the allocator is. Signals: not safe.
 */
void porter_arrow_buffer_free(porter_allocator *a,
			      struct porter_arrow_buffer *b);

/**
 * porter_arrow_export_array - make an array from buffers
 * @a: the allocator that the buffers came from
 * @array: the parts of the array
 * @out: set to the array; the function does not release an array that was there
 *
 * The consumer releases the array at any time, in any thread, even in a thread that
 * another library made. The release frees the buffers with @a, and a tracker has
 * counted them down when the release returns. Children that the consumer moved out of
 * the array exist until they are released themselves.
 *
 * The record of the array, which holds the tables of buffers and children, is a block of
 * @a, too.
 *
 * A validity bitmap may be an empty buffer if no value is null. A buffer of offsets must
 * not be empty, even if there are no values, because it holds one offset more than there
 * are values. The function does not check whether the buffers fit the type.
 *
 * Ownership: on success the buffers, children and dictionary of @array have been moved;
 * those of the caller are empty or marked as released. On failure the caller still owns
 * all of them. @a must outlive the array.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: ENOMEM, there is no memory, or a limit refuses the request; EINVAL, a required
 * pointer is NULL, a number is negative (null_count may be -1), a child or the
 * dictionary has been released, the size of the struct is unknown, or a member that the
 * library does not know is not 0.
 * Threads: safe if the allocator is. Signals: not safe.
 */
int porter_arrow_export_array(porter_allocator *a,
			      const struct porter_arrow_array *array,
			      struct ArrowArray *out);

/**
 * porter_arrow_export_schema - make a schema from a type
 * @a: the allocator
 * @type: the parts of the schema; the function copies the strings
 * @out: set to the schema; the function does not release a schema that was there
 *
 * The schema is one block of @a until the consumer releases it, in any thread.
 *
 * Ownership: on success the children and the dictionary of @type have been moved; those
 * of the caller are marked as released. @a must outlive the schema.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: ENOMEM, there is no memory, or a limit refuses the request; EINVAL, a required
 * pointer is NULL, a child or the dictionary has been released, the size of the struct
 * is unknown, or a member that the library does not know is not 0.
 * Threads: safe if the allocator is. Signals: not safe.
 */
int porter_arrow_export_schema(porter_allocator *a,
			       const struct porter_arrow_type *type,
			       struct ArrowSchema *out);

/**
 * porter_arrow_import_charge - count an array of another library until its release
 * @t: the tracker
 * @schema: the type of the array
 * @array: the array; the function wraps its release function
 *
 * The function charges the buffers of the array, of its children and of its dictionary,
 * each as one allocation. The interface does not contain the sizes of the buffers. So
 * the function computes them from the type, the length and the offset, as Arrow's own
 * import does. A buffer that occurs twice counts twice.
 *
 * The array may be moved, and its children may be moved out of it. Each child counts
 * until it is released itself. The array may be charged to a second tracker as well.
 *
 * Ownership: the caller still owns the array. @t must outlive it. For each array and
 * child the function allocates a few words with malloc, which do not count.
 * Return: 0; or -1 with errno set, and nothing has changed.
 * Errors: EINVAL, a pointer is NULL, the array has been released, the format is unknown,
 * or type and array do not fit; ENOMEM, there is no memory, or a limit of @t refuses the
 * request.
 * Threads: safe for different arrays; the release may happen in any thread.
 * Signals: not safe.
 */
int porter_arrow_import_charge(porter_tracked *t,
			       const struct ArrowSchema *schema,
			       struct ArrowArray *array);

PORTER_END_DECLS

#endif /* PORTER_ADAPT_ARROW_H */
