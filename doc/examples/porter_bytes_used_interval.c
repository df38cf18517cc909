/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <inttypes.h>
#include <stdio.h>

void print_usage(const porter_tracked *t)
{
	struct porter_interval used = porter_bytes_used_interval(t);
	int64_t exact;

	if (used.lower == used.upper)
		printf("exactly %" PRId64 " bytes\n", used.lower);
	else
		printf("between %" PRId64 " and %" PRId64 " bytes\n",
		       used.lower, used.upper);
	/* Try up to 100 times to get an exact number. */
	if (porter_bytes_used_exact(t, &exact, 100) == 0)
		printf("exactly %" PRId64 " bytes\n", exact);
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);

	print_usage(t);
	return porter_tracked_destroy(t, NULL);
}
