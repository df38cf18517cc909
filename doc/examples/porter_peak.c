/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	porter_allocator *a = porter_tracked_allocator(t);
	struct porter_interval peak;
	void *block;

	block = porter_allocate(a, 1000);
	porter_free(a, block, 1000);
	peak = porter_peak(t);
	printf("peak: %" PRId64 " to %" PRId64 " bytes\n", peak.lower,
	       peak.upper);
	/* Once a minute, for example: the peak of each minute. */
	peak = porter_peak_reset(t);
	return porter_tracked_destroy(t, NULL) != 0 || peak.upper < 1000;
}
