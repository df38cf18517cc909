/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-zlib.h>

int counted_deflate(porter_tracked *t, z_stream *stream)
{
	porter_zlib_use(t, stream);
	return deflateInit(stream, Z_BEST_COMPRESSION);
}
