/* SPDX-License-Identifier: MIT */
#include <nanoarrow/nanoarrow.h>
#include <portermem/adapt-nanoarrow.h>

void counted_buffer(struct ArrowBuffer *buffer, porter_allocator *a)
{
	ArrowBufferInit(buffer);
	buffer->allocator = porter_nanoarrow_allocator(a);
}
