/* SPDX-License-Identifier: MIT */
/* zlib.c: how much zlib holds, by the size of its window. */
#include <portermem/adapt-zlib.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>

/* The bytes held by one that packs and one that unpacks; or -1. */
static int measure(porter_tracked *t, int window, int64_t *in, int64_t *out)
{
	z_stream packs = { 0 }, unpacks = { 0 };

	porter_zlib_use(t, &packs);
	porter_zlib_use(t, &unpacks);
	if (deflateInit2(&packs, Z_BEST_COMPRESSION, Z_DEFLATED, window, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	*in = porter_bytes_used(t);
	if (inflateInit2(&unpacks, window) != Z_OK) {
		deflateEnd(&packs);
		return -1;
	}
	*out = porter_bytes_used(t) - *in;
	inflateEnd(&unpacks);
	deflateEnd(&packs);
	return 0;
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	int64_t leaked;

	if (!t) {
		perror("zlib");
		return 1;
	}
	printf("%-12s %8s %8s\n", "", "deflate", "inflate");
	for (int window = 9; window <= 15; window += 2) {
		int64_t in, out;

		if (measure(t, window, &in, &out) != 0) {
			fprintf(stderr, "zlib: out of memory\n");
			return 1;
		}
		printf("2^%-2d bytes   %8" PRId64 " %8" PRId64 "\n", window, in,
		       out);
	}
	printf("%-12s %8" PRId64 "\n", "ended", porter_bytes_used(t));
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 ? 0 : 1;
}
