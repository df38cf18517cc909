/* SPDX-License-Identifier: MIT */
#include <portermem/portermem.h>
#include <stdio.h>
#include <string.h>

/* What a server logs before it destroys a tracker that is not empty. */
void log_leak(const porter_tracked *t)
{
	char line[256];

	if (porter_bytes_used(t) > 0 &&
	    porter_tracked_describe(t, line, sizeof(line)) > 0)
		fprintf(stderr, "leaked: %s\n", line);
}

int main(void)
{
	struct porter_tracked_options o = PORTER_TRACKED_OPTIONS_INIT;
	porter_tracked *t;
	char line[256];

	o.name = "cache";
	t = porter_tracked_new_with(NULL, &o);
	if (!t || porter_charge(t, 100) != 0)
		return 1;
	log_leak(t); /* leaked: cache: 100 bytes in 1 block, ... */
	if (porter_tracked_describe(t, line, sizeof(line)) < 0 ||
	    strncmp(line, "cache: 100 bytes", 16) != 0)
		return 1;
	porter_refund(t, 100);
	return porter_tracked_destroy(t, NULL) != 0;
}
