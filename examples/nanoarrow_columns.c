/* SPDX-License-Identifier: MIT */
/*
 * nanoarrow_columns.c: a text becomes columns, built by nanoarrow.
 *
 *	nanoarrow_columns FILE
 *
 * A row for each line: its length, as int32, and its text. nanoarrow's builders
 * grow their buffers by reallocation; the tracker gives blocks whose addresses
 * and sizes are multiples of 64, and knows how many bytes they are.
 */
#include <nanoarrow/nanoarrow.h>
#include <portermem/adapt-nanoarrow.h>
#include <portermem/portermem.h>

#include <stdio.h>
#include <stdlib.h>

static int set_type(struct ArrowSchema *schema)
{
	ArrowSchemaInit(schema);
	NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(schema, 2));
	NANOARROW_RETURN_NOT_OK(
		ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_INT32));
	NANOARROW_RETURN_NOT_OK(
		ArrowSchemaSetName(schema->children[0], "length"));
	NANOARROW_RETURN_NOT_OK(
		ArrowSchemaSetType(schema->children[1], NANOARROW_TYPE_STRING));
	return ArrowSchemaSetName(schema->children[1], "text");
}

static int append_line(struct ArrowArray *table, const char *line, int64_t size)
{
	struct ArrowStringView text = { line, size };

	NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(table->children[0], size));
	NANOARROW_RETURN_NOT_OK(
		ArrowArrayAppendString(table->children[1], text));
	return ArrowArrayFinishElement(table);
}

static int read_lines(struct ArrowArray *table, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int code = ArrowArrayStartAppending(table);

	while (code == NANOARROW_OK &&
	       (size = getline(&line, &room, file)) >= 0)
		code = append_line(table, line,
				   size - (size > 0 && line[size - 1] == '\n'));
	free(line);
	return code == NANOARROW_OK ?
		       ArrowArrayFinishBuildingDefault(table, NULL) :
		       code;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	porter_tracked *t = porter_tracked_new(NULL);
	struct ArrowSchema schema = { .release = NULL };
	struct ArrowArray table = { .release = NULL };
	int code;
	int64_t leaked;

	if (!file || !t) {
		fprintf(stderr, "Usage: nanoarrow_columns FILE\n");
		return 2;
	}
	code = set_type(&schema);
	if (code == NANOARROW_OK)
		code = ArrowArrayInitFromSchema(&table, &schema, NULL);
	if (code == NANOARROW_OK) {
		porter_nanoarrow_set(&table, porter_tracked_allocator(t));
		code = read_lines(&table, file);
	}
	fclose(file);
	if (code == NANOARROW_OK)
		printf("%lld rows: %lld bytes\n", (long long)table.length,
		       (long long)porter_bytes_used(t));
	else
		fprintf(stderr, "nanoarrow_columns: error %d\n", code);
	if (table.release)
		ArrowArrayRelease(&table);
	if (schema.release)
		ArrowSchemaRelease(&schema);
	printf("released: %lld bytes\n", (long long)porter_bytes_used(t));
	return porter_tracked_destroy(t, &leaked) != 0 || leaked != 0 ||
	       code != NANOARROW_OK;
}
