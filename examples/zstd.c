/* SPDX-License-Identifier: MIT */
/* zstd.c: how much a compression holds, by level; zstd's number beside. */
#include <portermem/adapt-zstd.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>

enum { SIZE = 1 << 20 };

static char text[SIZE], packed[SIZE + (SIZE >> 8) + 64];

/* Whether it went well, and both numbers are the same. */
static int compress(porter_tracked *t, int level)
{
	ZSTD_CCtx *context = ZSTD_createCCtx_advanced(porter_zstd_memory(t));
	size_t size = 0;
	int64_t ours = 0, zstds = 0;

	if (context) {
		size = ZSTD_compressCCtx(context, packed, sizeof(packed), text,
					 SIZE, level);
		ours = porter_bytes_used(t);
		zstds = (int64_t)ZSTD_sizeof_CCtx(context);
	}
	ZSTD_freeCCtx(context);
	if (!context || ZSTD_isError(size)) {
		fprintf(stderr, "zstd: level %d failed\n", level);
		return -1;
	}
	printf("level %-2d %10" PRId64 " %10" PRId64 "\n", level, ours, zstds);
	return ours == zstds ? 0 : -1;
}

int main(void)
{
	static const int levels[] = { 1, 3, 9, 19 };
	porter_tracked *t = porter_tracked_new(NULL);
	int wrong = 0;
	int64_t leaked;

	if (!t) {
		perror("zstd");
		return 1;
	}
	for (int i = 0; i < SIZE; i++)
		text[i] = "portermem "[(i ^ i >> 7) % 10];
	printf("%-8s %10s %10s\n", "", "bytes", "zstd says");
	for (int i = 0; i < 4; i++)
		wrong += compress(t, levels[i]) != 0;
	printf("%-8s %10" PRId64 "\n", "freed", porter_bytes_used(t));
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 &&
			       wrong == 0 ?
		       0 :
		       1;
}
